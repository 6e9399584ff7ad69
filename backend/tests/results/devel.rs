//! Devel mode: builds see the newest packages at once, users when their owner says so.

use std::fs;

use coppice_backend::actions;
use coppice_model::messages::{BackendTask, PublishRepositories};

use crate::{
    host::{Host, chroot, work},
    packages::hello,
    publishing::{assert_whole, publish},
};

async fn set(host: &Host, is_devel: bool, with_all: bool) {
    let BackendTask::PublishV1(wish) = publish(with_all) else { panic!("a publish") };
    let wish = PublishRepositories { devel: Some(is_devel), ..wish };
    actions::handle(&host.results, &BackendTask::PublishV1(wish)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_see_new_builds_when_the_repository_is_made_anew() {
    let host = Host::start().await;
    host.ingest(&work(7), &hello()).await.unwrap();
    let before = fs::read(host.repository().join("repodata/repomd.xml")).unwrap();
    for _ in 0..2 {
        set(&host, true, false).await;
    }
    host.ingest(&work(8), &hello()).await.unwrap();
    let served = || fs::read(host.repository().join("repodata/repomd.xml")).unwrap();
    let newest = || fs::read(host.repository().join("devel/repodata/repomd.xml")).unwrap();
    assert!(served() == before && newest() != before);
    assert!(fs::read_to_string(host.repository().join("mirrorlist")).unwrap().ends_with("/snapshots/1/\n"));
    assert_whole(&host.repository());

    // Until then nothing that users see goes away, however many builds come.
    for build in 9..40 {
        host.ingest(&work(build), &hello()).await.unwrap();
    }
    assert_eq!(served(), before);
    assert_whole(&host.repository());
    set(&host, true, true).await;
    assert_eq!(served(), newest());
    host.ingest(&work(50), &hello()).await.unwrap();
    assert!(served() != newest(), "it stays in devel mode");

    set(&host, false, false).await;
    assert!(!host.repository().join("devel").exists());
    assert_whole(&host.repository());
    let text = String::from_utf8(fs::read(host.repository().join("snapshots/index.json")).unwrap()).unwrap();
    assert!(!text.contains("\"current\": 1,"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dnf_finds_what_is_new_below_devel_only() {
    let host = Host::start().await;
    let devel = host.url(&format!("alice/tools/{}/devel/", chroot()));
    set(&host, true, false).await;
    host.ingest(&work(7), &hello()).await.unwrap();
    let new = host.dnf_sees_at(&devel).await;
    assert!(!new.is_empty() && host.dnf_sees().await.is_empty());
    set(&host, true, true).await;
    assert_eq!(host.dnf_sees().await, new);
}
