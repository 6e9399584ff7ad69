//! Cut off anywhere, an ingest goes on and ends the same.

use std::{fs, sync::atomic::Ordering};

use coppice_backend::{results::IngestError, rpmfile::RpmFile};
use coppice_model::signing::SignatureForm;

use crate::{
    host::{Host, everything_below, work},
    packages::{ARCH, file, hello},
};

async fn assert_published(host: &Host) {
    let seen = host.dnf_sees().await;
    assert_eq!(seen.len(), 3, "{seen:?}");
    assert!(everything_below(&host.public(".fresh")).is_empty());
}

#[tokio::test]
async fn a_second_ingest_changes_no_byte() {
    let host = Host::start().await;
    let (work, sent) = (work(7), hello());
    let first = host.ingest(&work, &sent).await.unwrap();
    let path = host.repository().join("00000007-hello").join(file("hello", ARCH));
    let (rpm, repomd) = (fs::read(&path).unwrap(), host.repository().join("repodata/repomd.xml"));
    let index = fs::read(&repomd).unwrap();
    host.clock.advance(100);
    // The staging may be gone already.
    for name in sent.names() {
        fs::remove_file(sent.path(&name)).unwrap();
    }
    assert_eq!(host.ingest(&work, &sent).await.unwrap(), first);
    assert_eq!((fs::read(&path).unwrap(), fs::read(&repomd).unwrap()), (rpm, index));
}

#[tokio::test]
async fn while_keygen_is_away_everything_waits_and_then_goes_on() {
    let mut host = Host::start().await;
    let (work, sent) = (work(7), hello());
    host.signer.runs.store(false, Ordering::SeqCst);
    let waiting = host.ingest(&work, &sent).await;
    assert!(matches!(&waiting, Err(IngestError::Unavailable(why)) if why.contains("keygen")), "{waiting:?}");
    host.signer.runs.store(true, Ordering::SeqCst);
    host.signer.has_key.store(false, Ordering::SeqCst);
    let waiting = host.ingest(&work, &sent).await;
    assert!(
        matches!(&waiting, Err(IngestError::Unavailable(why)) if why.contains("no key yet")),
        "{waiting:?}"
    );
    host.signer.has_key.store(true, Ordering::SeqCst);
    host.restart().await;
    host.ingest(&work, &sent).await.unwrap();
    assert_published(&host).await;
}

#[tokio::test]
async fn killed_between_two_signatures_it_signs_the_rest() {
    let host = Host::start().await;
    let (work, sent) = (work(7), hello());
    let path = sent.path(&file("hello", ARCH));
    let header = RpmFile::open(&path).unwrap().header.bytes().to_vec();
    let signature = host.signer.gpg.sign(&header, SignatureForm::Binary);
    coppice_backend::rpmfile::insert_signature(&path, &signature).unwrap();
    host.ingest(&work, &sent).await.unwrap();
    assert_published(&host).await;
}

#[tokio::test]
async fn killed_in_the_middle_of_a_signature_it_signs_anew() {
    let host = Host::start().await;
    let (work, sent, name) = (work(7), hello(), file("hello", ARCH));
    let path = sent.path(&name);
    fs::write(sent.path(&format!(".undo-{name}")), RpmFile::open(&path).unwrap().signature.padded()).unwrap();
    let mut torn = fs::read(&path).unwrap();
    torn[100..200].fill(0);
    fs::write(&path, torn).unwrap();
    host.ingest(&work, &sent).await.unwrap();
    assert_published(&host).await;
}

#[tokio::test]
async fn killed_while_placing_or_publishing_it_finishes_the_rest() {
    let mut host = Host::start().await;
    let (work, sent) = (work(7), hello());
    fs::create_dir_all(host.public(".fresh/half")).unwrap();
    fs::write(host.public(".fresh/half/x.rpm"), "half").unwrap();
    host.restart().await;
    host.ingest(&work, &sent).await.unwrap();
    let fragments = host.data.join("state/repositories/alice/tools").join(crate::host::chroot().as_str());
    let repodata = host.repository().join("repodata");
    // After each of these steps less had been done.
    fs::remove_file(repodata.join("repomd.xml")).unwrap();
    host.restart().await;
    host.ingest(&work, &sent).await.unwrap();
    assert_published(&host).await;
    fs::remove_dir_all(&repodata).unwrap();
    fs::remove_dir_all(&fragments).unwrap();
    host.restart().await;
    host.ingest(&work, &sent).await.unwrap();
    assert_published(&host).await;
}
