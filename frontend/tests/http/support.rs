//! A running frontend, its users, and the services that are only pretended.

use std::{future::Future, time::Duration};

use coppice_frontend::{Config, Service};
use coppice_kit::redis::Redis;
use coppice_model::{
    OwnerName, UnixTime,
    chroot::{ChrootDefinition, Runner},
    messages::Report,
};
use coppice_runtime::{Bus, Stop, secret::hash_token};
use coppice_store::{
    NewApiToken, Store, StoreError, TokenScope, mock_chroots, mock_chroots::NewMockChroot, tokens, users,
};
use reqwest::{Method, RequestBuilder, StatusCode, header::HeaderMap};
use serde_json::Value;
use tempfile::TempDir;
use tokio::task::JoinHandle;

pub const RESULTS: &str = "http://results.example/results";
pub const CHROOTS: [&str; 4] =
    ["fedora-43-x86_64", "fedora-43-i386", "fedora-rawhide-x86_64", "epel-9-x86_64"];
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Frontend {
    pub url: String,
    pub folder: TempDir,
    pub bus: Bus,
    store: Store,
    stop: Stop,
    running: JoinHandle<()>,
    client: reqwest::Client,
    config: Config,
    _redis: Option<Redis>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    /// The answer of a request that must have succeeded.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text);
        self.json()
    }

    /// The status and error text of a request that must have failed, as every client reads them.
    #[track_caller]
    pub fn error(&self) -> (u16, String) {
        assert!(self.status.is_client_error(), "{} {}", self.status, self.text);
        let error = self.json()["error"].as_str().expect("an error has a text").to_owned();
        (self.status.as_u16(), error)
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl Frontend {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// With its chroots.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let frontend = Self::start_bare(change).await;
        frontend.add_chroots().await;
        frontend
    }

    /// On an empty database.
    pub async fn start_bare(change: impl FnOnce(&mut Config)) -> Self {
        let redis = Redis::start().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("keygen.secret");
        std::fs::write(&secret, "a secret of the tests, shared with keygen").unwrap();
        let mut config = Config {
            keygen_secret_file: secret,
            redis: redis.url(),
            database: format!("sqlite://{}/frontend.sqlite", folder.path().display()),
            public_url: "http://copr.example:8080".into(),
            internal_url: "http://internal.example".into(),
            results_url: RESULTS.into(),
            data_dir: folder.path().join("data"),
            ..Config::default()
        };
        config.http.listen = "127.0.0.1:0".parse().unwrap();
        change(&mut config);
        let stop = Stop::new();
        let service = Service::start(config.clone(), stop.clone()).await.unwrap();
        let url = format!("http://{}", service.addr());
        let store = Store::open(&config.database).await.unwrap();
        let bus = Bus::connect(&config.redis).await.unwrap();
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let running = tokio::spawn(service.run());
        Self { url, folder, bus, store, stop, running, client, config, _redis: Some(redis) }
    }

    /// Another one on the same database and bus.
    pub async fn second(&self) -> Self {
        let (config, stop) = (self.config.clone(), Stop::new());
        let service = Service::start(config.clone(), stop.clone()).await.unwrap();
        let url = format!("http://{}", service.addr());
        let running = tokio::spawn(service.run());
        Self {
            url,
            folder: tempfile::tempdir().unwrap(),
            bus: self.bus.clone(),
            store: self.store.clone(),
            stop,
            running,
            client: self.client.clone(),
            config,
            _redis: None,
        }
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    async fn add_chroots(&self) {
        let added = self.store.write(|tx| {
            for name in CHROOTS {
                let definition = ChrootDefinition {
                    name: name.parse().unwrap(),
                    runner: Runner::Sandbox,
                    repositories: vec![],
                    setup_packages: vec![],
                };
                let comment = if name.starts_with("epel") { "EOL soon" } else { "" };
                let new = NewMockChroot { comment: comment.into(), branch: "b".into(), definition };
                mock_chroots::insert(tx, &new)?;
            }
            Ok::<_, StoreError>(())
        });
        added.await.unwrap();
    }

    /// A user with a token.
    pub async fn member(&self, name: &str) -> Member<'_> {
        self.member_until(name, UnixTime(i64::MAX)).await
    }

    /// A user whose token ends then.
    pub async fn member_until(&self, name: &str, expires_at: UnixTime) -> Member<'_> {
        let owner: OwnerName = name.parse().unwrap();
        let login = format!("Y29wcg==##{name}");
        let token = format!("token-of-{name}");
        let row = NewApiToken {
            login: login.clone(),
            token_hash: hash_token(&token),
            expires_at,
            name: None,
            scope: TokenScope::default(),
        };
        let added = self.store.write(move |tx| {
            let user = users::insert(tx, &owner, None, false, UnixTime(1))?;
            tokens::insert(tx, user.id, &row, UnixTime(1))
        });
        added.await.unwrap();
        Member { frontend: self, name: name.into(), login, token }
    }

    /// Follows no redirects and keeps no cookies.
    pub fn client(&self) -> &reqwest::Client {
        &self.client
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    pub async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    /// Says what another service would say.
    pub async fn report(&self, report: Report) {
        self.bus.send(&report).await.unwrap();
    }

    /// How many uploads lie in the folder.
    pub fn uploads(&self) -> usize {
        std::fs::read_dir(self.folder.path().join("data/uploads")).unwrap().count()
    }

    pub async fn close(self) {
        self.stop.trigger();
        tokio::time::timeout(PATIENCE, self.running).await.expect("the service stops").unwrap();
    }
}

pub async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    Answer { status, headers, text: response.text().await.unwrap() }
}

/// A user with copr-cli.
pub struct Member<'a> {
    frontend: &'a Frontend,
    pub name: String,
    pub login: String,
    pub token: String,
}

impl<'a> Member<'a> {
    /// Where the frontend is.
    pub fn url(&self) -> &str {
        &self.frontend.url
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.frontend.request(method, path).basic_auth(&self.login, Some(&self.token))
    }

    pub async fn send(&self, method: Method, path: &str, body: &Value) -> Answer {
        send(self.request(method, path).json(body)).await
    }

    /// As its user.
    pub async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, body).await
    }

    /// A project with the first chroot.
    pub async fn with_project(self, name: &str) -> Self {
        let body = serde_json::json!({ "name": name, "chroots": [CHROOTS[0]] });
        self.post(&format!("/api_3/project/add/{}", self.name), &body).await.ok();
        self
    }

    /// The same user with a token of that name; `more` says how narrow it is.
    pub async fn with_token(&self, name: &str, more: Value) -> Self {
        let mut body = more;
        body["name"] = name.into();
        let new = self.post("/api_3/tokens", &body).await.ok();
        let (frontend, name) = (self.frontend, self.name.clone());
        let mut narrow = Self { frontend, name, login: String::new(), token: String::new() };
        narrow.goes_on_with(&new);
        narrow
    }

    /// With the token that was told.
    pub fn goes_on_with(&mut self, new: &Value) {
        let text = |key: &str| new[key].as_str().unwrap().to_owned();
        (self.login, self.token) = (text("api_login"), text("api_token"));
    }

    /// Submits an address and returns the build's id.
    pub async fn submits(&self, project: &str) -> i64 {
        let body = serde_json::json!({
            "ownername": self.name, "projectname": project, "project_dirname": project,
            "pkgs": ["https://example.com/hello-1-1.src.rpm"], "timeout": null, "chroots": null,
            "background": false, "isolation": "unchanged", "progress_callback": null
        });
        let answer = self.post("/api_3/build/create/url", &body).await.ok();
        answer["items"][0]["id"].as_i64().unwrap()
    }
}

/// Asks until the answer is `Some`, but not for ever.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(15)).await;
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.unwrap_or_else(|_| panic!("waited in vain: {what}"))
}

/// The body that python-copr sends: first the file, then all fields as a file named `json`.
pub fn upload_body(file_name: &str, content: &[u8], fields: &str) -> (String, Vec<u8>) {
    file_body("pkgs", file_name, content, fields)
}

/// The same with the file in another field.
pub fn file_body(field: &str, file_name: &str, content: &[u8], fields: &str) -> (String, Vec<u8>) {
    let boundary = "da1838ded9d64ccaa85a4e7e9b51cb16";
    let mut body = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{file_name}\"\r\n\
         Content-Type: application/x-rpm\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(content);
    let rest = format!(
        "\r\n--{boundary}\r\nContent-Disposition: form-data; name=\"json\"; filename=\"json\"\r\n\
         Content-Type: application/json\r\n\r\n{fields}\r\n--{boundary}--\r\n"
    );
    body.extend_from_slice(rest.as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}
