//! Deleted builds and projects: dnf never hears of a package that is gone.

use std::{fs, sync::atomic::Ordering};

use coppice_backend::{actions, publisher::PublishConfig, results::IngestError};
use coppice_model::{
    ActionId, BuildId,
    messages::{BackendTask, BuildResults, DeleteBuilds, DeleteProject},
};

use crate::{
    host::{Host, chroot, main_dir, project, work},
    packages::hello,
    publishing::publish,
};

/// A host that removes the files of deleted builds without waiting for clients with old metadata.
async fn at_once() -> Host {
    Host::start_with(PublishConfig { deleted_grace_s: 0, ..PublishConfig::default() }, None).await
}

pub fn delete(build: i64, package: Option<&str>) -> BackendTask {
    BackendTask::DeleteBuildsV1(DeleteBuilds {
        action: ActionId(2),
        project: project(),
        builds: vec![BuildResults {
            build: BuildId(build),
            dir: main_dir(),
            package: package.map(|name| name.parse().unwrap()),
            chroots: vec![chroot()],
        }],
        grant: None,
    })
}

#[tokio::test]
async fn a_deleted_build_is_gone_from_metadata_and_disk() {
    let host = at_once().await;
    for build in [7, 8] {
        host.ingest(&work(build), &hello()).await.unwrap();
    }
    let sources = host.public("alice/tools/srpm-builds/00000007");
    fs::create_dir_all(&sources).unwrap();
    for _ in 0..2 {
        actions::handle(&host.results, &delete(7, Some("hello"))).await.unwrap();
        let output = host.dnf(&["repoquery", "--quiet", "--qf", "%{location}"]).await;
        let locations = String::from_utf8(output.stdout).unwrap();
        assert!(!locations.contains("00000007") && locations.contains("00000008"), "{locations}");
        assert!(!host.repository().join("00000007-hello").exists() && !sources.exists());
    }
}

#[tokio::test]
async fn while_the_metadata_cannot_be_written_the_files_stay() {
    let host = at_once().await;
    for build in [7, 8] {
        host.ingest(&work(build), &hello()).await.unwrap();
    }
    host.signer.runs.store(false, Ordering::SeqCst);
    let waiting = actions::handle(&host.results, &delete(7, Some("hello"))).await;
    assert!(matches!(waiting, Err(IngestError::Unavailable(_))), "{waiting:?}");
    let download = host.dnf(&["download", "--destdir=/tmp/none", "--url", "hello-data"]).await;
    let address = String::from_utf8(download.stdout).unwrap();
    let file = host.repository().join("00000007-hello/hello-data-1.0-1.fc43.noarch.rpm");
    assert!(file.exists(), "{address}");
    host.signer.runs.store(true, Ordering::SeqCst);
    actions::handle(&host.results, &delete(7, Some("hello"))).await.unwrap();
    assert!(!file.exists());
}

#[tokio::test]
async fn a_build_whose_deletion_began_does_not_come_back() {
    let host = at_once().await;
    host.ingest(&work(7), &hello()).await.unwrap();
    host.signer.runs.store(false, Ordering::SeqCst);
    assert!(actions::handle(&host.results, &delete(7, Some("hello"))).await.is_err());
    host.signer.runs.store(true, Ordering::SeqCst);
    actions::handle(&host.results, &publish(false)).await.unwrap();
    assert!(host.dnf_sees().await.is_empty());
}

#[tokio::test]
async fn a_build_without_a_known_package_is_found_by_its_number() {
    let host = at_once().await;
    for build in [7, 71] {
        host.ingest(&work(build), &hello()).await.unwrap();
    }
    actions::handle(&host.results, &delete(7, None)).await.unwrap();
    assert!(!host.repository().join("00000007-hello").exists());
    assert!(host.repository().join("00000071-hello").exists());
}

#[tokio::test]
async fn a_deleted_project_leaves_nothing_and_its_neighbours_stay() {
    let host = at_once().await;
    host.ingest(&work(7), &hello()).await.unwrap();
    fs::create_dir_all(host.public("alice/other")).unwrap();
    let delete = |dir: &str| {
        let dirs = vec![dir.parse().unwrap()];
        BackendTask::DeleteProjectV1(DeleteProject { action: ActionId(3), project: project(), dirs })
    };
    let foreign = actions::handle(&host.results, &delete("other")).await;
    assert!(matches!(foreign, Err(IngestError::Refused(_))), "{foreign:?}");
    for _ in 0..2 {
        actions::handle(&host.results, &delete("tools")).await.unwrap();
    }
    assert!(!host.public("alice/tools").exists() && host.public("alice/other").exists());
    assert!(!host.data.join("state/repositories/alice/tools").exists());
}

#[tokio::test]
async fn for_the_grace_time_a_deleted_build_can_be_fetched_but_not_found() {
    let host =
        Host::start_with(PublishConfig { deleted_grace_s: 60, ..PublishConfig::default() }, None).await;
    for build in [7, 8] {
        host.ingest(&work(build), &hello()).await.unwrap();
    }
    let snapshot = host.repository().join("snapshots/1");
    actions::handle(&host.results, &delete(7, Some("hello"))).await.unwrap();
    let output = host.dnf(&["repoquery", "--quiet", "--qf", "%{location}"]).await;
    assert!(!String::from_utf8(output.stdout).unwrap().contains("00000007"));
    assert!(host.repository().join("00000007-hello").exists() && snapshot.exists());
    host.clock.advance(61);
    host.results.sweep().await.unwrap();
    assert!(!host.repository().join("00000007-hello").exists());
    assert!(!snapshot.exists(), "a snapshot that lacks a package is none");
    assert!(host.repository().join("snapshots/3").exists());
}
