//! What does not fit its task is refused, and nothing of it gets into the public tree.

use std::fs;

use coppice_backend::{results::IngestError, rpmfile::insert_signature};
use coppice_model::signing::SignatureForm;

use crate::{
    host::{Host, everything_below, work, work_for},
    keys::Gpg,
    packages::{ARCH, HELLO, Sent, Spec, build, file, hello},
};

/// Refused with a sentence that holds `wanted`; only our own log is in the tree.
async fn assert_refused(host: &Host, sent: &Sent, wanted: &str) {
    let refused = host.ingest(&work(7), sent).await;
    let Err(IngestError::Refused(sentence)) = &refused else { panic!("{refused:?}, not {wanted}") };
    assert!(sentence.contains(wanted), "{sentence:?}, not {wanted:?}");
    let tree = everything_below(&host.public(""));
    let files = tree.iter().filter(|name| host.public(name).is_file());
    assert!(files.clone().all(|name| name.ends_with("/backend.log")), "{:?}", files.collect::<Vec<_>>());
}

#[tokio::test]
async fn packages_of_another_task_are_refused() {
    let host = Host::start().await;
    let other_name = build(&Spec { name: "other", ..HELLO }, &[]);
    assert_refused(&host, &Sent::copy_of(other_name.path()), "its task was hello-1.0-1").await;
    let other_version = build(&Spec { version: "2.0", ..HELLO }, &[]);
    assert_refused(&host, &Sent::copy_of(other_version.path()), "hello-2.0-1.fc43.src").await;
    let other_epoch = build(&Spec { epoch: Some(3), ..HELLO }, &[]);
    assert_refused(&host, &Sent::copy_of(other_epoch.path()), "hello-3:1.0-1.fc43.src").await;

    let mixed = hello();
    mixed.add(&other_name.path().join(file("other-data", "noarch")));
    assert_refused(&host, &mixed, "was built from other-1.0-1.fc43.src.rpm").await;
    let two_sources = hello();
    two_sources.add(&other_name.path().join(file("other", "src")));
    assert_refused(&host, &two_sources, "two source packages").await;
}

#[tokio::test]
async fn the_release_may_differ_by_its_dist_tag_and_the_epoch_must_not() {
    let host = Host::start().await;
    let spec = Spec { epoch: Some(3), release: "1.el9", ..HELLO };
    let sent = Sent::copy_of(build(&spec, &[]).path());
    host.ingest(&work_for(7, &spec), &sent).await.unwrap();
    let seen = host.dnf_sees().await;
    assert!(seen.contains(&format!("hello-3:3:1.0-1.el9.{ARCH}")), "{seen:?}");
}

#[tokio::test]
async fn packages_for_another_architecture_are_refused() {
    let host = Host::start().await;
    let (sent, name) = (hello(), file("hello", ARCH));
    fs::remove_file(sent.path(&name)).unwrap();
    let foreign = build(&HELLO, &["_target_cpu armv5tel", "_host_cpu armv5tel", "_arch armv5tel"]);
    let files = Sent::copy_of(foreign.path()).names();
    let Some(odd) = files.iter().find(|name| name.contains("armv5tel")) else {
        panic!("rpmbuild made no package of another architecture: {files:?}")
    };
    sent.add(&foreign.path().join(odd));
    assert_refused(&host, &sent, "does not build for armv5tel").await;
}

#[tokio::test]
async fn missing_and_renamed_packages_are_refused() {
    let host = Host::start().await;
    let no_source = hello();
    fs::remove_file(no_source.path(&file("hello", "src"))).unwrap();
    assert_refused(&host, &no_source, "no source package").await;

    let nothing = hello();
    for name in nothing.names().iter().filter(|name| name.ends_with(".rpm")) {
        fs::remove_file(nothing.path(name)).unwrap();
    }
    assert_refused(&host, &nothing, "no source package").await;

    let renamed = hello();
    fs::rename(renamed.path(&file("hello", ARCH)), renamed.path("glibc-2.0-1.fc43.noarch.rpm")).unwrap();
    assert_refused(&host, &renamed, "its header says hello-1.0-1.fc43").await;

    let announced = hello();
    let staged = announced.staged();
    fs::remove_file(announced.path(&file("hello", ARCH))).unwrap();
    let refused = host.results.ingest(&work(7), &staged, &|_| ()).await;
    assert!(matches!(&refused, Err(IngestError::Refused(text)) if text.contains("not sent")), "{refused:?}");
}

#[tokio::test]
async fn damaged_packages_are_refused() {
    let host = Host::start().await;
    let name = file("hello", ARCH);
    let whole = fs::read(hello().path(&name)).unwrap();
    let payload = whole.len() - 9;
    let changed = |at: usize, by: u8| {
        let mut bytes = whole.clone();
        bytes[at] ^= by;
        bytes
    };
    let damaged = [
        ("payload does not match", changed(payload, 1)),
        ("payload does not match", whole[..whole.len() - 20].to_vec()),
        ("ends too early", whole[..3_000].to_vec()),
        ("not an RPM file", vec![b'x'; 5_000]),
        // The number of entries of the signature header.
        ("impossible number of entries", changed(104, 0xff)),
    ];
    for (wanted, bytes) in damaged {
        let sent = hello();
        fs::write(sent.path(&name), bytes).unwrap();
        assert_refused(&host, &sent, wanted).await;
    }
}

#[tokio::test]
async fn a_changed_header_is_refused_although_it_reads_well() {
    let host = Host::start().await;
    let (sent, name) = (hello(), file("hello", ARCH));
    let mut bytes = fs::read(sent.path(&name)).unwrap();
    let at = bytes.windows(10).position(|window| window == b"A greeting").unwrap();
    bytes[at] = b'B';
    fs::write(sent.path(&name), bytes).unwrap();
    assert_refused(&host, &sent, "digest: BAD").await;
}

#[tokio::test]
async fn a_package_that_somebody_else_signed_is_refused() {
    let host = Host::start().await;
    let (sent, name, stranger) = (hello(), file("hello", ARCH), Gpg::new("rsa2048"));
    let header = coppice_backend::rpmfile::RpmFile::open(&sent.path(&name)).unwrap();
    let signature = stranger.sign(header.header.bytes(), SignatureForm::Binary);
    insert_signature(&sent.path(&name), &signature).unwrap();
    assert_refused(&host, &sent, "already signed, and not by the project's key").await;
}

#[tokio::test]
async fn no_damaged_header_brings_the_reader_down() {
    let sent = hello();
    let whole = fs::read(sent.path(&file("hello", ARCH))).unwrap();
    let headers =
        usize::try_from(coppice_backend::rpmfile::RpmFile::read(&mut whole.as_slice()).unwrap().payload_at())
            .unwrap();
    let mut refused = 0;
    for at in 0..headers {
        for value in [0x00, 0x7f, 0xff] {
            let mut bytes = whole[..headers].to_vec();
            bytes[at] = value;
            refused += u32::from(coppice_backend::rpmfile::RpmFile::read(&mut bytes.as_slice()).is_err());
        }
    }
    assert!(refused > 500, "{refused}");
}
