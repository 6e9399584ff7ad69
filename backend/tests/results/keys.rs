//! A signer behind keygen's protocol: real signatures by gpg, keys that last as long as the test.

use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use base64::{Engine, prelude::BASE64_STANDARD};
use coppice_model::signing::{
    BeginRotation, EndRotation, KeyRing, KeyRole, PublicKey, RingKey, SignRequest, SignatureForm, Signatures,
};
use tempfile::TempDir;

/// A gpg home with one key.
pub struct Gpg {
    home: TempDir,
    pub key: PublicKey,
}

impl Gpg {
    pub fn new(algorithm: &str) -> Self {
        let home = tempfile::Builder::new().prefix("gpg").tempdir_in("/tmp").unwrap();
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let generate =
            ["--passphrase", "", "--quick-gen-key", "alice#tools@copr.test", algorithm, "sign", "0"];
        gpg(home.path(), &generate, b"");
        let armored = String::from_utf8(gpg(home.path(), &["--armor", "--export"], b"")).unwrap();
        let listed = gpg(home.path(), &["--with-colons", "--list-keys"], b"");
        let listed = String::from_utf8(listed).unwrap();
        let line = listed.lines().find(|line| line.starts_with("fpr:")).unwrap();
        let fingerprint = line.split(':').nth(9).unwrap().to_owned();
        Self {
            home,
            key: PublicKey { fingerprint, armored, algorithm: Default::default(), expires_on: None },
        }
    }

    pub fn sign(&self, content: &[u8], form: SignatureForm) -> Vec<u8> {
        let armor: &[&str] = if form == SignatureForm::Armored { &["--armor"] } else { &[] };
        gpg(self.home.path(), &[armor, &["--digest-algo", "SHA256", "--detach-sign"]].concat(), content)
    }

    /// Whether a detached signature fits.
    pub fn accepts(&self, signature: &Path, content: &Path) -> bool {
        let mut command = Command::new("gpg");
        command
            .arg("--homedir")
            .arg(self.home.path())
            .args(["--batch", "--verify"])
            .arg(signature)
            .arg(content);
        command.stderr(Stdio::null()).status().unwrap().success()
    }
}

impl Drop for Gpg {
    fn drop(&mut self) {
        let mut command = Command::new("gpgconf");
        command.arg("--homedir").arg(self.home.path()).args(["--kill", "all"]);
        assert!(command.status().is_ok());
    }
}

fn gpg(home: &Path, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut command = Command::new("gpg");
    command.arg("--homedir").arg(home).args(["--batch", "--yes", "--quiet", "--no-tty"]).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[derive(Clone)]
pub struct Signer {
    pub gpg: Arc<Gpg>,
    /// Off: every question is answered by 503.
    pub runs: Arc<AtomicBool>,
    /// Off: the project has no key yet.
    pub has_key: Arc<AtomicBool>,
    /// The key of a rotation that was begun.
    pub next: Arc<OnceLock<Gpg>>,
    pub rotation: Arc<Mutex<Option<EndRotation>>>,
    /// Signatures that are still given before this signer breaks.
    pub left: Arc<AtomicUsize>,
    /// Signatures that were asked for.
    pub asked: Arc<AtomicUsize>,
    pub url: String,
}

pub const SECRET: &str = "a secret that is long enough";

impl Signer {
    pub fn start(algorithm: &str) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let signer = Self {
            gpg: Arc::new(Gpg::new(algorithm)),
            runs: Arc::new(AtomicBool::new(true)),
            has_key: Arc::new(AtomicBool::new(true)),
            next: Arc::default(),
            rotation: Arc::default(),
            left: Arc::new(AtomicUsize::new(usize::MAX)),
            asked: Arc::default(),
            url: format!("http://{}", listener.local_addr().unwrap()),
        };
        let data = web::Data::new(signer.clone());
        let app = move || {
            App::new()
                .app_data(data.clone())
                .app_data(web::JsonConfig::default().limit(64 << 20))
                .route("/v1/keys/{owner}/{project}", web::get().to(find))
                .route("/v1/keys/{owner}/{project}/all", web::get().to(all))
                .route("/v1/keys/{owner}/{project}/sign", web::post().to(sign))
                .route("/v1/keys/{owner}/{project}/rotate", web::post().to(begin))
                .route("/v1/keys/{owner}/{project}/rotate/finish", web::post().to(finish))
        };
        let server = HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run();
        tokio::spawn(server);
        signer
    }

    fn ring(&self) -> KeyRing {
        let end = self.rotation.lock().unwrap().clone();
        let (old, new) = match end {
            None => (KeyRole::Current, KeyRole::Next),
            Some(EndRotation { compromised: true, .. }) => (KeyRole::Revoked, KeyRole::Current),
            Some(_) => (KeyRole::Retired, KeyRole::Current),
        };
        let mut keys = vec![RingKey { role: old, key: self.gpg.key.clone() }];
        keys.extend(self.next.get().map(|next| RingKey { role: new, key: next.key.clone() }));
        keys.sort_by_key(|key| key.role != KeyRole::Current);
        KeyRing { keys }
    }

    fn refusal(&self, request: &HttpRequest) -> Option<HttpResponse> {
        let given = request.headers().get("Authorization").and_then(|value| value.to_str().ok());
        if given != Some(format!("Bearer {SECRET}").as_str()) {
            return Some(HttpResponse::Unauthorized().finish());
        }
        if !self.runs.load(Ordering::SeqCst) {
            return Some(HttpResponse::ServiceUnavailable().finish());
        }
        (!self.has_key.load(Ordering::SeqCst)).then(|| HttpResponse::NotFound().finish())
    }
}

async fn find(signer: web::Data<Signer>, request: HttpRequest) -> HttpResponse {
    signer.refusal(&request).unwrap_or_else(|| HttpResponse::Ok().json(&signer.gpg.key))
}

async fn all(signer: web::Data<Signer>, request: HttpRequest) -> HttpResponse {
    signer.refusal(&request).unwrap_or_else(|| HttpResponse::Ok().json(signer.ring()))
}

async fn begin(signer: web::Data<Signer>, _: web::Json<BeginRotation>) -> HttpResponse {
    let next = signer.next.clone();
    web::block(move || drop(next.get_or_init(|| Gpg::new("rsa2048")).key.clone())).await.unwrap();
    HttpResponse::Ok().json(signer.ring())
}

async fn finish(signer: web::Data<Signer>, end: web::Json<EndRotation>) -> HttpResponse {
    *signer.rotation.lock().unwrap() = Some(end.into_inner());
    HttpResponse::Ok().json(signer.ring())
}

async fn sign(
    signer: web::Data<Signer>,
    request: HttpRequest,
    question: web::Json<SignRequest>,
) -> HttpResponse {
    if let Some(refusal) = signer.refusal(&request) {
        return refusal;
    }
    let count = question.items.len();
    signer.asked.fetch_add(count, Ordering::SeqCst);
    let left = |left: usize| if left == usize::MAX { Some(left) } else { left.checked_sub(count) };
    if signer.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, left).is_err() {
        return HttpResponse::ServiceUnavailable().finish();
    }
    let is_next = signer.next.get().is_some_and(|next| Some(&next.key.fingerprint) == question.key.as_ref());
    let of = signer.clone();
    let signatures = web::block(move || {
        let gpg = if is_next { of.next.get().unwrap() } else { &*of.gpg };
        let sign = |content: &str, form| gpg.sign(&BASE64_STANDARD.decode(content).unwrap(), form);
        let items = question.items.iter();
        items.map(|item| BASE64_STANDARD.encode(sign(&item.content, item.form))).collect()
    });
    let fingerprint = match is_next {
        true => signer.next.get().unwrap().key.fingerprint.clone(),
        false => signer.gpg.key.fingerprint.clone(),
    };
    HttpResponse::Ok().json(Signatures { fingerprint, signatures: signatures.await.unwrap() })
}
