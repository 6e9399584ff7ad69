use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use coppice_distgit::{Service, StartError};
use coppice_runtime::Stop;

use crate::{
    crafted::Srpm,
    fixture::{World, git},
};

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_it_imports_once() {
    let world = World::new().await;
    let moments = [
        "tmp",
        "lookaside",
        "imports/0",
        "git/@team/tools/hello/objects",
        "git/@team/tools/hello/refs/heads",
    ];
    for (build, moment) in moments.iter().enumerate() {
        let build = i64::try_from(build).unwrap() + 1;
        let archive: Vec<u8> = (0..3_000_000_u32).map(|n| (n / 7 + build as u32).to_le_bytes()[0]).collect();
        let srpm = Srpm::of("hello").with("a.tar.gz", archive).with("n.txt", build.to_string());
        let before = entries(&world, moment);
        world.submits(build, &srpm.bytes()).await;
        let service = spawn(&world);
        spin_until(|| entries(&world, moment) != before || has_ended(&world, build));
        drop(service);
    }
    let distgit = world.start().await;
    for build in 1..=moments.len() {
        let commits = world.imported(i64::try_from(build).unwrap()).commits;
        assert_eq!(commits.len(), 3, "build {build}");
        for commit in commits.values() {
            let content = git(&world.repository("hello"), &["show", &format!("{}:n.txt", commit.commit)]);
            assert_eq!(content, build.to_string());
        }
    }
    assert_eq!(world.commits("hello", "f43"), moments.len());
    assert_eq!(world.commits("hello", "epel9"), moments.len());
    git(&world.repository("hello"), &["fsck", "--strict"]);
    assert_eq!(fs::read_dir(world.data_dir().join("tmp")).unwrap().count(), 0);
    distgit.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_service_on_the_same_data_is_refused() {
    let world = World::new().await;
    let distgit = world.start().await;
    let refused = Service::start(world.config(), Stop::new()).await.unwrap_err();
    assert!(matches!(refused, StartError::InUse(_)), "{refused}");
    distgit.stop().await;
}

/// Killed without a warning when dropped.
struct Victim(Child);

impl Drop for Victim {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn spawn(world: &World) -> Victim {
    let config = world.config();
    let mut command = Command::new(env!("CARGO_BIN_EXE_coppice-distgit"));
    command.env("COPPICE_DISTGIT__REDIS", config.redis).env("COPPICE_DISTGIT__HTTP__LISTEN", "127.0.0.1:0");
    command.env("COPPICE_DISTGIT__DATA_DIR", config.data_dir);
    command.env("COPPICE_DISTGIT__PUBLIC_URL", config.public_url);
    Victim(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
}

/// The moment was too short to be seen.
fn has_ended(world: &World, build: i64) -> bool {
    let record = fs::read_to_string(world.data_dir().join(format!("imports/0/{build}.json")));
    record.is_ok_and(|record| !record.contains("\"report\":null"))
}

/// What a folder holds with its folders.
fn entries(world: &World, path: &str) -> Vec<String> {
    let inner = |path: &Path| fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
    let dir = world.data_dir().join(path);
    let mut paths: Vec<_> = inner(&dir).flat_map(|path| inner(&path).chain([path.clone()])).collect();
    paths.sort();
    paths.iter().map(|path| path.display().to_string()).collect()
}

/// Looks without a pause: the moments are short.
fn spin_until(mut reached: impl FnMut() -> bool) {
    let started = Instant::now();
    while !reached() {
        assert!(started.elapsed() < Duration::from_secs(60), "the moment never came");
        std::thread::yield_now();
    }
}
