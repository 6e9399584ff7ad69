//! A backend with its Redis and folders, and the two that talk to it: the frontend and a builder.

use std::{
    collections::BTreeSet,
    future::Future,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use coppice_backend::{Config, Service};
use coppice_kit::redis::Redis;
use coppice_model::{
    agent::{
        Assignment, AttemptOutcome, Enroll, Enrolled, Finish, LogAnswer, MachineFacts, Refusal, SentFile,
    },
    messages::{BackendTask, Report},
    work::{FailureCause, TaskOutcome},
};
use coppice_runtime::{Bus, Clock, Stop};
use reqwest::{Response, StatusCode};
use serde_json::json;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::task::JoinHandle;

const PATIENCE: Duration = Duration::from_secs(30);

pub struct World {
    redis: Redis,
    pub folder: TempDir,
    pub clock: Clock,
    pub bus: Bus,
    pub http: reqwest::Client,
    config: Config,
    running: Option<Running>,
    /// Another backend that is talked to instead.
    other: Option<String>,
}

struct Running {
    addr: SocketAddr,
    results: SocketAddr,
    stop: Stop,
    ended: JoinHandle<()>,
    invite: Box<dyn Fn() -> String + Send + Sync>,
}

pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(started.elapsed() < PATIENCE, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

impl World {
    pub async fn start() -> Self {
        Self::start_with(|_, _| {}).await
    }

    /// `change` gets the configuration and the world's folder.
    pub async fn start_with(change: impl FnOnce(&mut Config, &Path)) -> Self {
        let redis = Redis::start().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("secret");
        std::fs::write(&secret, "0123456789abcdef0123456789abcdef").unwrap();
        let mut config = Config {
            redis: redis.url(),
            data_dir: folder.path().join("backend"),
            results_listen: ([127, 0, 0, 1], 0).into(),
            results_url: "http://results/results".into(),
            keygen_url: "http://127.0.0.1:9".into(),
            keygen_secret_file: secret,
            ..Config::default()
        };
        config.http.listen = ([127, 0, 0, 1], 0).into();
        change(&mut config, folder.path());
        let bus = Bus::connect(&config.redis).await.unwrap();
        let (clock, http) = (Clock::at(1_800_000_000), reqwest::Client::new());
        let mut world = Self { redis, folder, clock, bus, http, config, running: None, other: None };
        world.up().await;
        world
    }

    pub async fn up(&mut self) {
        let stop = Stop::new();
        let service = Service::start_at(self.config.clone(), self.clock.clone(), stop.clone()).await.unwrap();
        let (addr, results, invite) = (service.addr(), service.results_addr(), service.invitations());
        let invite = Box::new(move || invite.machine().unwrap().1);
        let ended = tokio::spawn(service.run());
        self.running = Some(Running { addr, results, stop, ended, invite });
    }

    pub async fn down(&mut self) {
        let running = self.running.take().unwrap();
        running.stop.trigger();
        running.ended.await.unwrap();
    }

    pub async fn close(mut self) {
        self.down().await;
        assert_eq!(self.bus.dead_letters::<BackendTask>().await.unwrap(), 0);
    }

    pub fn addr(&self) -> SocketAddr {
        self.running.as_ref().unwrap().addr
    }

    pub fn url(&self, path: &str) -> String {
        match &self.other {
            Some(base) => format!("{base}{path}"),
            None => format!("http://{}{path}", self.addr()),
        }
    }

    /// From now on the builder talks to the backend at this address.
    pub fn at(&mut self, base: &str) {
        self.other = Some(base.to_owned());
    }

    /// For the next [`World::up`].
    pub fn change(&mut self, change: impl FnOnce(&mut Config)) {
        change(&mut self.config);
    }

    pub fn redis_url(&self) -> String {
        self.redis.url()
    }

    pub fn ticket(&self) -> String {
        (self.running.as_ref().unwrap().invite)()
    }

    pub fn staging(&self) -> PathBuf {
        self.config.data_dir.join("staging")
    }

    /// What a user reads below the results address.
    pub async fn reads(&self, path: &str) -> Option<Vec<u8>> {
        let url = format!("http://{}/results/{path}", self.running.as_ref().unwrap().results);
        let answer = self.http.get(url).header("Accept-Encoding", "identity").send().await.unwrap();
        match answer.status() {
            StatusCode::OK => Some(answer.bytes().await.unwrap().to_vec()),
            _ => None,
        }
    }

    pub async fn sends(&self, task: &BackendTask) {
        self.bus.send(task).await.unwrap();
    }

    /// Sends a task and returns when the backend has taken it over.
    pub async fn sends_and_waits(&self, task: &BackendTask) {
        self.sends(task).await;
        until("the backend takes the message", || async {
            (self.bus.backlog::<BackendTask>().await.unwrap() == 0).then_some(())
        })
        .await;
    }

    pub async fn reports(&self) -> Vec<Report> {
        let mut command = redis::cmd("XRANGE");
        command.arg("coppice:reports").arg("-").arg("+");
        let reply: redis::streams::StreamRangeReply =
            command.query_async(&mut self.bus.connection()).await.unwrap();
        let body = |entry: &redis::streams::StreamId| entry.get::<String>("body").unwrap();
        reply.ids.iter().map(|entry| serde_json::from_str(&body(entry)).unwrap()).collect()
    }

    /// Reports that end an attempt.
    pub async fn endings(&self) -> Vec<Report> {
        let ends = |report: &Report| matches!(report, Report::FinishedV1 { .. } | Report::LostV1 { .. });
        self.reports().await.into_iter().filter(ends).collect()
    }

    pub async fn until_report(&self, what: &str, wanted: impl Fn(&Report) -> bool) -> Report {
        until(what, || async { self.reports().await.into_iter().find(|report| wanted(report)) }).await
    }

    pub async fn until_finished(&self) -> TaskOutcome {
        let is_finish = |report: &Report| matches!(report, Report::FinishedV1 { .. });
        match self.until_report("a finish", is_finish).await {
            Report::FinishedV1 { outcome, .. } => outcome,
            other => panic!("{other:?}"),
        }
    }

    pub async fn until_closed(&self) {
        until("all attempts are closed", || async {
            std::fs::read_dir(self.staging()).unwrap().next().is_none().then_some(())
        })
        .await;
    }

    /// A machine that enrolled and has a task.
    pub async fn builder(&self) -> Builder {
        let session = self.enrolled().await;
        self.asks(&session).await
    }

    pub async fn enrolled(&self) -> String {
        let answer = self.enrolls(&self.ticket()).await;
        assert_eq!(answer.status(), StatusCode::OK);
        answer.json::<Enrolled>().await.unwrap().session_token
    }

    pub async fn enrolls(&self, ticket: &str) -> Response {
        let facts = MachineFacts {
            arch: "x86_64".into(),
            cpus: 2,
            memory_mb: 1_024,
            mock: None,
            agent: "test".into(),
        };
        let enroll = Enroll { ticket: ticket.into(), facts };
        self.http.post(self.url("/agent/v1/enroll")).json(&enroll).send().await.unwrap()
    }

    pub async fn polls(&self, session: &str) -> Response {
        self.http.get(self.url("/agent/v1/task")).bearer_auth(session).send().await.unwrap()
    }

    pub async fn asks(&self, session: &str) -> Builder {
        let answer = tokio::time::timeout(PATIENCE, self.polls(session)).await.expect("a task");
        assert_eq!(answer.status(), StatusCode::OK);
        let assignment: Assignment = answer.json().await.unwrap();
        Builder { assignment, sent: Vec::new() }
    }
}

/// The builder's side of one attempt.
#[derive(Clone)]
pub struct Builder {
    pub assignment: Assignment,
    pub sent: Vec<SentFile>,
}

impl Builder {
    pub fn path(&self, rest: &str) -> String {
        format!("/agent/v1/tasks/{}/{rest}", self.assignment.job.task())
    }

    pub async fn logs(&self, world: &World, offset: u64, bytes: impl AsRef<[u8]>) -> Response {
        let url = world.url(&self.path(&format!("log?offset={offset}")));
        let request = world.http.put(url).bearer_auth(&self.assignment.task_token);
        request.body(bytes.as_ref().to_vec()).send().await.unwrap()
    }

    pub async fn beats(&self, world: &World) -> LogAnswer {
        let answer = self.logs(world, 0, "").await;
        assert_eq!(answer.status(), StatusCode::OK);
        answer.json().await.unwrap()
    }

    /// Sends a file with what is declared of it given by hand.
    pub async fn declares(&self, world: &World, name: &str, sent: (u64, &str), bytes: &[u8]) -> Response {
        let (size, sha256) = sent;
        let url = world.url(&self.path(&format!("files/{name}?size={size}&sha256={sha256}")));
        let request = world.http.put(url).bearer_auth(&self.assignment.task_token);
        request.body(bytes.to_vec()).send().await.unwrap()
    }

    pub async fn sends(&mut self, world: &World, name: &str, bytes: &[u8]) -> StatusCode {
        let file = sent_file(name, bytes);
        let status = self.declares(world, name, (file.size, &file.sha256), bytes).await.status();
        if status.is_success() {
            self.sent.retain(|sent| sent.name != file.name);
            self.sent.push(file);
        }
        status
    }

    pub async fn finishes(&self, world: &World, outcome: AttemptOutcome) -> Response {
        let finish = Finish { outcome, files: self.sent.clone(), buildroot: vec![] };
        self.finishes_as(world, &finish).await
    }

    pub async fn finishes_as(&self, world: &World, finish: &Finish) -> Response {
        let request = world.http.post(world.url(&self.path("finish")));
        request.bearer_auth(&self.assignment.task_token).json(finish).send().await.unwrap()
    }

    /// The whole of a build that fails.
    pub async fn fails(&self, world: &World) {
        assert_eq!(self.finishes(world, failed()).await.status(), StatusCode::OK);
    }
}

pub fn failed() -> AttemptOutcome {
    AttemptOutcome::Failed { cause: FailureCause::Build, message: "%build\nfailed".into() }
}

pub fn sent_file(name: &str, bytes: &[u8]) -> SentFile {
    SentFile {
        name: name.to_owned().try_into().unwrap(),
        size: bytes.len() as u64,
        sha256: hex::encode(Sha256::digest(bytes)),
    }
}

pub async fn refusal(answer: Response) -> (u16, String) {
    let status = answer.status().as_u16();
    (status, answer.json::<Refusal>().await.expect("a refusal in JSON").error)
}

/// Every file below a folder.
pub fn files_below(dir: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() {
            found.extend(files_below(&path));
        } else {
            found.insert(path);
        }
    }
    found
}

/// Keygen without a single key.
pub async fn keyless_keygen() -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 4096];
                if connection.read(&mut request).await.is_ok() {
                    let body = json!({"error": "no key"}).to_string();
                    let head = format!("HTTP/1.1 404 Not Found\r\nContent-Length: {}\r\n", body.len());
                    let answer = format!("{head}Connection: close\r\n\r\n{body}");
                    connection.write_all(answer.as_bytes()).await.ok();
                }
            });
        }
    });
    url
}
