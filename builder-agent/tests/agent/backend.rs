//! The outside world of one agent: the backend's agent API, DistGit and a file server, on one port.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    web::{self, Bytes, Data},
};
use coppice_model::agent::{Assignment, AttemptOutcome, Enroll, Enrolled, Finish, LogAnswer, Refusal};
use sha2::{Digest, Sha256};

pub const TICKET: &str = "ticket-that-nobody-may-see";
pub const SESSION: &str = "session-that-nobody-may-see";

/// What arrived, and how the backend shall behave.
#[derive(Default)]
pub struct Heard {
    pub assignment: Option<Assignment>,
    pub enrolled: Option<Enroll>,
    pub log: Vec<u8>,
    pub files: BTreeMap<String, Vec<u8>>,
    pub finish: Option<Finish>,
    /// Every offset that was sent, with the length of the piece.
    pub pieces: Vec<(u64, usize)>,
    /// Times of all calls for the log.
    pub log_calls: Vec<Instant>,
}

#[derive(Default)]
struct Shared {
    heard: Mutex<Heard>,
    cancel: AtomicBool,
    closed: AtomicBool,
    /// So many bytes of the log are forgotten at the next call, as after a crash.
    forget: AtomicUsize,
    root: PathBuf,
}

pub struct Backend {
    shared: Arc<Shared>,
    pub address: SocketAddr,
    server: Option<actix_web::dev::ServerHandle>,
    folder: tempfile::TempDir,
}

impl Backend {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let shared = Arc::new(Shared { root: folder.path().to_owned(), ..Shared::default() });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = Some(serve(listener, shared.clone()));
        Self { shared, address, server, folder }
    }

    pub fn heard(&self) -> MutexGuard<'_, Heard> {
        self.shared.heard.lock().unwrap()
    }

    pub fn offer(&self, assignment: Assignment) {
        self.heard().assignment = Some(assignment);
    }

    pub fn cancel(&self) {
        self.shared.cancel.store(true, Ordering::SeqCst);
    }

    /// From now on the attempt is somebody else's.
    pub fn close_attempt(&self) {
        self.shared.closed.store(true, Ordering::SeqCst);
    }

    pub fn forget_log(&self, bytes: usize) {
        self.shared.forget.store(bytes, Ordering::SeqCst);
    }

    /// Not even the port answers.
    pub fn go_away(&mut self) {
        if let Some(server) = self.server.take() {
            actix_web::rt::System::new().block_on(server.stop(false));
        }
    }

    pub fn come_back(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(10);
        let listener = loop {
            match TcpListener::bind(self.address) {
                Ok(listener) => break listener,
                Err(error) => assert!(Instant::now() < deadline, "{error}"),
            }
            thread::yield_now();
        };
        self.server = Some(serve(listener, self.shared.clone()));
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// A folder that is served below `files/`.
    pub fn served(&self) -> PathBuf {
        let path = self.folder.path().join("files");
        fs::create_dir_all(&path).unwrap();
        path
    }

    pub fn git_folder(&self) -> PathBuf {
        let path = self.folder.path().join("git");
        fs::create_dir_all(&path).unwrap();
        path
    }

    pub fn log_text(&self) -> String {
        String::from_utf8_lossy(&self.heard().log).into_owned()
    }

    /// How the attempt ended; nothing stays locked.
    pub fn outcome(&self) -> AttemptOutcome {
        let finish = self.heard().finish.clone();
        finish.unwrap_or_else(|| panic!("no finish; the log is:\n{}", self.log_text())).outcome
    }

    /// Polls until it is so.
    pub fn until(&self, what: &str, seconds: u64, is_so: impl Fn(&Heard) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(seconds);
        while !{ is_so(&self.heard()) } {
            assert!(Instant::now() < deadline, "never: {what}; the log is:\n{}", self.log_text());
            thread::park_timeout(Duration::from_millis(10));
        }
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.go_away();
    }
}

fn serve(listener: TcpListener, shared: Arc<Shared>) -> actix_web::dev::ServerHandle {
    let (sender, receiver) = std::sync::mpsc::channel();
    thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let data = Data::from(shared);
            let app = move || {
                App::new()
                    .app_data(data.clone())
                    .app_data(web::PayloadConfig::new(1 << 30))
                    .app_data(web::JsonConfig::default().limit(16 << 20))
                    .route("/agent/v1/enroll", web::post().to(enroll))
                    .route("/agent/v1/task", web::get().to(task))
                    .route("/agent/v1/tasks/{id}/log", web::put().to(log))
                    .route("/agent/v1/tasks/{id}/files/{name}", web::put().to(file))
                    .route("/agent/v1/tasks/{id}/finish", web::post().to(finish))
                    .route("/files/{path:.*}", web::get().to(served))
                    .route("/redirect", web::get().to(redirect))
                    .route("/git/{path:.*}", web::to(git))
            };
            let server = HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run();
            sender.send(server.handle()).unwrap();
            server.await.unwrap();
        });
    });
    receiver.recv().unwrap()
}

fn bearer(request: &HttpRequest) -> String {
    let value = request.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned());
    value.unwrap_or_default().trim_start_matches("Bearer ").to_owned()
}

fn refused(error: &str) -> HttpResponse {
    HttpResponse::Conflict().json(Refusal { error: error.into() })
}

async fn enroll(shared: Data<Shared>, body: web::Json<Enroll>) -> HttpResponse {
    if body.ticket != TICKET || shared.heard.lock().unwrap().enrolled.is_some() {
        return HttpResponse::Unauthorized().json(Refusal { error: "bad ticket".into() });
    }
    shared.heard.lock().unwrap().enrolled = Some(body.into_inner());
    HttpResponse::Ok().json(Enrolled { session_token: SESSION.into() })
}

async fn task(shared: Data<Shared>, request: HttpRequest) -> HttpResponse {
    assert_eq!(bearer(&request), SESSION);
    match &shared.heard.lock().unwrap().assignment {
        Some(assignment) => HttpResponse::Ok().json(assignment),
        None => HttpResponse::NoContent().finish(),
    }
}

fn token(shared: &Shared) -> String {
    shared.heard.lock().unwrap().assignment.as_ref().unwrap().task_token.clone()
}

async fn log(shared: Data<Shared>, request: HttpRequest, body: Bytes) -> HttpResponse {
    assert_eq!(bearer(&request), token(&shared));
    if shared.closed.load(Ordering::SeqCst) {
        return refused("this attempt is over");
    }
    let offset: usize = request.query_string().trim_start_matches("offset=").parse().unwrap();
    let mut heard = shared.heard.lock().unwrap();
    heard.log_calls.push(Instant::now());
    let left = heard.log.len().saturating_sub(shared.forget.swap(0, Ordering::SeqCst));
    heard.log.truncate(left);
    if offset <= heard.log.len() {
        heard.pieces.push((offset as u64, body.len()));
        heard.log.truncate(offset);
        heard.log.extend_from_slice(&body);
    }
    let length = heard.log.len() as u64;
    HttpResponse::Ok().json(LogAnswer { length, cancel: shared.cancel.load(Ordering::SeqCst) })
}

async fn file(shared: Data<Shared>, request: HttpRequest, body: Bytes) -> HttpResponse {
    assert_eq!(bearer(&request), token(&shared));
    let declared = format!("size={}&sha256={}", body.len(), hex::encode(Sha256::digest(&body)));
    assert_eq!(request.query_string(), declared);
    let name = request.match_info().get("name").unwrap().to_owned();
    shared.heard.lock().unwrap().files.insert(name, body.to_vec());
    HttpResponse::Created().finish()
}

async fn finish(shared: Data<Shared>, request: HttpRequest, body: web::Json<Finish>) -> HttpResponse {
    assert_eq!(bearer(&request), token(&shared));
    shared.heard.lock().unwrap().finish = Some(body.into_inner());
    HttpResponse::Ok().finish()
}

async fn served(shared: Data<Shared>, path: web::Path<String>) -> HttpResponse {
    match fs::read(shared.root.join("files").join(path.as_str())) {
        Ok(content) => HttpResponse::Ok().body(content),
        Err(_) => HttpResponse::NotFound().finish(),
    }
}

async fn redirect(request: HttpRequest) -> HttpResponse {
    let target = request.query_string().trim_start_matches("to=").to_owned();
    HttpResponse::Found().insert_header(("location", target)).finish()
}

/// What a web server does for git.
async fn git(
    shared: Data<Shared>,
    path: web::Path<String>,
    request: HttpRequest,
    body: Bytes,
) -> HttpResponse {
    let header = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let mut command = Command::new("git");
    command.arg("http-backend").env("GIT_PROJECT_ROOT", shared.root.join("git"));
    command.env("GIT_HTTP_EXPORT_ALL", "1").env("PATH_INFO", format!("/{path}"));
    command.env("QUERY_STRING", request.query_string()).env("REQUEST_METHOD", request.method().as_str());
    command.env("CONTENT_TYPE", header("content-type").unwrap_or_default());
    command.env("HTTP_CONTENT_ENCODING", header("content-encoding").unwrap_or_default());
    command.env("GIT_PROTOCOL", header("git-protocol").unwrap_or_default());
    command
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "safe.directory")
        .env("GIT_CONFIG_VALUE_0", "*");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&body).unwrap();
    let output = child.wait_with_output().unwrap().stdout;
    let at = output.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let mut answer = HttpResponse::Ok();
    for line in String::from_utf8_lossy(&output[..at]).lines() {
        let (name, value) = line.split_once(": ").unwrap();
        if name == "Status" {
            answer.status(actix_web::http::StatusCode::from_u16(value[..3].parse().unwrap()).unwrap());
        } else {
            answer.insert_header((name, value));
        }
    }
    answer.body(output[at + 4..].to_vec())
}

/// Commits files to a new repository and returns the commit.
pub fn commit(folder: &Path, files: &[(&str, &[u8])]) -> String {
    fs::create_dir_all(folder).unwrap();
    for (name, content) in files {
        fs::write(folder.join(name), content).unwrap();
    }
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.current_dir(folder).args(["-c", "user.name=t", "-c", "user.email=t@example.org"]);
        let output = command.args(arguments).env("GIT_CONFIG_GLOBAL", "/dev/null").output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    git(&["init", "--quiet", "."]);
    git(&["add", "--all", "--force"]);
    git(&["commit", "--quiet", "--message", "Sources"]);
    git(&["rev-parse", "HEAD"])
}
