//! A running DistGit with its Redis, a service that hands out source RPMs, and stock git.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use actix_web::{App, HttpResponse, HttpServer, web};
use coppice_distgit::{Config, HttpConfig, Service};
use coppice_kit::{redis::Redis, until};
use coppice_model::{
    BuildId, ProjectRef,
    messages::{Branch, DistGitTask, Import, Imported, Report},
    work::{Failure, FailureCause},
};
use coppice_runtime::{Bus, Consumer, Envelope, Handler, Stop, Verdict};
use tempfile::TempDir;
use tokio::task::JoinHandle;

const LIMIT: Duration = Duration::from_secs(60);

/// What the other service answers: by path, status and body.
type Shelf = Arc<Mutex<HashMap<String, (u16, Vec<u8>)>>>;

pub struct World {
    pub redis: Redis,
    pub folder: TempDir,
    pub bus: Bus,
    shelf: Shelf,
    shelf_url: String,
    reports: Arc<Reports>,
    stop: Stop,
}

#[derive(Default)]
struct Reports(Mutex<Vec<Report>>);

impl Handler<Report> for Reports {
    async fn handle(&self, envelope: Envelope<Report>) -> Verdict {
        self.0.lock().unwrap().push(envelope.body);
        Verdict::Done
    }
}

impl World {
    pub async fn new() -> Self {
        let redis = Redis::start().unwrap();
        let bus = Bus::connect(&redis.url()).await.unwrap();
        let (reports, stop) = (Arc::new(Reports::default()), Stop::new());
        tokio::spawn(Consumer::new(bus.clone(), "test").run(Arc::clone(&reports), stop.clone()));
        let shelf = Shelf::default();
        let shelf_url = hand_out(Arc::clone(&shelf));
        let folder = tempfile::tempdir().unwrap();
        Self { redis, folder, bus, shelf, shelf_url, reports, stop }
    }

    pub fn config(&self) -> Config {
        Config {
            redis: self.redis.url(),
            http: HttpConfig { listen: "127.0.0.1:0".parse().unwrap(), workers: 1, ..HttpConfig::default() },
            data_dir: self.data_dir(),
            public_url: "http://distgit.example".into(),
            ..Config::default()
        }
    }

    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("distgit")
    }

    pub async fn start(&self) -> DistGit {
        DistGit::start(self.config()).await
    }

    /// What the other service answers under this address.
    pub fn answers(&self, name: &str, status: u16, body: &[u8]) {
        self.shelf.lock().unwrap().insert(name.to_owned(), (status, body.to_vec()));
    }

    /// Asks for an import of these bytes for two chroots of one branch and one of another.
    pub async fn submits(&self, build: i64, srpm: &[u8]) -> Import {
        self.answers(&format!("{build}.src.rpm"), 200, srpm);
        let import = self.import_of(build);
        self.sends(&import).await;
        import
    }

    pub fn import_of(&self, build: i64) -> Import {
        let branch = |(chroot, branch): (&str, &str)| Branch {
            chroot: chroot.parse().unwrap(),
            branch: branch.into(),
        };
        let chroots = [("fedora-43-x86_64", "f43"), ("fedora-43-aarch64", "f43"), ("epel-9-x86_64", "epel9")];
        Import {
            build: BuildId(build),
            project: ProjectRef { owner: "@team".parse().unwrap(), name: "tools".parse().unwrap() },
            srpm_url: format!("{}/{build}.src.rpm", self.shelf_url),
            branches: chroots.map(branch).to_vec(),
        }
    }

    pub async fn sends(&self, import: &Import) {
        self.bus.send(&DistGitTask::ImportV1(import.clone())).await.unwrap();
    }

    /// The reports of a build, at least so many.
    pub fn reports(&self, build: i64, at_least: usize) -> Vec<Report> {
        let of_build = |report: &&Report| match report {
            Report::ImportedV1(imported) => imported.build == BuildId(build),
            Report::ImportFailedV1 { build: failed, .. } => *failed == BuildId(build),
            _ => false,
        };
        until(&format!("{at_least} reports of build {build}"), LIMIT, || {
            let all = self.reports.0.lock().unwrap();
            let found: Vec<Report> = all.iter().filter(of_build).cloned().collect();
            (found.len() >= at_least).then_some(found)
        })
    }

    pub fn imported(&self, build: i64) -> Imported {
        match self.reports(build, 1).remove(0) {
            Report::ImportedV1(imported) => imported,
            other => panic!("{other:?}"),
        }
    }

    /// The sentence with which a build's import was refused.
    pub fn refused(&self, build: i64) -> String {
        match self.reports(build, 1).remove(0) {
            Report::ImportFailedV1 {
                failure: Failure { cause: FailureCause::SourceImport, message },
                ..
            } => message,
            other => panic!("{other:?}"),
        }
    }

    pub fn repository(&self, package: &str) -> PathBuf {
        self.data_dir().join("git/@team/tools").join(package)
    }

    pub fn commits(&self, package: &str, branch: &str) -> usize {
        let counted = git(&self.repository(package), &["rev-list", "--count", branch]);
        counted.trim().parse().unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.trigger();
    }
}

fn hand_out(shelf: Shelf) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let app = move || {
        let shelf = Arc::clone(&shelf);
        App::new().default_service(web::to(move |request: actix_web::HttpRequest| {
            let found = shelf.lock().unwrap().get(request.path().trim_start_matches('/')).cloned();
            async move {
                let (status, body) = found.unwrap_or((404, Vec::new()));
                HttpResponse::build(status.try_into().unwrap()).body(body)
            }
        }))
    };
    tokio::spawn(HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run());
    url
}

pub struct DistGit {
    pub url: String,
    stop: Stop,
    running: JoinHandle<()>,
}

impl DistGit {
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
}

/// Runs stock git in a folder, without anybody's configuration.
pub fn try_git(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new("git");
    command
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_TERMINAL_PROMPT", "0");
    command.args(["-c", "safe.directory=*"]).args(arguments).current_dir(folder);
    command.stdin(Stdio::null()).output().unwrap()
}

pub fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = try_git(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
