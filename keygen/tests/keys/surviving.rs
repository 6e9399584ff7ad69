use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
};

use coppice_kit::until;
use coppice_model::signing::SignatureForm::Binary;

use crate::fixture::{LIMIT, Verifier, World, item, project};

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_the_keys_and_leaves_no_agent() {
    let world = World::new().await;
    let tools = project("alice", "tools");
    let keygen = world.start().await;
    let fingerprint = world.key_of(1, &tools).await;
    keygen.stop().await;
    until("the agent is gone", LIMIT, || (agents_of(&world.gnupg()) == 0).then_some(()));
    let keygen = world.start().await;
    assert_eq!(keygen.public_key(&tools).await.fingerprint, fingerprint);
    assert_eq!(world.key_of(2, &tools).await, fingerprint);
    keygen.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_killed_while_it_makes_a_key_makes_one() {
    let world = World::new().await;
    let tools = project("alice", "tools");
    world.asks_for_key(1, &tools).await;
    for moment in ["gpg works", "the private key is written"] {
        let service = spawn(&world);
        let reached = || match moment {
            "gpg works" => (programs_of("gpg", &world.gnupg()) > 0).then_some(()),
            _ => fs::read_dir(world.gnupg().join("private-keys-v1.d")).ok()?.next().map(drop),
        };
        until(moment, LIMIT, reached);
        drop(service);
    }
    fs::write(world.gnupg().join("pubring.kbx.lock"), "         1\nelsewhere\n").unwrap();
    let keygen = world.start().await;
    let fingerprint = world.reported(1);
    let signatures = keygen.signatures(&tools, vec![item("a.rpm", Binary, b"x")]).await;
    let verifier = Verifier::with(&keygen.public_key(&tools).await);
    assert!(verifier.says(&signatures[0], b"x").contains("VALIDSIG"));
    assert_eq!(world.private_keys(&world.gnupg()), [fingerprint]);
    keygen.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_folder_with_a_long_path_works() {
    let world = World::new().await;
    let tools = project("alice", "tools");
    let mut config = world.config();
    config.data_dir = world.folder.path().join("long".repeat(40)).join("keygen");
    let keygen = crate::fixture::Keygen::start(config.clone()).await;
    let fingerprint = world.key_of(1, &tools).await;
    keygen.stop().await;
    let keygen = crate::fixture::Keygen::start(config).await;
    let signatures = keygen.signatures(&tools, vec![item("a.rpm", Binary, b"x")]).await;
    let key = keygen.public_key(&tools).await;
    assert_eq!(key.fingerprint, fingerprint);
    assert!(Verifier::with(&key).says(&signatures[0], b"x").contains("VALIDSIG"));
    keygen.stop().await;
}

/// Killed without a warning when dropped.
struct Victim(Child);

impl Drop for Victim {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn spawn(world: &World) -> Victim {
    let config = world.config();
    let mut command = Command::new(env!("CARGO_BIN_EXE_coppice-keygen"));
    command.env("COPPICE_KEYGEN__REDIS", config.redis).env("COPPICE_KEYGEN__HTTP__LISTEN", "127.0.0.1:0");
    command.env("COPPICE_KEYGEN__DATA_DIR", config.data_dir);
    command.env("COPPICE_KEYGEN__SECRET_FILE", config.secret_file).env("COPPICE_KEYGEN__POOL", "0");
    command.env("COPPICE_KEYGEN__BACKEND_SECRET_FILE", config.backend_secret_file);
    command.env("COPPICE_KEYGEN__SIGN_DOMAIN", config.sign_domain);
    Victim(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
}

fn agents_of(home: &Path) -> usize {
    programs_of("gpg-agent", home)
}

/// Running programs of this name that were given this home.
fn programs_of(name: &str, home: &Path) -> usize {
    let is_one = |line: &Vec<u8>| {
        let line = String::from_utf8_lossy(line).into_owned();
        let mut arguments = line.split('\0');
        let program = arguments.next().unwrap_or_default().rsplit('/').next();
        program == Some(name) && arguments.any(|argument| Path::new(argument) == home)
    };
    let lines = fs::read_dir("/proc").unwrap().flatten();
    lines.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok()).filter(is_one).count()
}
