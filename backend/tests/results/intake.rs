//! Packages on their way in: read once, checked and signed by their headers, proven by what passes by.

use std::{collections::BTreeMap, fs, sync::atomic::Ordering};

use bytes::Bytes;
use coppice_backend::{
    dispatch::intake::{Intake, Received, Verdict},
    facts::BuildFacts,
    results::{IngestError, Staged},
    rpmfile::RpmFile,
};
use coppice_model::result_file::ResultFileName;
use sha2::{Digest, Sha256};

use crate::{
    host::{Host, work, work_for},
    packages::{ARCH, HELLO, Sent, Spec, file, hello},
};

/// Sends one file in pieces and returns what lies in the staging then.
async fn send(host: &Host, spec: &Spec, name: &str, content: &[u8], piece: usize) -> (Vec<u8>, Received) {
    let name: ResultFileName = name.to_owned().try_into().unwrap();
    let mut intake = Intake::new(host.results.clone(), work_for(7, spec), name);
    let mut stored = Vec::new();
    for piece in content.chunks(piece) {
        intake.take(&Bytes::copy_from_slice(piece)).await.iter().for_each(|piece| stored.extend(piece));
    }
    let (rest, received) = intake.end();
    rest.iter().for_each(|piece| stored.extend(piece));
    (stored, received)
}

/// Everything that a builder sent, as the backend received it.
async fn receive(host: &Host, sent: &Sent) -> Staged {
    let mut received = BTreeMap::new();
    for name in sent.names().iter().filter(|name| name.ends_with(".rpm")) {
        let content = fs::read(sent.path(name)).unwrap();
        let (stored, of) = send(host, &HELLO, name, &content, 997).await;
        fs::write(sent.path(name), stored).unwrap();
        received.insert(name.clone().try_into().unwrap(), of);
    }
    Staged { received, ..sent.staged() }
}

fn why(verdict: &Verdict) -> &str {
    match verdict {
        Verdict::Refused { why } => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_package_is_signed_while_it_comes_and_never_read_again() {
    let host = Host::start().await;
    let sent = hello();
    let before = RpmFile::open(&sent.path(&file("hello", ARCH))).unwrap();
    let staged = receive(&host, &sent).await;
    for (name, received) in &staged.received {
        let content = fs::read(sent.path(name.as_str())).unwrap();
        assert_eq!(received.sha256, hex::encode(Sha256::digest(&content)));
        assert_eq!(received.size, content.len() as u64);
        let by = host.signer.gpg.key.fingerprint.clone();
        assert_eq!(received.verdict, Verdict::Signed { by, is_proven: true });
    }
    // MD5 and payload size are what old clients and createrepo_c read.
    let after = RpmFile::open(&sent.path(&file("hello", ARCH))).unwrap();
    for tag in [1004, 1007] {
        assert!(before.signature.value(tag).is_some());
        assert_eq!(before.signature.value(tag), after.signature.value(tag));
    }
    // Whoever read a payload again would find this.
    let data = sent.path(&file("hello-data", "noarch"));
    let mut content = fs::read(&data).unwrap();
    *content.last_mut().unwrap() ^= 1;
    fs::write(&data, content).unwrap();
    host.results.ingest(&work(7), &staged, &|_| ()).await.unwrap();
    let dir = host.repository().join("00000007-hello");
    let notes = BuildFacts::read(&dir).unwrap().unwrap();
    let known: BTreeMap<String, String> =
        staged.received.iter().map(|(name, of)| (name.to_string(), of.sha256.clone())).collect();
    let noted: BTreeMap<String, String> =
        notes.0.iter().map(|(name, facts)| (name.clone(), facts.sha256.clone())).collect();
    assert_eq!(noted, known);
    assert_eq!(host.dnf_sees().await.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_pieces_are_the_same_file_lies_there() {
    let host = Host::start().await;
    let name = file("hello", ARCH);
    let content = fs::read(hello().path(&name)).unwrap();
    let signed_length = send(&host, &HELLO, &name, &content, content.len()).await.0.len();
    for piece in [1, 95, 96, 4_096] {
        let (stored, received) = send(&host, &HELLO, &name, &content, piece).await;
        assert!(matches!(received.verdict, Verdict::Signed { is_proven: true, .. }), "{received:?}");
        assert_eq!(stored.len(), signed_length, "in pieces of {piece}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_the_tasks_is_refused_before_keygen_hears_of_it() {
    let host = Host::start().await;
    let sent = hello();
    let read = |name: &str| fs::read(sent.path(name)).unwrap();
    let (binary, source) = (read(&file("hello", ARCH)), read(&file("hello", "src")));
    let mut endless = source[..104].to_vec();
    endless.extend([0, 0, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff]);
    let other = Spec { name: "other", ..HELLO };
    let cases: [(&Spec, String, &[u8], &str); 6] = [
        (&HELLO, "hello-9-1.fc43.noarch.rpm".into(), &binary, "its header says hello-1.0-1.fc43"),
        (&other, file("hello", "src"), &source, "but its task was other-1.0"),
        (&HELLO, file("hello", ARCH), b"<html>no package</html>", "not an RPM"),
        (&HELLO, file("hello", ARCH), &binary[..500], "ends too early"),
        (&HELLO, file("hello", ARCH), b"", "ends too early"),
        (&HELLO, file("hello", "src"), &endless, "larger than we take"),
    ];
    for (spec, name, content, expected) in cases {
        let (stored, received) = send(&host, spec, &name, content, 64).await;
        assert!(why(&received.verdict).contains(expected), "{received:?}");
        assert_eq!(stored, content, "it is kept as it came");
    }
    assert_eq!(host.signer.asked.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payload_that_is_not_what_its_header_says_is_refused_with_its_build() {
    let host = Host::start().await;
    let sent = hello();
    let data = sent.path(&file("hello-data", "noarch"));
    let mut content = fs::read(&data).unwrap();
    *content.last_mut().unwrap() ^= 1;
    fs::write(&data, content).unwrap();
    let staged = receive(&host, &sent).await;
    let refused = host.results.ingest(&work(7), &staged, &|_| ()).await;
    let Err(IngestError::Refused(why)) = refused else { panic!("{refused:?}") };
    assert!(why.contains("hello-data") && why.contains("payload"), "{why}");
    assert!(!host.repository().join("00000007-hello/success").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_came_while_keygen_was_away_is_signed_when_it_is_back() {
    let host = Host::start().await;
    host.signer.runs.store(false, Ordering::SeqCst);
    let sent = hello();
    let staged = receive(&host, &sent).await;
    assert!(staged.received.values().all(|of| of.verdict == Verdict::Unsigned), "{staged:?}");
    host.signer.runs.store(true, Ordering::SeqCst);
    host.results.ingest(&work(7), &staged, &|_| ()).await.unwrap();
    let output = host.dnf(&["install", "hello-data", "--setopt=test.gpgcheck=1"]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
