//! The source phase's results.

use std::fs;

use coppice_backend::results::IngestError;
use coppice_model::{
    Attempt,
    agent::Job,
    work::{Limits, SourceSpec, SourceWork},
};

use crate::{
    host::{Host, context, environment, everything_below},
    packages::{ARCH, Sent, file, hello},
};

fn source_work(build: i64) -> SourceWork {
    SourceWork {
        context: context(build),
        attempt: Attempt::FIRST,
        source: SourceSpec::Link { url: "https://example.com/hello.src.rpm".into() },
        environment: environment(),
        limits: Limits::default(),
    }
}

fn srpm_only() -> Sent {
    let sent = hello();
    for name in sent.names().iter().filter(|name| name.ends_with(".rpm") && !name.ends_with(".src.rpm")) {
        fs::remove_file(sent.path(name)).unwrap();
    }
    sent
}

#[tokio::test]
async fn the_srpm_waits_at_the_address_that_is_returned() {
    let host = Host::start().await;
    let (work, sent) = (source_work(9), srpm_only());
    let live = host.results.live_log(&Job::Source(work.clone()));
    fs::create_dir_all(live.parent().unwrap()).unwrap();
    fs::write(&live, "fetching\n").unwrap();
    for _ in 0..2 {
        let url = host.results.keep_source(&work, &sent.staged()).await.unwrap();
        let wanted = format!("alice/tools/srpm-builds/00000009/{}", file("hello", "src"));
        assert_eq!(url, format!("http://results.test/results/{wanted}"));
        assert_eq!(
            fs::read(host.public(&wanted)).unwrap(),
            fs::read(sent.path(&file("hello", "src"))).unwrap()
        );
    }
    let names = everything_below(live.parent().unwrap());
    for name in ["builder-live.log.gz", "backend.log.gz", "hello.spec", "results.json", "success"] {
        assert!(names.contains(name), "{name} of {names:?}");
    }
    let results = fs::read_to_string(live.with_file_name("results.json")).unwrap();
    assert!(results.contains("\"epoch\": null") && results.contains("\"hello\""), "{results}");
}

#[tokio::test]
async fn anything_but_one_source_package_is_refused() {
    let host = Host::start().await;
    let binary = hello();
    fs::remove_file(binary.path(&file("hello", "src"))).unwrap();
    fs::remove_file(binary.path(&file("hello-data", "noarch"))).unwrap();
    let no_rpm = hello();
    for name in no_rpm.names().iter().filter(|name| name.ends_with(".rpm")) {
        fs::remove_file(no_rpm.path(name)).unwrap();
    }
    let garbage = srpm_only();
    fs::write(garbage.path(&file("hello", "src")), "garbage").unwrap();
    for (sent, wanted) in [
        (hello(), "more than one"),
        (binary, &*format!("{} is not a source package", file("hello", ARCH))),
        (no_rpm, "no source package"),
        (garbage, "is refused"),
    ] {
        let refused = host.results.keep_source(&source_work(9), &sent.staged()).await;
        assert!(matches!(&refused, Err(IngestError::Refused(text)) if text.contains(wanted)), "{refused:?}");
    }
    assert!(!host.public("alice").exists());
}

#[tokio::test]
async fn a_failed_source_phase_keeps_its_logs() {
    let host = Host::start().await;
    let work = source_work(9);
    let live = host.results.live_log(&Job::Source(work.clone()));
    fs::create_dir_all(live.parent().unwrap()).unwrap();
    fs::write(&live, "not found\n").unwrap();
    host.results.keep_failed_source(&work, &srpm_only().staged()).await.unwrap();
    let names = everything_below(live.parent().unwrap());
    assert!(names.contains("builder-live.log.gz"), "{names:?}");
    assert!(!names.iter().any(|name| name.ends_with(".rpm") || name == "success"), "{names:?}");
}
