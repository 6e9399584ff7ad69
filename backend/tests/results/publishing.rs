//! Repositories as their users meet them: empty, growing, replaced under their hands, on a full disk.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
};

use coppice_backend::{actions, publisher::PublishConfig, results::IngestError};
use coppice_model::{
    ActionId,
    messages::{BackendTask, Comps, PublishRepositories},
};
use sha2::{Digest, Sha256};

use crate::{
    host::{Host, chroot, dnf, everything_below, main_dir, project, work},
    packages::{Sent, hello},
};

pub fn publish(from_scratch: bool) -> BackendTask {
    BackendTask::PublishV1(PublishRepositories {
        devel: None,
        action: ActionId(1),
        project: project(),
        dirs: vec![main_dir()],
        chroots: vec![chroot()],
        from_scratch,
        comps: None,
        grant: None,
    })
}

/// The files that the served `repomd.xml` names are there and are what it says.
pub fn assert_whole(repository: &Path) -> BTreeSet<String> {
    let repomd = fs::read_to_string(repository.join("repodata/repomd.xml")).unwrap();
    let named: BTreeSet<String> = repomd
        .split("href=\"repodata/")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .collect();
    assert!(named.len() >= 3, "{repomd}");
    for name in &named {
        let content = fs::read(repository.join("repodata").join(name)).unwrap();
        assert_eq!(hex::encode(Sha256::digest(&content)), name.split('-').next().unwrap());
    }
    named
}

#[tokio::test]
async fn an_empty_repository_exists_before_the_key_does() {
    let host = Host::start().await;
    host.signer.has_key.store(false, Ordering::SeqCst);
    actions::handle(&host.results, &publish(false)).await.unwrap();
    assert!(host.dnf_sees().await.is_empty());
    assert!(!host.repository().join("repodata/repomd.xml.asc").exists());
    assert!(!host.public("alice/tools/pubkey.gpg").exists());

    host.signer.has_key.store(true, Ordering::SeqCst);
    actions::handle(&host.results, &publish(false)).await.unwrap();
    let (repodata, key) = (host.repository().join("repodata"), &host.signer.gpg);
    assert!(key.accepts(&repodata.join("repomd.xml.asc"), &repodata.join("repomd.xml")));
    assert_eq!(fs::read_to_string(host.public("alice/tools/pubkey.gpg")).unwrap(), key.key.armored);
}

#[tokio::test]
async fn an_empty_repository_exists_even_while_keygen_is_away_and_is_signed_later() {
    let host = Host::start().await;
    host.signer.runs.store(false, Ordering::SeqCst);
    let waiting = actions::handle(&host.results, &publish(false)).await;
    assert!(matches!(waiting, Err(IngestError::Unavailable(_))), "{waiting:?}");
    assert!(host.dnf_sees().await.is_empty());
    host.signer.runs.store(true, Ordering::SeqCst);
    actions::handle(&host.results, &publish(false)).await.unwrap();
    assert!(host.repository().join("repodata/repomd.xml.asc").exists());
}

#[tokio::test]
async fn builds_that_finish_together_are_all_published() {
    let host = Arc::new(Host::start().await);
    let mut running = tokio::task::JoinSet::new();
    for build in 1..=8 {
        let host = host.clone();
        running.spawn(async move { host.ingest(&work(build), &hello()).await.unwrap() });
    }
    while let Some(ended) = running.join_next().await {
        assert_eq!(ended.unwrap().len(), 3);
    }
    let output = host.dnf(&["repoquery", "--quiet", "--qf", "%{location}"]).await;
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 24);
    assert_whole(&host.repository());
}

#[tokio::test]
async fn from_scratch_and_afterwards_the_packages_are_the_same() {
    let host = Host::start().await;
    for build in [7, 8] {
        host.ingest(&work(build), &hello()).await.unwrap();
    }
    let named = assert_whole(&host.repository());
    actions::handle(&host.results, &publish(true)).await.unwrap();
    assert_eq!(assert_whole(&host.repository()), named);
    // Results that vanished are found missing.
    fs::remove_dir_all(host.repository().join("00000008-hello")).unwrap();
    actions::handle(&host.results, &publish(false)).await.unwrap();
    let output = host.dnf(&["repoquery", "--quiet", "--qf", "%{location}"]).await;
    let locations = String::from_utf8(output.stdout).unwrap();
    assert!(locations.contains("00000007-hello/") && !locations.contains("00000008"), "{locations}");
}

#[tokio::test]
async fn uploaded_comps_are_carried_along() {
    let host = Host::start().await;
    host.ingest(&work(7), &hello()).await.unwrap();
    let comps = "<?xml version=\"1.0\"?>\n<comps><group><id>greetings</id><name>Greetings</name>\
                 <uservisible>true</uservisible><packagelist><packagereq type=\"mandatory\">hello</packagereq>\
                 </packagelist></group></comps>\n";
    for (content, is_there) in [(Some(comps.to_owned()), true), (None, false)] {
        let BackendTask::PublishV1(mut wish) = publish(false) else { unreachable!() };
        wish.comps = Some(Comps { content });
        actions::handle(&host.results, &BackendTask::PublishV1(wish)).await.unwrap();
        // Whoever publishes later leaves them alone.
        actions::handle(&host.results, &publish(true)).await.unwrap();
        let output = host.dnf(&["group", "list", "--available"]).await;
        let listed = String::from_utf8(output.stdout).unwrap();
        assert_eq!(listed.contains("Greetings"), is_there, "{listed}");
    }
}

#[tokio::test]
async fn replaced_index_files_stay_for_the_grace_time() {
    let config =
        PublishConfig { snapshots_kept: 1, grace_s: 3_600, grace_count: 2, ..PublishConfig::default() };
    let host = Host::start_with(config, None).await;
    host.ingest(&work(1), &hello()).await.unwrap();
    let first = assert_whole(&host.repository());
    let there = |names: &BTreeSet<String>| {
        names.iter().filter(|name| host.repository().join("repodata").join(name).exists()).count()
    };
    host.clock.advance(1_000_000);
    host.ingest(&work(2), &hello()).await.unwrap();
    let second = assert_whole(&host.repository());
    assert_eq!(there(&first), 3, "their time began when they were replaced");
    host.clock.advance(3_601);
    host.ingest(&work(3), &hello()).await.unwrap();
    assert_eq!((there(&first), there(&second)), (0, 3));
    for build in 4..=6 {
        host.clock.advance(1);
        host.ingest(&work(build), &hello()).await.unwrap();
    }
    let repodata = everything_below(&host.repository().join("repodata"));
    assert_eq!(repodata.len(), 2 + 3 + 6, "no more than two replaced publishes: {repodata:?}");
    assert_whole(&host.repository());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dnf_never_fails_while_fifty_publishes_go_by() {
    let host = Arc::new(Host::start().await);
    actions::handle(&host.results, &publish(false)).await.unwrap();
    let (stop, refreshes) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let (url, stopped, done) = (host.repository_url(), stop.clone(), refreshes.clone());
    let refreshing = tokio::task::spawn_blocking(move || {
        let root = tempfile::tempdir().unwrap();
        while !stopped.load(Ordering::SeqCst) {
            let output = dnf(root.path(), &url).args(["makecache", "--refresh"]).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            done.fetch_add(1, Ordering::SeqCst);
        }
    });
    for build in 1..=50 {
        host.ingest(&work(build), &hello()).await.unwrap();
    }
    stop.store(true, Ordering::SeqCst);
    refreshing.await.unwrap();
    assert!(refreshes.load(Ordering::SeqCst) >= 3, "{refreshes:?}");
    assert_eq!(host.dnf_sees().await.len(), 3);
}

/// A file system of a few megabytes, as long as the value lives.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap().keep();
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=3m", "tmpfs"]).arg(&dir).output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self(dir))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("-l").arg(&self.0).status();
        assert!(unmounted.unwrap().success());
        fs::remove_dir(&self.0).unwrap();
    }
}

/// Leaves `free` bytes on the disk.
fn fill(disk: &Path, free: u64) {
    let filler = disk.join("filler");
    assert!(Command::new("sh").arg("-c").arg("cat /dev/zero > \"$0\"").arg(&filler).output().is_ok());
    let file = fs::File::options().write(true).open(&filler).unwrap();
    file.set_len(file.metadata().unwrap().len().saturating_sub(free)).unwrap();
}

#[tokio::test]
async fn on_a_full_disk_the_old_repository_stays() {
    let Some(disk) = SmallDisk::mount() else {
        eprintln!("skipped: mounting a small file system needs root");
        return;
    };
    let host = Host::start_with(PublishConfig::default(), Some(&disk.0)).await;
    host.ingest(&work(1), &hello()).await.unwrap();
    let named = assert_whole(&host.repository());
    let repomd = fs::read(host.repository().join("repodata/repomd.xml")).unwrap();
    let (sent, mut failures) = (hello(), 0);
    for free in (0..).map(|step| step * 4_096) {
        fill(&disk.0, free);
        match host.ingest(&work(2), &sent).await {
            Ok(packages) => {
                assert_eq!(packages.len(), 3);
                break;
            }
            Err(IngestError::Unavailable(_)) => failures += 1,
            refused => panic!("{refused:?}"),
        }
        assert_eq!(fs::read(host.repository().join("repodata/repomd.xml")).unwrap(), repomd);
        assert_eq!(assert_whole(&host.repository()), named);
        assert!(everything_below(&host.public(".fresh")).is_empty());
    }
    assert!(failures > 5, "the disk was full at {failures} steps");
    fs::remove_file(disk.0.join("filler")).unwrap();
    let repodata = host.repository().join("repodata");
    assert!(host.signer.gpg.accepts(&repodata.join("repomd.xml.asc"), &repodata.join("repomd.xml")));
    assert_eq!(host.dnf_sees().await.len(), 3);
    let keeps: Sent = sent;
    assert_eq!(keeps.names().len(), 5);
}
