//! Results of one project in another.

use std::{fs, os::unix::fs::MetadataExt};

use coppice_backend::actions;
use coppice_model::{
    ActionId, BuildId, ProjectRef,
    messages::{BackendTask, Fork, ForkedBuild},
};

use crate::{
    host::{Host, chroot, dnf, everything_below, project, work},
    packages::hello,
    publishing::assert_whole,
};

fn fork(builds: &[(i64, i64)]) -> BackendTask {
    let forked = |(from, to): &(i64, i64)| ForkedBuild {
        chroot: chroot(),
        package: "hello".parse().unwrap(),
        from: BuildId(*from),
        to: BuildId(*to),
    };
    BackendTask::ForkV1(Fork {
        action: ActionId(5),
        from: project(),
        project: ProjectRef { owner: "bob".parse().unwrap(), name: "mine".parse().unwrap() },
        builds: builds.iter().map(forked).collect(),
        comps_of: vec![chroot()],
        grant: None,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forked_build_is_whole_signed_and_installed_from_its_new_place() {
    let host = Host::start().await;
    host.ingest(&work(7), &hello()).await.unwrap();
    fs::write(host.repository().join("comps.xml"), "<comps></comps>").unwrap();
    let before = everything_below(&host.repository());
    // A build that is gone is left out; whoever asks twice gets it once.
    for _ in 0..2 {
        actions::handle(&host.results, &fork(&[(7, 21), (8, 22)])).await.unwrap();
    }
    assert_eq!(everything_below(&host.repository()), before, "the source stays as it is");
    let repository = host.public(&format!("bob/mine/{}", chroot()));
    assert_whole(&repository);
    assert!(repository.join("comps.xml").exists() && !repository.join("00000022-hello").exists());
    assert!(host.public("bob/mine/pubkey.gpg").exists());
    let (old, new) = (host.repository().join("00000007-hello"), repository.join("00000021-hello"));
    let names = |dir: &std::path::Path| everything_below(dir);
    assert_eq!(names(&old), names(&new));
    let inode = |path: std::path::PathBuf| fs::metadata(path).unwrap().ino();
    let package = "hello-data-1.0-1.fc43.noarch.rpm";
    assert_ne!(inode(old.join(package)), inode(new.join(package)), "each has its own signature");
    assert_eq!(inode(old.join("success")), inode(new.join("success")), "all else is shared");

    let (url, key) = (host.url(&format!("bob/mine/{}/", chroot())), host.url("bob/mine/pubkey.gpg"));
    let installed = tokio::task::spawn_blocking(move || {
        let root = tempfile::tempdir().unwrap();
        let mut command = dnf(root.path(), &url);
        command.args(["--setopt=test.repo_gpgcheck=1", "--setopt=test.gpgcheck=1"]);
        command.arg(format!("--setopt=test.gpgkey={key}")).args(["install", "hello-data"]).output().unwrap()
    });
    let installed = installed.await.unwrap();
    assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
}
