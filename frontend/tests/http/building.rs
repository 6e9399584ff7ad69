//! A build that other services speak of, and the results server that they leave files on.

use std::{
    collections::{BTreeMap, HashMap},
    io::Write,
    sync::{Arc, Mutex},
};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, dev::ServerHandle, web};
use coppice_frontend::Config;
use coppice_model::{
    Attempt, BuildId, UnixTime,
    messages::{Imported, Progress, Report},
    package::{Nevra, SourceHeader},
    state::Stage,
    work::{DistGitCommit, Failure, FailureCause, TaskId, TaskOutcome},
};
use flate2::{Compression, write::GzEncoder};
use reqwest::Method;

use crate::support::{CHROOTS, Frontend, Member, send, until, upload_body};

/// As the backend's: ranges, `x.log` for `x.log.gz`, nothing else.
#[derive(Clone, Default)]
pub struct Files(Arc<Mutex<HashMap<String, Vec<u8>>>>);

pub struct ResultsServer {
    pub url: String,
    pub files: Files,
    handle: ServerHandle,
}

impl Files {
    pub fn put(&self, path: &str, content: impl Into<Vec<u8>>) {
        self.0.lock().unwrap().insert(path.to_owned(), content.into());
    }

    /// What a builder prints comes at the end.
    pub fn add(&self, path: &str, content: &str) {
        self.0.lock().unwrap().entry(path.to_owned()).or_default().extend(content.as_bytes());
    }

    pub fn remove(&self, path: &str) {
        self.0.lock().unwrap().remove(path);
    }

    /// As the backend does when a build has ended.
    pub fn pack(&self, from: &str, to: &str) {
        let content = self.0.lock().unwrap().remove(from).unwrap();
        self.put(&format!("{to}.gz"), packed(&content));
    }

    fn find(&self, path: &str) -> Option<(Vec<u8>, bool)> {
        let files = self.0.lock().unwrap();
        let plain = files.get(path).map(|content| (content.clone(), path.ends_with(".log.gz")));
        plain.or_else(|| Some((files.get(&format!("{path}.gz"))?.clone(), true)))
    }
}

pub fn packed(content: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(content).unwrap();
    packer.finish().unwrap()
}

async fn serve(files: web::Data<Files>, request: HttpRequest) -> HttpResponse {
    let path = request.path().trim_start_matches("/results/").replace("%40", "@");
    let Some((content, is_packed)) = files.find(&path) else { return HttpResponse::NotFound().finish() };
    let range = request.headers().get("range").and_then(|range| range.to_str().ok());
    let range = range.and_then(|range| range.strip_prefix("bytes=")?.split_once('-'));
    let (first, last) = match range {
        Some((first, last)) => (first.parse().unwrap(), last.parse().unwrap_or(usize::MAX)),
        None => (0, usize::MAX),
    };
    let mut answer = match range {
        Some(_) if first >= content.len() => HttpResponse::RangeNotSatisfiable(),
        Some(_) => HttpResponse::PartialContent(),
        None => HttpResponse::Ok(),
    };
    if is_packed {
        answer.insert_header(("content-encoding", "gzip"));
    }
    let end = last.saturating_add(1).min(content.len());
    answer.body(content[first.min(end)..end].to_vec())
}

impl ResultsServer {
    pub fn start() -> Self {
        let files = Files::default();
        let data = web::Data::new(files.clone());
        let server =
            HttpServer::new(move || App::new().app_data(data.clone()).default_service(web::to(serve)))
                .workers(1)
                .disable_signals()
                .bind("127.0.0.1:0")
                .unwrap();
        let url = format!("http://{}/results", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { url, files, handle }
    }

    /// For [`Frontend::start_with`].
    pub fn configure(&self, config: &mut Config) {
        config.internal_results_url = Some(self.url.clone());
    }

    pub async fn close(self) {
        self.handle.stop(false).await;
    }
}

/// A frontend whose backend and results server are pretended.
pub async fn start() -> (Frontend, ResultsServer) {
    let others = ResultsServer::start();
    let frontend = Frontend::start_with(|config| {
        others.configure(config);
        config.backend_url = others.url.clone();
    });
    (frontend.await, others)
}

/// With her project.
pub async fn alice(frontend: &Frontend) -> Member<'_> {
    frontend.member("alice").await.with_project("foo").await
}

/// A build of `alice/foo` in the first chroot.
pub struct Building<'a> {
    pub frontend: &'a Frontend,
    pub id: BuildId,
}

/// Of an uploaded SRPM.
pub async fn uploaded<'a>(frontend: &'a Frontend, alice: &Member<'_>) -> Building<'a> {
    let (kind, body) =
        upload_body("hello-1-1.src.rpm", b"x", r#"{"ownername": "alice", "projectname": "foo"}"#);
    let request = alice.request(Method::POST, "/api_3/build/create/upload");
    let answer = send(request.header("content-type", kind).body(body)).await.ok();
    Building { frontend, id: BuildId(answer["id"].as_i64().unwrap()) }
}

/// One that a builder works on, since 110.
pub async fn running<'a>(frontend: &'a Frontend, alice: &Member<'_>) -> Building<'a> {
    let build = uploaded(frontend, alice).await;
    build.imports(100).await;
    build.runs(1, 110).await;
    build
}

/// The same, which failed then.
pub async fn failed<'a>(frontend: &'a Frontend, alice: &Member<'_>, at: i64) -> Building<'a> {
    let build = running(frontend, alice).await;
    build.fails(1, at).await;
    build
}

impl Building<'_> {
    pub fn task(&self) -> TaskId {
        TaskId::Rpm(self.id, CHROOTS[0].parse().unwrap())
    }

    pub async fn imports(&self, at: i64) {
        let commit = DistGitCommit {
            clone_url: "http://distgit/git/alice/foo/hello".into(),
            commit: "c".repeat(40),
            lookaside_url: "http://distgit/repo/pkgs/alice/foo/hello".into(),
        };
        let header = SourceHeader {
            name: "hello".parse().unwrap(),
            epoch: None,
            version: "1".into(),
            release: "1".into(),
            exclusive_arch: vec![],
            exclude_arch: vec![],
        };
        let commits = CHROOTS.iter().map(|chroot| (chroot.parse().unwrap(), commit.clone()));
        let commits: BTreeMap<_, _> = commits.collect();
        let imported = Imported { build: self.id, header, commits, at: UnixTime(at) };
        self.frontend.report(Report::ImportedV1(imported)).await;
        self.until_is("pending").await;
    }

    pub async fn progresses(&self, attempt: u32, progress: Progress, at: i64) {
        let (task, attempt) = (self.task(), Attempt(attempt));
        self.frontend.report(Report::ProgressV1 { task, attempt, progress, at: UnixTime(at) }).await;
    }

    /// A builder has it and works.
    pub async fn runs(&self, attempt: u32, at: i64) {
        self.progresses(attempt, Progress::Taken { builder: format!("local-{attempt}") }, at).await;
        self.progresses(attempt, Progress::Stage { stage: Stage::Building }, at).await;
        self.until_is("running").await;
    }

    pub async fn fails(&self, attempt: u32, at: i64) {
        let failure = Failure { cause: FailureCause::Build, message: "the build failed in %build".into() };
        self.ends(attempt, TaskOutcome::Failed(failure), at).await;
        self.until_is("failed").await;
    }

    pub async fn succeeds(&self, attempt: u32, at: i64) {
        let nevra = |arch: &str| Nevra {
            name: "hello".into(),
            epoch: None,
            version: "1".into(),
            release: "1".into(),
            arch: arch.into(),
        };
        self.ends(attempt, TaskOutcome::Published { packages: vec![nevra("src"), nevra("x86_64")] }, at)
            .await;
        self.until_is("succeeded").await;
    }

    async fn ends(&self, attempt: u32, outcome: TaskOutcome, at: i64) {
        let (task, attempt) = (self.task(), Attempt(attempt));
        self.frontend.report(Report::FinishedV1 { task, attempt, outcome, at: UnixTime(at) }).await;
    }

    pub async fn is_lost(&self, attempt: u32, at: i64) {
        let (task, reason) = (self.task(), "no word for 60 s".to_owned());
        let lost = Report::LostV1 { task, attempt: Attempt(attempt), reason, at: UnixTime(at) };
        self.frontend.report(lost).await;
        self.until_is("pending").await;
    }

    pub async fn until_is(&self, state: &str) {
        let path = format!("/api_3/build-chroot?build_id={}&chrootname={}", self.id, CHROOTS[0]);
        let asked = async || {
            let answer = self.frontend.get(&path).await;
            (answer.status == 200 && answer.json()["state"] == state).then_some(())
        };
        until(&format!("the chroot is {state}"), asked).await;
    }

    /// Below the address of all results.
    pub fn folder(&self) -> String {
        format!("alice/foo/{}/{}-hello", CHROOTS[0], self.id.padded())
    }

    pub fn page(&self) -> String {
        format!("/coprs/alice/foo/build/{}/", self.id)
    }

    pub fn log(&self) -> String {
        format!("{}log/{}/", self.page(), CHROOTS[0])
    }
}
