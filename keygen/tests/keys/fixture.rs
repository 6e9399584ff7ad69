//! A running keygen with its Redis, and GnuPG as an independent judge.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use coppice_keygen::{Config, HttpConfig, Service};
use coppice_kit::{redis::Redis, until};
use coppice_model::{
    ActionId, ProjectRef, UnixTime,
    messages::{ActionDone, CreateKey, KeygenTask, Report},
    signing::{Grant, GrantClaims, PublicKey, SignItem, SignRequest, SignatureForm, Signatures},
};
use coppice_runtime::{Bus, Clock, Consumer, Envelope, Handler, Secret, Stop, Verdict};
use reqwest::{Response, StatusCode};
use tempfile::TempDir;
use tokio::task::JoinHandle;

/// The frontend's.
pub const SECRET: &str = "a secret of more than sixteen characters";
pub const BACKEND_SECRET: &str = "another secret, which only the backend has";
pub const LIMIT: Duration = Duration::from_secs(90);

pub fn project(owner: &str, name: &str) -> ProjectRef {
    ProjectRef { owner: owner.parse().unwrap(), name: name.parse().unwrap() }
}

/// Redis, folders and the reports that came; keygen itself may be started and stopped in it.
pub struct World {
    pub redis: Redis,
    pub folder: TempDir,
    pub bus: Bus,
    reports: Arc<Reports>,
    stop: Stop,
}

#[derive(Default)]
struct Reports(Mutex<Vec<ActionDone>>);

impl Handler<Report> for Reports {
    async fn handle(&self, envelope: Envelope<Report>) -> Verdict {
        let Report::ActionDoneV1(done) = envelope.body else { return Verdict::Dead("unexpected".into()) };
        self.0.lock().unwrap().push(done);
        Verdict::Done
    }
}

impl World {
    pub async fn new() -> Self {
        let redis = Redis::start().unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("secret"), SECRET).unwrap();
        fs::write(folder.path().join("backend-secret"), BACKEND_SECRET).unwrap();
        let bus = Bus::connect(&redis.url()).await.unwrap();
        let (reports, stop) = (Arc::new(Reports::default()), Stop::new());
        let consumer = Consumer::new(bus.clone(), "test");
        tokio::spawn(consumer.run(Arc::clone(&reports), stop.clone()));
        Self { redis, folder, bus, reports, stop }
    }

    pub fn config(&self) -> Config {
        Self::config_in(self.folder.path(), &self.redis.url())
    }

    /// The same for another process in the same world.
    pub fn config_in(folder: &Path, redis: &str) -> Config {
        Config {
            redis: redis.into(),
            http: HttpConfig { listen: "127.0.0.1:0".parse().unwrap(), workers: 1 },
            data_dir: folder.join("keygen"),
            secret_file: folder.join("secret"),
            backend_secret_file: folder.join("backend-secret"),
            pool: 0,
            sign_domain: "example.org".into(),
            ..Config::default()
        }
    }

    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("keygen")
    }

    pub fn gnupg(&self) -> PathBuf {
        self.data_dir().join("gnupg")
    }

    pub async fn start(&self) -> Keygen {
        Keygen::start(self.config()).await
    }

    pub async fn asks_for_key(&self, action: i64, project: &ProjectRef) {
        let create =
            CreateKey { action: ActionId(action), project: project.clone(), algorithm: Default::default() };
        self.bus.send(&KeygenTask::CreateKeyV1(create)).await.unwrap();
    }

    /// The fingerprint that an action was reported with.
    pub fn reported(&self, action: i64) -> String {
        let done = self.report(action);
        assert_eq!(done.error, None);
        done.fingerprint.unwrap()
    }

    pub fn report(&self, action: i64) -> ActionDone {
        let find = || {
            let reports = self.reports.0.lock().unwrap();
            reports.iter().find(|done| done.action == ActionId(action)).cloned()
        };
        until("the key is reported", LIMIT, find)
    }

    pub async fn key_of(&self, action: i64, project: &ProjectRef) -> String {
        self.asks_for_key(action, project).await;
        self.reported(action)
    }

    pub fn audit(&self) -> Vec<serde_json::Value> {
        let text = fs::read_to_string(self.data_dir().join("audit.log")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Fingerprints of the private keys on the disk.
    pub fn private_keys(&self, home: &Path) -> Vec<String> {
        let listed = gpg(home, &["--with-colons", "--list-secret-keys"]);
        listed
            .lines()
            .filter_map(|line| line.strip_prefix("fpr:::::::::"))
            .map(|f| f.trim_matches(':').to_owned())
            .collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.trigger();
    }
}

pub struct Keygen {
    pub url: String,
    stop: Stop,
    running: JoinHandle<()>,
}

impl Keygen {
    pub async fn start(config: Config) -> Self {
        let stop = Stop::new();
        let service = Service::start(config, stop.clone()).await.unwrap();
        let url = format!("http://{}", service.addr());
        Self { url, stop, running: tokio::spawn(service.run()) }
    }

    pub async fn stop(self) {
        self.stop.trigger();
        self.running.await.unwrap();
    }

    pub async fn get(&self, path: &str, secret: Option<&str>) -> Response {
        let request = reqwest::Client::new().get(format!("{}{path}", self.url));
        secret.into_iter().fold(request, |request, secret| request.bearer_auth(secret)).send().await.unwrap()
    }

    pub async fn public_key(&self, project: &ProjectRef) -> PublicKey {
        let answer = self.get(&format!("/v1/keys/{project}"), Some(SECRET)).await;
        assert_eq!(answer.status(), StatusCode::OK);
        answer.json().await.unwrap()
    }

    pub async fn ask_signatures(&self, project: &ProjectRef, items: Vec<SignItem>) -> Response {
        let url = format!("{}/v1/keys/{project}/sign", self.url);
        let grant = Some(grant(project, "7-fedora-43-x86_64"));
        let question = SignRequest { key: None, grant, items };
        let request = reqwest::Client::new().post(url).bearer_auth(BACKEND_SECRET).json(&question);
        request.send().await.unwrap()
    }

    /// Signs and decodes.
    pub async fn signatures(&self, project: &ProjectRef, items: Vec<SignItem>) -> Vec<Vec<u8>> {
        let answer = self.ask_signatures(project, items).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let signatures: Signatures = answer.json().await.unwrap();
        signatures.signatures.iter().map(|s| BASE64_STANDARD.decode(s).unwrap()).collect()
    }
}

/// Leave for a day, as the frontend gives it.
pub fn grant(project: &ProjectRef, subject: &str) -> Grant {
    let until = Clock::default().now().plus_seconds(86_400);
    grant_until(project, subject, until, SECRET)
}

pub fn grant_until(project: &ProjectRef, subject: &str, until: UnixTime, secret: &str) -> Grant {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    fs::write(&file, secret).unwrap();
    let claims = GrantClaims { project: project.clone(), subject: subject.into(), until };
    Secret::read(&file).unwrap().seal(&serde_json::to_string(&claims).unwrap()).into()
}

pub fn item(label: &str, form: SignatureForm, content: &[u8]) -> SignItem {
    SignItem { label: label.into(), form, content: BASE64_STANDARD.encode(content) }
}

/// Runs the gpg program and returns what it prints to both outputs.
pub fn gpg(home: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("gpg");
    command.arg("--homedir").arg(home).args(["--batch", "--no-autostart"]).args(arguments);
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&text).into_owned()
}

/// A home of somebody who only got the public key.
pub struct Verifier(TempDir);

impl Verifier {
    pub fn with(key: &PublicKey) -> Self {
        let home = tempfile::tempdir().unwrap();
        let verifier = Self(home);
        let path = verifier.file("key.asc", key.armored.as_bytes());
        let said = verifier.gpg(&["--import", path.to_str().unwrap()]);
        assert!(said.contains("imported: 1"), "{said}");
        verifier
    }

    pub fn gpg(&self, arguments: &[&str]) -> String {
        gpg(self.0.path(), arguments)
    }

    /// Takes another form of a key that is here already.
    pub fn imports(&self, key: &PublicKey) -> String {
        let path = self.file("newer.asc", key.armored.as_bytes());
        self.gpg(&["--import", path.to_str().unwrap()])
    }

    /// Whether the key that is here ends when this one does.
    pub fn knows_end(&self, key: &PublicKey) -> bool {
        let end = key.expires_on.unwrap().0.to_string();
        self.gpg(&["--with-colons", "--list-keys"]).contains(&end)
    }

    pub fn says(&self, signature: &[u8], content: &[u8]) -> String {
        let signature = self.file("signature", signature);
        let content = self.file("content", content);
        self.gpg(&["--status-fd", "1", "--verify", signature.to_str().unwrap(), content.to_str().unwrap()])
    }

    fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }
}
