//! A project gets a new key: old clients, new clients, and those in between.

use std::{fs, process::Command, sync::atomic::Ordering};

use coppice_backend::{actions, facts::BuildFacts, publisher::PublishConfig};
use coppice_model::{
    ActionId, BuildId,
    messages::{BackendTask, RotateKey},
};

use crate::{
    host::{Host, chroot, dnf, main_dir, project, work},
    packages::hello,
    publishing::{assert_whole, publish},
};

fn rotate(compromised: bool) -> BackendTask {
    BackendTask::RotateKeyV1(RotateKey {
        action: ActionId(5),
        project: project(),
        dirs: vec![main_dir()],
        algorithm: None,
        compromised,
        grant: None,
    })
}

/// Installs with every signature checked by a client that trusts this key and no other.
async fn installs_with(host: &Host, url: &str, armored: &str) -> Result<(), String> {
    let key = host.data.join("client.asc");
    fs::write(&key, armored).unwrap();
    let url = url.to_owned();
    tokio::task::spawn_blocking(move || {
        let root = tempfile::tempdir().unwrap();
        let mut command = dnf(root.path(), &url);
        command.args(["--setopt=test.repo_gpgcheck=1", "--setopt=test.gpgcheck=1"]);
        command.arg(format!("--setopt=test.gpgkey=file://{}", key.display()));
        let output = command.args(["install", "hello-data"]).output().unwrap();
        match output.status.success() {
            true => Ok(()),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_that_is_cut_off_anywhere_leaves_the_old_key_and_then_brings_the_new_one() {
    let mut host = Host::start().await;
    for build in [1, 2] {
        host.ingest(&work(build), &hello()).await.unwrap();
    }
    let (url, old) = (host.repository_url(), host.signer.gpg.key.clone());
    // Two builds of three packages and one index are seven signatures: the signer breaks before each but the first.
    let mut broken = 0;
    host.signer.left.store(1, Ordering::SeqCst);
    while actions::handle(&host.results, &rotate(false)).await.is_err() {
        broken += 1;
        assert_whole(&host.repository());
        if broken % 3 == 1 {
            installs_with(&host, &url, &old.armored).await.unwrap();
        }
        host.restart().await;
        host.signer.left.store(1, Ordering::SeqCst);
    }
    assert_eq!(broken, 6);
    let told = fs::read_to_string(host.public("alice/tools/pubkey.gpg")).unwrap();
    assert_eq!(
        told.matches("BEGIN PGP PUBLIC KEY").count(),
        2,
        "clients meet the new key before its signatures"
    );
    host.signer.left.store(usize::MAX, Ordering::SeqCst);
    let new = actions::handle(&host.results, &rotate(false)).await.unwrap().key.unwrap();
    assert_eq!(new, host.signer.next.get().unwrap().key);
    installs_with(&host, &url, &new.armored).await.unwrap();
    assert!(
        installs_with(&host, &url, &old.armored).await.is_err(),
        "nothing is signed with the old key any more"
    );
    let pinned = format!("{url}snapshots/2/");
    installs_with(&host, &pinned, &old.armored).await.unwrap();
    // A repeat begins no second rotation.
    let number = newest(&host);
    assert_eq!(actions::handle(&host.results, &rotate(false)).await.unwrap().key.unwrap(), new);
    assert_eq!(newest(&host), number);
    // What comes later is signed with the new key at once.
    host.ingest(&work(3), &hello()).await.unwrap();
    assert!(!host.repository().join("00000003-hello").join(&new.fingerprint[24..]).exists());
    installs_with(&host, &url, &new.armored).await.unwrap();
    actions::handle(&host.results, &publish(true)).await.unwrap();
    installs_with(&host, &url, &new.armored).await.unwrap();
}

fn newest(host: &Host) -> u64 {
    let list = fs::read(host.repository().join("snapshots/index.json")).unwrap();
    serde_json::from_slice::<serde_json::Value>(&list).unwrap()["current"].as_u64().unwrap()
}

/// What RPM itself says of who signed a package.
fn signer_of(path: &std::path::Path) -> String {
    let output = Command::new("rpm").args(["-qp", "--qf", "%{RSAHEADER:pgpsig}"]).arg(path).output().unwrap();
    String::from_utf8(output.stdout).unwrap().to_ascii_uppercase()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_no_snapshot_needs_the_old_packages_the_new_ones_take_their_names() {
    let config = PublishConfig { snapshots_kept: 1, grace_s: 60, ..PublishConfig::default() };
    let host = Host::start_with(config, None).await;
    host.ingest(&work(1), &hello()).await.unwrap();
    let new = actions::handle(&host.results, &rotate(false)).await.unwrap().key.unwrap();
    let dir = host.repository().join("00000001-hello");
    let plain = dir.join("hello-data-1.0-1.fc43.noarch.rpm");
    let id = &new.fingerprint[24..];
    assert!(!signer_of(&plain).contains(id), "clients with old metadata get what it says");
    host.clock.advance(61);
    host.ingest(&work(2), &hello()).await.unwrap();
    assert!(signer_of(&plain).contains(id), "{}", signer_of(&plain));
    let notes = BuildFacts::read(&dir).unwrap().unwrap();
    assert!(notes.0.values().all(|facts| facts.signed_by == new.fingerprint), "{notes:?}");
    installs_with(&host, &host.repository_url(), &new.armored).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_that_was_made_after_the_order_changes_its_key_too() {
    let host = Host::start().await;
    host.ingest(&work(1), &hello()).await.unwrap();
    let mut later = work(2);
    later.context.dir = "tools:pr:7".parse().unwrap();
    host.ingest(&later, &hello()).await.unwrap();
    let new = actions::handle(&host.results, &rotate(false)).await.unwrap().key.unwrap();
    let url = host.url(&format!("alice/tools:pr:7/{}/", chroot()));
    installs_with(&host, &url, &new.armored).await.unwrap();
    later.context.build = BuildId(3);
    host.ingest(&later, &hello()).await.unwrap();
    installs_with(&host, &url, &new.armored).await.unwrap();
    assert_eq!(
        fs::read_to_string(host.public("alice/tools:pr:7/pubkey.gpg")).unwrap().matches("BEGIN").count(),
        2
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_compromise_nothing_of_the_old_key_is_served() {
    let host = Host::start().await;
    host.ingest(&work(1), &hello()).await.unwrap();
    let new = actions::handle(&host.results, &rotate(true)).await.unwrap().key.unwrap();
    assert_eq!(fs::read_to_string(host.public("alice/tools/pubkey.gpg")).unwrap(), new.armored);
    assert!(!host.repository().join("snapshots/1").exists());
    let plain = host.repository().join("00000001-hello/hello-data-1.0-1.fc43.noarch.rpm");
    assert!(signer_of(&plain).contains(&new.fingerprint[24..]));
    installs_with(&host, &host.repository_url(), &new.armored).await.unwrap();
}
