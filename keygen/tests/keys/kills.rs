//! A keygen that is killed after any step of its work: the old keys or the new ones, and the next try heals.

use std::{
    fs,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use coppice_keygen::{
    Config, Service, backup,
    step::{Step, Watch},
};
use coppice_kit::until;
use coppice_model::{
    ActionId, ProjectRef,
    messages::{KeygenTask, RenewKey},
    signing::{BeginRotation, EndRotation, KeyRing, KeyRole, PublicKey, SignRequest, SignatureForm::Binary},
};
use coppice_runtime::{Clock, Stop};
use serde::Serialize;

use crate::fixture::{BACKEND_SECRET, Keygen, LIMIT, Verifier, World, grant, item, project};

/// Set for the process that is to die.
const VICTIM: &str = "COPPICE_TEST_VICTIM";
const STEPS: [Step; 7] = [
    Step::KeyMade,
    Step::RolesWritten,
    Step::EndSet,
    Step::Signed,
    Step::Logged,
    Step::Unpacked,
    Step::Imported,
];

/// A keygen in another process that dies right after a step.
struct Victim {
    child: Child,
    url: PathBuf,
}

impl Victim {
    fn start(world: &World, step: Step, pool: usize, restore: &str) -> Self {
        let url = world.folder.path().join("url");
        fs::remove_file(&url).ok();
        let at = STEPS.iter().position(|known| *known == step).unwrap().to_string();
        let (redis, folder) = (world.redis.url(), world.folder.path().display().to_string());
        let words = [at.as_str(), &redis, &folder, &pool.to_string(), restore].join("\n");
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kills::the_victim"])
            .env(VICTIM, words)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, url }
    }

    fn url(&self) -> String {
        until("the victim listens", LIMIT, || fs::read_to_string(&self.url).ok())
    }

    fn dies(mut self) {
        let ended = until("the victim dies", LIMIT, || self.child.try_wait().unwrap());
        assert_eq!(ended.signal(), Some(9), "{ended}");
    }

    /// Asks for something that is never answered.
    async fn dies_of(self, project: &ProjectRef, call: &str, body: &impl Serialize) {
        let url = format!("{}/v1/keys/{project}/{call}", self.url());
        let answer = reqwest::Client::new().post(url).bearer_auth(BACKEND_SECRET).json(body).send().await;
        assert!(answer.is_err(), "it lives and says {answer:?}");
        self.dies();
    }
}

/// Not a test but the process that the others kill.
#[tokio::test(flavor = "multi_thread")]
async fn the_victim() {
    let Ok(words) = std::env::var(VICTIM) else { return };
    let words: Vec<&str> = words.split('\n').collect();
    let (step, folder) = (STEPS[words[0].parse::<usize>().unwrap()], Path::new(words[2]));
    let watch = Watch::new(move |done| {
        if done == step {
            nix::sys::signal::raise(nix::sys::signal::Signal::SIGKILL).unwrap();
        }
        Ok(())
    });
    let config = Config { watch, pool: words[3].parse().unwrap(), ..World::config_in(folder, words[1]) };
    if !words[4].is_empty() {
        let restored = backup::restore(&config, Path::new(words[4]), &folder.join("passphrase")).await;
        panic!("it lives and says {restored:?}");
    }
    let service = Service::start(config, Stop::new()).await.unwrap();
    let fresh = folder.join("url.new");
    fs::write(&fresh, format!("http://{}", service.addr())).unwrap();
    fs::rename(fresh, folder.join("url")).unwrap();
    service.run().await;
}

async fn proves(keygen: &Keygen, project: &ProjectRef) -> PublicKey {
    let key = keygen.public_key(project).await;
    let signatures = keygen.signatures(project, vec![item("a.rpm", Binary, b"x")]).await;
    let said = Verifier::with(&key).says(&signatures[0], b"x");
    assert!(said.contains(&format!("VALIDSIG {}", key.fingerprint)), "{said}");
    key
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_it_makes_a_key_it_makes_one() {
    let tools = project("alice", "tools");
    for (pool, step) in [0, 1]
        .into_iter()
        .flat_map(|pool| [Step::KeyMade, Step::RolesWritten, Step::Logged].map(|step| (pool, step)))
    {
        let world = World::new().await;
        if pool > 0 {
            // Ready before anybody asks.
            let keygen = Keygen::start(Config { pool, ..world.config() }).await;
            until("a key is ready", LIMIT, || world.private_keys(&world.gnupg()).first().cloned());
            keygen.stop().await;
        }
        world.asks_for_key(1, &tools).await;
        Victim::start(&world, step, 0, "").dies();
        assert_eq!(world.private_keys(&world.gnupg()).len(), 1, "{step:?}");
        let keygen = world.start().await;
        let fingerprint = world.reported(1);
        assert_eq!(proves(&keygen, &tools).await.fingerprint, fingerprint);
        assert_eq!(world.private_keys(&world.gnupg()), [fingerprint], "{step:?}");
        keygen.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_it_renews_a_key_the_key_stays_and_lives_longer() {
    let tools = project("alice", "tools");
    for step in [Step::EndSet, Step::Logged] {
        let world = World::new().await;
        let keygen = world.start().await;
        let fingerprint = world.key_of(1, &tools).await;
        keygen.stop().await;
        let end = Clock::default().now().plus_seconds(5_000 * 86_400);
        let renew = RenewKey { action: ActionId(2), project: tools.clone(), expires_on: end };
        world.bus.send(&KeygenTask::RenewKeyV1(renew)).await.unwrap();
        Victim::start(&world, step, 0, "").dies();
        let keygen = world.start().await;
        assert_eq!(world.reported(2), fingerprint, "{step:?}");
        let key = proves(&keygen, &tools).await;
        assert_eq!(key.fingerprint, fingerprint);
        assert!((key.expires_on.unwrap().0 - end.0).abs() <= 120, "{step:?}: {key:?}");
        keygen.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_a_rotation_begins_or_ends_the_next_try_goes_on_with_the_same_keys() {
    let tools = project("alice", "tools");
    let leave = || Some(grant(&tools, "action/5"));
    for (ends, step) in [
        (false, Step::KeyMade),
        (false, Step::RolesWritten),
        (false, Step::Logged),
        (true, Step::RolesWritten),
        (true, Step::Logged),
    ] {
        let world = World::new().await;
        let keygen = world.start().await;
        let old = world.key_of(1, &tools).await;
        let begin = BeginRotation { algorithm: None, grant: leave() };
        let mut next = None;
        if ends {
            next = Some(rotated(&keygen, &tools, "rotate", &begin).await);
        }
        keygen.stop().await;
        let victim = Victim::start(&world, step, 0, "");
        match &next {
            None => victim.dies_of(&tools, "rotate", &begin).await,
            Some(ring) => victim.dies_of(&tools, "rotate/finish", &end(ring, leave())).await,
        }
        let keygen = world.start().await;
        let current = proves(&keygen, &tools).await.fingerprint;
        assert_eq!(current == old, !ends, "{step:?}: the roles were exchanged or they were not");
        let ring = match next {
            None => rotated(&keygen, &tools, "rotate", &begin).await,
            Some(ring) => ring,
        };
        let key = next_key(&ring);
        let done = rotated(&keygen, &tools, "rotate/finish", &end(&ring, leave())).await;
        assert_eq!(done.with_role(KeyRole::Current).unwrap().fingerprint, key);
        assert_eq!(done.with_role(KeyRole::Retired).unwrap().fingerprint, old);
        assert_eq!(world.private_keys(&world.gnupg()).len(), 2, "{step:?}: no key was made in vain");
        assert_eq!(proves(&keygen, &tools).await.fingerprint, key);
        keygen.stop().await;
    }
}

fn next_key(ring: &KeyRing) -> String {
    ring.with_role(KeyRole::Next).unwrap().fingerprint.clone()
}

fn end(ring: &KeyRing, grant: Option<coppice_model::signing::Grant>) -> EndRotation {
    EndRotation { key: next_key(ring), compromised: false, grant }
}

async fn rotated(keygen: &Keygen, project: &ProjectRef, call: &str, body: &impl Serialize) -> KeyRing {
    let url = format!("{}/v1/keys/{project}/{call}", keygen.url);
    let answer = reqwest::Client::new().post(url).bearer_auth(BACKEND_SECRET).json(body).send().await;
    answer.unwrap().error_for_status().unwrap().json().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_it_signs_nobody_has_a_signature_that_the_log_does_not_know() {
    let tools = project("alice", "tools");
    let world = World::new().await;
    let keygen = world.start().await;
    let fingerprint = world.key_of(1, &tools).await;
    keygen.stop().await;
    let logged = |world: &World| world.audit().iter().filter(|line| line["label"] == "killed.rpm").count();
    for (step, entries) in [(Step::Signed, 0), (Step::Logged, 1)] {
        let items = vec![item("killed.rpm", Binary, b"x")];
        let question = SignRequest { key: None, grant: Some(grant(&tools, "7-f43")), items };
        Victim::start(&world, step, 0, "").dies_of(&tools, "sign", &question).await;
        assert_eq!(logged(&world), entries, "{step:?}");
        let keygen = world.start().await;
        assert_eq!(proves(&keygen, &tools).await.fingerprint, fingerprint);
        keygen.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_it_restores_it_starts_only_when_the_restore_was_done() {
    let tools = project("alice", "tools");
    let world = World::new().await;
    let keygen = world.start().await;
    let fingerprint = world.key_of(1, &tools).await;
    world.key_of(2, &project("bob", "tools")).await;
    keygen.stop().await;
    let file = world.folder.path().join("backup.pgp");
    let secret = world.folder.path().join("passphrase");
    fs::write(&secret, "correct horse battery staple").unwrap();
    backup::backup(&world.config(), &file, &secret).await.unwrap();
    for step in [Step::Unpacked, Step::Imported] {
        let restored = World::new().await;
        fs::copy(&secret, restored.folder.path().join("passphrase")).unwrap();
        Victim::start(&restored, step, 0, &file.display().to_string()).dies();
        let Err(refused) = Service::start(restored.config(), Stop::new()).await else {
            panic!("{step:?}: it starts with half of a backup");
        };
        assert!(refused.to_string().contains("restore` again"), "{refused}");
        assert_eq!(backup::restore(&restored.config(), &file, &secret).await.unwrap(), 2, "{step:?}");
        let keygen = restored.start().await;
        assert_eq!(proves(&keygen, &tools).await.fingerprint, fingerprint);
        keygen.stop().await;
    }
}
