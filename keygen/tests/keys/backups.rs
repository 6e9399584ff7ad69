use std::{fs, path::Path, process::Command};

use coppice_keygen::backup;
use coppice_model::signing::SignatureForm::Binary;

use crate::fixture::{Keygen, Verifier, World, item, project};

fn passphrase(world: &World, text: &str) -> std::path::PathBuf {
    let file = world.folder.path().join("passphrase");
    fs::write(&file, format!("{text}\n")).unwrap();
    file
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restore_the_keys_are_the_same_and_sign() {
    let world = World::new().await;
    let (tools, other) = (project("alice", "tools"), project("@team", "other"));
    let keygen = world.start().await;
    let fingerprints = [world.key_of(1, &tools).await, world.key_of(2, &other).await];
    let keys = [keygen.public_key(&tools).await, keygen.public_key(&other).await];
    let file = world.folder.path().join("backup.pgp");
    let secret = passphrase(&world, "correct horse battery staple");
    assert_eq!(backup::backup(&world.config(), &file, &secret).await.unwrap(), 2, "while the service runs");
    keygen.stop().await;
    let bytes = fs::read(&file).unwrap();
    assert!(!String::from_utf8_lossy(&bytes).contains("alice"), "it is encrypted");
    let plain = by_hand(&file, &secret);
    assert!(plain.contains("PRIVATE KEY BLOCK") && plain.contains("roles/alice/tools.json"));

    let restored = World::new().await;
    let wrong = passphrase(&restored, "something else entirely");
    assert!(backup::restore(&restored.config(), &file, &wrong).await.is_err());
    assert_eq!(backup::restore(&restored.config(), &file, &secret).await.unwrap(), 2);
    let again = backup::restore(&restored.config(), &file, &secret).await.unwrap_err();
    assert!(again.to_string().contains("holds keys already"), "{again:#}");
    let keygen = Keygen::start(restored.config()).await;
    for (project, (fingerprint, key)) in [tools, other].iter().zip(fingerprints.iter().zip(&keys)) {
        assert_eq!(keygen.public_key(project).await.fingerprint, *fingerprint);
        let signatures = keygen.signatures(project, vec![item("a.rpm", Binary, b"x")]).await;
        assert!(Verifier::with(key).says(&signatures[0], b"x").contains(&format!("VALIDSIG {fingerprint}")));
    }
    assert!(restored.audit().iter().any(|line| line["outcome"] == "key_made"), "the log came along");
    keygen.stop().await;
}

/// Without Coppice: gpg and tar.
fn by_hand(file: &Path, passphrase: &Path) -> String {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new("gpg");
    command.arg("--homedir").arg(home.path()).args(["--batch", "--pinentry-mode", "loopback"]);
    let output =
        command.arg("--passphrase-file").arg(passphrase).arg("--decrypt").arg(file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut kill = Command::new("gpgconf");
    assert!(kill.arg("--homedir").arg(home.path()).args(["--kill", "all"]).status().unwrap().success());
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_says_what_is_missing() {
    let world = World::new().await;
    let file = world.folder.path().join("backup.pgp");
    let said = |result: anyhow::Result<usize>| format!("{:#}", result.unwrap_err());
    let secret = passphrase(&world, "short");
    assert!(said(backup::backup(&world.config(), &file, &secret).await).contains("shorter than 12"));
    let secret = passphrase(&world, "correct horse battery staple");
    assert!(said(backup::backup(&world.config(), &file, &secret).await).contains("no keys"));
    let keygen = world.start().await;
    let running = said(backup::restore(&world.config(), &secret, &secret).await);
    assert!(running.contains("used by another keygen: stop that one"), "{running}");
    keygen.stop().await;
}
