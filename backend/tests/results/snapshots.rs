//! Numbered publishes as users meet them: listed, pinned, brought back, and pointed to by `mirrorlist`.

use std::{fs, path::Path, process::Command};

use coppice_backend::{
    actions,
    publisher::{Compression, PublishConfig},
    results::IngestError,
};
use coppice_model::{
    ActionId,
    messages::{BackendTask, RollBack},
};
use serde_json::Value;

use crate::{
    host::{Host, chroot, dnf, main_dir, project, work, work_for},
    packages::{HELLO, Sent, Spec, build, hello},
    publishing::publish,
};

const NEWER: Spec = Spec { version: "2.0", ..HELLO };

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

fn list(host: &Host) -> Value {
    serde_json::from_slice(&fs::read(host.repository().join("snapshots/index.json")).unwrap()).unwrap()
}

/// Builds that an address offers, with every signature checked.
async fn builds(host: &Host, url: String, by_mirrorlist: bool) -> Vec<u32> {
    let key = host.url("alice/tools/pubkey.gpg");
    let output = tokio::task::spawn_blocking(move || {
        let root = tempfile::tempdir().unwrap();
        let mut command = dnf(root.path(), &url);
        if by_mirrorlist {
            command.args(["--setopt=test.baseurl=", &format!("--setopt=test.mirrorlist={url}")]);
        }
        command.args(["--setopt=test.repo_gpgcheck=1", "--setopt=test.gpgcheck=1"]);
        command.arg(format!("--setopt=test.gpgkey={key}"));
        command.args(["repoquery", "--quiet", "--qf", "%{location}", "hello"]).output().unwrap()
    })
    .await
    .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut numbers: Vec<u32> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|location| location.split('-').next().unwrap().parse().unwrap())
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

async fn installs(host: &Host, url: String) -> String {
    let key = host.url("alice/tools/pubkey.gpg");
    tokio::task::spawn_blocking(move || {
        let root = tempfile::tempdir().unwrap();
        let mut command = dnf(root.path(), &url);
        command.args(["--setopt=test.repo_gpgcheck=1", "--setopt=test.gpgcheck=1"]);
        command.arg(format!("--setopt=test.gpgkey={key}"));
        let output = command.args(["install", "hello-data"]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        installed(root.path())
    })
    .await
    .unwrap()
}

fn installed(root: &Path) -> String {
    let mut command = Command::new("rpm");
    let output = command.arg("--root").arg(root).args(["-q", "--qf", "%{VERSION}", "hello-data"]).output();
    String::from_utf8(output.unwrap().stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_publish_can_be_pinned_and_brought_back_and_what_came_later_stays_out() {
    let host = Host::start().await;
    actions::handle(&host.results, &publish(false)).await.unwrap();
    host.ingest(&work(1), &hello()).await.unwrap();
    let newer = Sent::copy_of(build(&NEWER, &[]).path());
    host.ingest(&work_for(2, &NEWER), &newer).await.unwrap();
    assert_eq!(list(&host)["current"], 3);
    assert_eq!(list(&host)["snapshots"][1]["packages"], 3);
    let pinned = format!("{}snapshots/2/", host.repository_url());
    assert_eq!(builds(&host, pinned.clone(), false).await, [1]);
    assert_eq!(builds(&host, host.repository_url(), false).await, [1, 2]);
    assert_eq!(installs(&host, pinned).await, "1.0");
    assert_eq!(installs(&host, host.repository_url()).await, "2.0");

    actions::handle(&host.results, &roll_back(2)).await.unwrap();
    assert_eq!((&list(&host)["current"], &list(&host)["snapshots"][3]["of"]), (&4.into(), &2.into()));
    assert_eq!(installs(&host, host.repository_url()).await, "1.0");
    // Neither a look at what is placed nor all packages anew bring it back.
    for from_scratch in [false, true] {
        actions::handle(&host.results, &publish(from_scratch)).await.unwrap();
        assert_eq!(builds(&host, host.repository_url(), false).await, [1]);
    }
    host.ingest(&work(3), &hello()).await.unwrap();
    assert_eq!(builds(&host, host.repository_url(), false).await, [1, 3]);
    // Forward again.
    actions::handle(&host.results, &roll_back(3)).await.unwrap();
    assert_eq!(builds(&host, host.repository_url(), false).await, [1, 2]);
    let missing = actions::handle(&host.results, &roll_back(99)).await;
    assert!(matches!(&missing, Err(IngestError::Refused(why)) if why.contains("99")), "{missing:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mirrorlist_names_the_current_snapshot() {
    let host = Host::start().await;
    host.ingest(&work(1), &hello()).await.unwrap();
    let mirrorlist = host.repository().join("mirrorlist");
    let told = fs::read_to_string(&mirrorlist).unwrap();
    assert_eq!(told, format!("http://results.test/results/alice/tools/{}/snapshots/1/\n", chroot()));
    // This server is not at the address that it tells its users.
    fs::write(&mirrorlist, told.replace("http://results.test/results/", &host.url(""))).unwrap();
    let url = format!("{}mirrorlist", host.repository_url());
    assert_eq!(builds(&host, url, true).await, [1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repository_in_zstd_reads_the_same_and_a_change_of_compression_is_a_publish() {
    let zstd = PublishConfig { compression: Compression::Zstd, ..PublishConfig::default() };
    let host = Host::start_with(zstd, None).await;
    for number in [1, 2] {
        host.ingest(&work(number), &hello()).await.unwrap();
    }
    assert_eq!(installs(&host, host.repository_url()).await, "1.0");
    let seen = host.dnf_sees().await;
    let gzip = Host::start_with(PublishConfig::default(), Some(&host.data)).await;
    let number = list(&gzip)["current"].as_u64();
    // The same key would sign in an instance that was configured anew.
    let results = Host::results_at(&host.data, &host.signer.url, Default::default()).await;
    actions::handle(&results, &publish(false)).await.unwrap();
    assert_eq!(list(&host)["current"].as_u64(), number.map(|number| number + 1));
    let repomd = fs::read_to_string(host.repository().join("repodata/repomd.xml")).unwrap();
    assert!(repomd.contains("primary.xml.gz") && !repomd.contains("zst"), "{repomd}");
    assert_eq!(host.dnf_sees().await, seen);
}

#[tokio::test]
async fn files_of_users_are_carried_along_when_they_are_what_they_say() {
    let host = Host::start().await;
    host.ingest(&work(1), &hello()).await.unwrap();
    let modules = "---\ndocument: modulemd-defaults\nversion: 1\ndata:\n  module: x\n  stream: '1'\n...\n";
    let updates = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<updates><update type=\"security\" status=\"final\">\
                   <id>ADV-1</id><title>Fix</title><issued date=\"2026-01-05 00:00:00\"/><pkglist><collection>\
                   <package name=\"hello\" version=\"1.0\" release=\"1.fc43\" arch=\"noarch\"><filename>x.rpm\
                   </filename></package></collection></pkglist></update></updates>\n";
    fs::write(host.repository().join("modules.yaml"), modules).unwrap();
    fs::write(host.repository().join("updateinfo.xml"), updates).unwrap();
    fs::write(host.repository().join("comps.xml"), "<html>no groups</html>").unwrap();
    actions::handle(&host.results, &publish(false)).await.unwrap();
    let repomd = fs::read_to_string(host.repository().join("repodata/repomd.xml")).unwrap();
    assert!(repomd.contains("type=\"modules\"") && repomd.contains("type=\"updateinfo\""), "{repomd}");
    assert!(!repomd.contains("type=\"group\""), "{repomd}");
    let output = host.dnf(&["updateinfo", "list", "--all"]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // The next build leaves them there.
    host.ingest(&work(2), &hello()).await.unwrap();
    let repomd = fs::read_to_string(host.repository().join("repodata/repomd.xml")).unwrap();
    assert!(repomd.contains("type=\"modules\"") && repomd.contains("type=\"updateinfo\""), "{repomd}");
}
