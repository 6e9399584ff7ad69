//! A build that succeeded: what lies in the results tree and what dnf installs.

use std::{fs, io::Read, sync::Mutex};

use coppice_model::{agent::Job, state::Stage};
use serde_json::Value;

use crate::{
    host::{Host, work, work_for},
    packages::{ARCH, Sent, Spec, build, file, hello},
};

fn unpacked(path: std::path::PathBuf) -> String {
    let mut text = String::new();
    flate2::read::GzDecoder::new(fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    text
}

#[tokio::test]
async fn a_finished_build_is_installed_by_dnf_with_its_signature_checked() {
    let host = Host::start().await;
    let packages = host.ingest(&work(7), &hello()).await.unwrap();
    assert_eq!(packages.len(), 3);
    let seen = host.dnf_sees().await;
    let wanted = [format!("hello-0:1.0-1.fc43.{ARCH}"), "hello-data-0:1.0-1.fc43.noarch".into()];
    assert!(wanted.iter().all(|package| seen.contains(package)), "{seen:?}");

    let root = tempfile::tempdir().unwrap();
    let mut dnf = crate::host::dnf(root.path(), &host.repository_url());
    dnf.arg(format!("--setopt=test.gpgkey={}", host.url("alice/tools/pubkey.gpg")));
    dnf.args(["--setopt=test.gpgcheck=1", "--setopt=test.repo_gpgcheck=1", "install", "hello-data"]);
    let output = tokio::task::spawn_blocking(move || dnf.output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(fs::read_to_string(root.path().join("usr/share/hello/text")).unwrap(), "text\n");
}

#[tokio::test]
async fn the_result_directory_holds_what_the_contract_lists() {
    let host = Host::start().await;
    let (work, sent) = (work(7), hello());
    let live = host.results.live_log(&Job::Rpm(work.clone()));
    fs::create_dir_all(live.parent().unwrap()).unwrap();
    fs::write(&live, "building\n").unwrap();
    fs::write(live.with_file_name("builder-live.attempt-1.log.gz"), "packed").unwrap();
    let stages = Mutex::new(Vec::new());
    let on_stage = |stage| stages.lock().unwrap().push(stage);
    host.results.ingest(&work, &sent.staged(), &on_stage).await.unwrap();

    assert_eq!(*stages.lock().unwrap(), [Stage::Signing, Stage::Publishing]);
    let dir = host.repository().join("00000007-hello");
    assert_eq!(live.parent().unwrap(), dir);
    let names: Vec<String> = crate::host::everything_below(&dir).into_iter().collect();
    let (binary, data, source) = (file("hello", ARCH), file("hello-data", "noarch"), file("hello", "src"));
    let wanted = [
        "backend.log.gz",
        "build.info",
        "build.log.gz",
        "builder-live.attempt-1.log.gz",
        "builder-live.log.gz",
        // Ours, never served.
        ".packages.json",
        "buildroot.json",
        &source,
        &binary,
        &data,
        "hello.spec",
        "results.json",
        "success",
    ];
    let mut wanted = wanted.map(ToOwned::to_owned);
    wanted.sort();
    assert_eq!(names, wanted);
    assert_eq!(fs::read_to_string(dir.join("success")).unwrap(), "done\n");
    assert!(fs::read_to_string(dir.join("build.info")).unwrap().contains("build_id=7\n"));
    let results: Value = serde_json::from_slice(&fs::read(dir.join("results.json")).unwrap()).unwrap();
    assert_eq!(results["packages"].as_array().unwrap().len(), 3);
    assert_eq!(results["packages"][0]["epoch"], Value::Null);
    let buildroot = fs::read_to_string(dir.join("buildroot.json")).unwrap();
    assert!(buildroot.contains("\"bash\""), "{buildroot}");
    assert_eq!(unpacked(dir.join("builder-live.log.gz")), "building\n");
    let log = unpacked(dir.join("backend.log.gz"));
    assert!(log.contains("checked 3 packages") && log.contains("published"), "{log}");
    assert!(log.contains(&host.signer.gpg.key.fingerprint) && log.contains("2027-01-15"), "{log}");
}

#[tokio::test]
async fn logs_of_a_failed_build_are_kept_and_its_packages_are_not() {
    let host = Host::start().await;
    let (work, sent) = (work(8), hello());
    let live = host.results.live_log(&Job::Rpm(work.clone()));
    fs::create_dir_all(live.parent().unwrap()).unwrap();
    fs::write(&live, "error\n").unwrap();
    for _ in 0..2 {
        host.results.keep_failed(&work, &sent.staged()).await.unwrap();
    }
    let names = crate::host::everything_below(live.parent().unwrap());
    assert!(names.contains("builder-live.log.gz") && names.contains("build.log.gz"), "{names:?}");
    assert!(names.contains("backend.log.gz") && names.contains("hello.spec"), "{names:?}");
    assert!(!names.iter().any(|name| name.ends_with(".rpm") || name == "success"), "{names:?}");
    assert!(!host.repository().join("repodata").exists());
}

#[tokio::test]
async fn odd_but_legal_names_are_downloaded_like_others() {
    let host = Host::start().await;
    let spec = Spec { name: "gcc-c++", version: "1.0~rc1^git2", release: "1_a", epoch: Some(1) };
    let sent = Sent::copy_of(build(&spec, &[]).path());
    host.ingest(&work_for(7, &spec), &sent).await.unwrap();
    let to = tempfile::tempdir().unwrap();
    let destination = format!("--destdir={}", to.path().display());
    let output = host.dnf(&["download", &destination, "gcc-c++"]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let names: Vec<String> = crate::host::everything_below(to.path()).into_iter().collect();
    assert_eq!(names, [format!("gcc-c++-1.0~rc1^git2-1_a.{ARCH}.rpm")]);
}
