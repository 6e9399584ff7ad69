//! A backend that is killed after any step of a publish: the old repository or the new one, and the next try heals.

use std::{
    fs,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Command, Stdio},
};

use coppice_backend::{
    publisher::{PublishConfig, Step, Watch},
    results::IngestError,
};

use crate::{
    host::{Host, work},
    packages::{Sent, hello},
    publishing::assert_whole,
};

/// Set for the process that is to die.
const VICTIM: &str = "COPPICE_TEST_VICTIM";

/// What clients read: `repomd.xml` with a signature that fits it.
fn served(host: &Host) -> Vec<u8> {
    let repodata = host.repository().join("repodata");
    fs::read(repodata.join("repomd.xml")).unwrap()
}

/// The folder that `mirrorlist` names is a whole and signed repository.
fn assert_mirrored(host: &Host) {
    let url = fs::read_to_string(host.repository().join("mirrorlist")).unwrap();
    let number = url.trim_end().trim_end_matches('/').rsplit('/').next().unwrap().to_owned();
    let repodata = host.repository().join("snapshots").join(number).join("repodata");
    assert!(host.signer.gpg.accepts(&repodata.join("repomd.xml.asc"), &repodata.join("repomd.xml")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_after_any_step_the_repository_is_old_or_new_and_the_next_try_heals() {
    if let Ok(victim) = std::env::var(VICTIM) {
        return die(&victim).await;
    }
    for (at, step) in Step::ALL.into_iter().enumerate() {
        let host = Host::start().await;
        host.ingest(&work(1), &hello()).await.unwrap();
        let old = served(&host);
        let sent = hello();
        kill(&host, &sent, at);
        let now = served(&host);
        let is_new = now != old;
        assert_eq!(is_new, matches!(step, Step::Repomd | Step::Settled | Step::Swept), "{step:?}");
        assert_whole(&host.repository());
        assert_mirrored(&host);
        let locations = locations(&host).await;
        assert_eq!(locations.contains("00000002"), is_new, "{step:?}");

        let mut host = host;
        host.restart().await;
        host.ingest(&work(2), &sent).await.unwrap();
        assert_mirrored(&host);
        let repodata = host.repository().join("repodata");
        assert!(host.signer.gpg.accepts(&repodata.join("repomd.xml.asc"), &repodata.join("repomd.xml")));
        let healed = self::locations(&host).await;
        assert_eq!(healed.lines().count(), 6, "{step:?}: {healed}");
        assert_nothing_left(&host.data);
    }
}

async fn locations(host: &Host) -> String {
    let output = host.dnf(&["repoquery", "--quiet", "--qf", "%{location}"]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// No half-written file, no change that still waits, no index file that no snapshot names.
fn assert_nothing_left(data: &Path) {
    let repository = data.join("results/alice/tools").join(crate::host::chroot().as_str());
    let state = data.join("state/repositories/alice/tools").join(crate::host::chroot().as_str());
    assert!(crate::host::everything_below(&data.join("results/.fresh")).is_empty());
    assert!(crate::host::everything_below(&state.join("pending")).is_empty());
    let numbers = fs::read_dir(state.join("manifests")).unwrap().count();
    let snapshots = fs::read_dir(repository.join("snapshots")).unwrap().count() - 1;
    let indexes = fs::read_dir(repository.join("repodata")).unwrap().count() - 2;
    assert_eq!((snapshots, indexes), (numbers, 3 * numbers));
}

/// Another process publishes build 2 and dies right after a step.
fn kill(host: &Host, sent: &Sent, step: usize) {
    let victim = [
        &step.to_string(),
        &host.data.display().to_string(),
        &host.signer.url,
        &sent.dir.path().display().to_string(),
    ]
    .map(String::as_str)
    .join("\n");
    let name = "kills::killed_after_any_step_the_repository_is_old_or_new_and_the_next_try_heals";
    let ended = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name])
        .env(VICTIM, victim)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(ended.signal(), Some(9), "{ended}");
}

async fn die(victim: &str) {
    let words: Vec<&str> = victim.lines().collect();
    let (step, data) = (Step::ALL[words[0].parse::<usize>().unwrap()], Path::new(words[1]));
    let watch = Watch::new(move |done| {
        if done == step {
            nix::sys::signal::raise(nix::sys::signal::Signal::SIGKILL).unwrap();
        }
        Ok(())
    });
    let results = Host::results_at(data, words[2], watch).await;
    let sent = Sent { dir: tempfile::tempdir().unwrap() };
    for entry in fs::read_dir(words[3]).unwrap() {
        sent.add(&entry.unwrap().path());
    }
    let ended = results.ingest(&work(2), &sent.staged(), &|_| ()).await;
    panic!("it lives and says {ended:?}");
}

#[tokio::test]
async fn a_step_that_fails_leaves_the_old_repository_and_tells_why() {
    for step in Step::ALL.into_iter().filter(|step| !matches!(step, Step::Settled | Step::Swept)) {
        let armed = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let is_armed = armed.clone();
        let watch = Watch::new(move |done| {
            let fails = done == step && is_armed.load(std::sync::atomic::Ordering::SeqCst);
            if fails { Err(std::io::Error::from(std::io::ErrorKind::StorageFull)) } else { Ok(()) }
        });
        let host = Host::start_watched(PublishConfig::default(), None, watch).await;
        host.ingest(&work(1), &hello()).await.unwrap();
        armed.store(true, std::sync::atomic::Ordering::SeqCst);
        let sent = hello();
        let failed = host.ingest(&work(2), &sent).await;
        let Err(IngestError::Unavailable(why)) = failed else { panic!("{step:?}: {failed:?}") };
        assert!(why.contains("no storage space"), "{why}");
        let waiting = host.results.publishing();
        assert!(waiting[0].trouble.as_ref().is_some_and(|trouble| trouble.contains("no storage space")));
        assert_whole(&host.repository());
        armed.store(false, std::sync::atomic::Ordering::SeqCst);
        host.ingest(&work(2), &sent).await.unwrap();
        assert!(host.results.publishing().is_empty());
        assert_eq!(locations(&host).await.lines().count(), 6);
    }
}
