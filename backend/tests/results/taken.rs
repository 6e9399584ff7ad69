//! Finished packages that users upload.

use std::fs;

use coppice_backend::{actions, results::IngestError};
use coppice_model::{
    ActionId, BuildId,
    messages::{BackendTask, TakePackage, TakenPackage},
};

use crate::{
    host::{Host, chroot, main_dir, project},
    packages::{Sent, file, hello},
    publishing::assert_whole,
};

/// Lays the package where it can be fetched.
fn upload(host: &Host, sent: &Sent, name: &str) -> BackendTask {
    let folder = host.public("uploaded");
    fs::create_dir_all(&folder).unwrap();
    fs::copy(sent.path(name), folder.join(name)).unwrap();
    take(host.url(&format!("uploaded/{name}")))
}

fn take(url: String) -> BackendTask {
    BackendTask::TakePackageV1(TakePackage {
        action: ActionId(5),
        project: project(),
        build: BuildId(9),
        dir: main_dir(),
        chroots: vec![chroot()],
        url,
        grant: None,
    })
}

async fn taken(host: &Host, task: &BackendTask) -> Result<TakenPackage, IngestError> {
    actions::handle(&host.results, task).await.map(|brought| brought.taken.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_finished_package_is_signed_published_and_installed() {
    let host = Host::start().await;
    let name = file("hello-data", "noarch");
    let task = upload(&host, &hello(), &name);
    // Whoever asks twice gets it once.
    for _ in 0..2 {
        let taken = taken(&host, &task).await.unwrap();
        assert_eq!((taken.package.as_str(), taken.nevra.file_name()), ("hello", name.clone()));
    }
    assert_whole(&host.repository());
    let placed = host.repository().join("00000009-hello");
    for file in [name.as_str(), "results.json", "build.info", "success"] {
        assert!(placed.join(file).is_file(), "{file}");
    }
    let installed = host.dnf(&["install", "hello-data"]).await;
    assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_package_for_the_chroot_is_refused_with_a_sentence() {
    let host = Host::start().await;
    let sent = hello();
    let refused = |ended: Result<TakenPackage, IngestError>| match ended {
        Err(IngestError::Refused(why)) => why,
        other => panic!("{other:?}"),
    };
    let source = refused(taken(&host, &upload(&host, &sent, &file("hello", "src"))).await);
    assert!(source.contains("is a source package"), "{source}");
    fs::write(sent.path("rubbish.rpm"), vec![7; 5_000]).unwrap();
    let rubbish = refused(taken(&host, &upload(&host, &sent, "rubbish.rpm")).await);
    assert!(rubbish.contains("package.rpm is refused"), "{rubbish}");
    let gone = refused(taken(&host, &take(host.url("uploaded/nothing.rpm"))).await);
    assert!(gone.contains("upload it again"), "{gone}");
    let away = taken(&host, &take("http://127.0.0.1:1/x.rpm".into())).await;
    assert!(matches!(away, Err(IngestError::Unavailable(_))), "{away:?}");
    assert!(!host.repository().join("00000009-hello").exists());
}
