//! Whatever happened to a repository, its index says the same as one that is made from the packages anew.

use std::{collections::BTreeSet, fs, io::Read, path::Path};

use coppice_backend::{actions, publisher::PublishConfig};
use coppice_model::{
    ActionId, BuildId,
    messages::{BackendTask, BuildResults, DeleteBuilds, RollBack},
};

use crate::{
    host::{Host, chroot, main_dir, project, work},
    packages::hello,
    publishing::publish,
};

/// The uncompressed index files, in the order of `repomd.xml`.
fn index(repository: &Path) -> Vec<String> {
    let repomd = fs::read_to_string(repository.join("repodata/repomd.xml")).unwrap();
    let files = repomd.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    let unpacked = |file: &str| {
        let mut text = String::new();
        let packed = fs::File::open(repository.join(file)).unwrap();
        flate2::read::GzDecoder::new(packed).read_to_string(&mut text).unwrap();
        text
    };
    files.map(unpacked).collect()
}

fn builds_of(primary: &str) -> Vec<i64> {
    let mut builds: Vec<i64> = primary
        .split("<location href=\"")
        .skip(1)
        .map(|rest| rest.split('-').next().unwrap().parse().unwrap())
        .collect();
    builds.dedup();
    builds
}

/// A second name for every file of a placed build.
fn place(host: &Host, from: &Path, build: i64) {
    let target = host.repository().join(format!("{build:08}-hello"));
    fs::create_dir(&target).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        fs::hard_link(&path, target.join(path.file_name().unwrap())).unwrap();
    }
}

fn delete(build: i64) -> BackendTask {
    let builds = vec![BuildResults {
        build: BuildId(build),
        dir: main_dir(),
        package: Some("hello".parse().unwrap()),
        chroots: vec![chroot()],
    }];
    BackendTask::DeleteBuildsV1(DeleteBuilds { action: ActionId(2), project: project(), builds, grant: None })
}

fn roll_back(snapshot: u64) -> BackendTask {
    let (dir, chroot) = (main_dir(), chroot());
    BackendTask::RollBackV1(RollBack {
        action: ActionId(3),
        project: project(),
        dir,
        chroot,
        snapshot,
        grant: None,
    })
}

/// Numbers below `below`, the same for the same seed (Numerical Recipes' generator).
struct Dice(u32);

impl Dice {
    fn below(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as usize % below
    }
}

/// What the repository should hold.
#[derive(Default)]
struct Model {
    served: Vec<i64>,
    deleted: BTreeSet<i64>,
    /// By number of the publish, from 1 on.
    snapshots: Vec<Vec<i64>>,
}

impl Model {
    fn published(&mut self) {
        if self.snapshots.last() != Some(&self.served) {
            self.snapshots.push(self.served.clone());
        }
    }
}

#[tokio::test]
async fn after_any_history_the_index_is_the_one_made_from_the_packages() {
    for seed in [1, 2] {
        let config = PublishConfig { snapshots_kept: 1_000, ..PublishConfig::default() };
        let host = Host::start_with(config, None).await;
        host.ingest(&work(1), &hello()).await.unwrap();
        let sample = host.data.join("sample");
        fs::rename(host.repository().join("00000001-hello"), &sample).unwrap();
        place(&host, &sample, 1);
        let mut dice = Dice(seed);
        let mut model = Model { served: vec![1], ..Model::default() };
        model.published();
        let mut next = 2;
        for _ in 0..45 {
            match dice.below(10) {
                0..=5 => {
                    for _ in 0..=dice.below(12) {
                        place(&host, &sample, next);
                        model.served.push(next);
                        next += 1;
                    }
                    actions::handle(&host.results, &publish(false)).await.unwrap();
                    model.published();
                }
                6 | 7 if !model.served.is_empty() => {
                    let build = model.served.remove(dice.below(model.served.len()));
                    model.deleted.insert(build);
                    actions::handle(&host.results, &delete(build)).await.unwrap();
                    model.published();
                }
                8 => {
                    actions::handle(&host.results, &publish(true)).await.unwrap();
                    model.snapshots.push(model.served.clone());
                }
                _ => {
                    let number = dice.below(model.snapshots.len());
                    actions::handle(&host.results, &roll_back(number as u64 + 1)).await.unwrap();
                    model.served = model.snapshots[number].clone();
                    model.served.retain(|build| !model.deleted.contains(build));
                    model.snapshots.push(model.served.clone());
                }
            }
            assert_eq!(builds_of(&index(&host.repository())[0]), model.served, "seed {seed}");
        }
        let incremental = index(&host.repository());
        actions::handle(&host.results, &publish(true)).await.unwrap();
        assert_eq!(index(&host.repository()), incremental, "seed {seed}");
        let manifests = host.data.join("state/repositories/alice/tools").join(chroot().as_str());
        fs::remove_dir_all(manifests).unwrap();
        host_forgets_order(&host, &incremental).await;
    }
}

/// Without any memory the same packages are found, in the order of their numbers.
async fn host_forgets_order(host: &Host, before: &[String]) {
    let newest = |host: &Host| {
        let list = fs::read(host.repository().join("snapshots/index.json")).unwrap();
        serde_json::from_slice::<serde_json::Value>(&list).unwrap()["current"].as_u64().unwrap()
    };
    let last = newest(host);
    actions::handle(&host.results, &publish(false)).await.unwrap();
    assert_eq!(newest(host), last + 1, "a number is never given twice");
    let mut all = builds_of(&before[0]);
    all.sort_unstable();
    let found = builds_of(&index(&host.repository())[0]);
    assert!(all.iter().all(|build| found.contains(build)), "{found:?}");
    assert!(found.is_sorted(), "{found:?}");
}

#[tokio::test]
async fn a_vanished_index_file_is_made_again() {
    let host = Host::start().await;
    host.ingest(&work(1), &hello()).await.unwrap();
    let before = index(&host.repository());
    for entry in fs::read_dir(host.repository().join("repodata")).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    actions::handle(&host.results, &publish(false)).await.unwrap();
    assert_eq!(index(&host.repository()), before);
    assert_eq!(host.dnf_sees().await.len(), 3);
}

#[tokio::test]
async fn an_unreadable_package_stops_a_regeneration_and_is_named() {
    let host = Host::start().await;
    host.ingest(&work(1), &hello()).await.unwrap();
    let before = index(&host.repository());
    let rpm = host.repository().join("00000001-hello/hello-data-1.0-1.fc43.noarch.rpm");
    let whole = fs::read(&rpm).unwrap();
    fs::remove_file(&rpm).unwrap();
    fs::write(&rpm, &whole[..90]).unwrap();
    let failed = actions::handle(&host.results, &publish(true)).await.unwrap_err().to_string();
    assert!(failed.contains("hello-data-1.0-1.fc43.noarch.rpm"), "{failed}");
    assert_eq!(index(&host.repository()), before);
    fs::write(&rpm, whole).unwrap();
    actions::handle(&host.results, &publish(true)).await.unwrap();
    assert_eq!(host.dnf_sees().await.len(), 3);
}
