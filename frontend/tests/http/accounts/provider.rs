//! The OpenID provider as a child process.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use coppice_frontend::Config;
use serde_json::Value;

use super::browser::{Browser, between};
use crate::support::Answer;

pub struct Provider {
    child: Child,
    pub url: String,
}

impl Drop for Provider {
    fn drop(&mut self) {
        let ended = self.child.kill().and_then(|()| self.child.wait());
        assert!(ended.is_ok(), "{ended:?}");
    }
}

impl Provider {
    pub fn start() -> Self {
        let package = std::env::var("COPPICE_OIDC_PROVIDER").expect("tools/test sets COPPICE_OIDC_PROVIDER");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/http/accounts/provider.mjs");
        let mut command = Command::new("node");
        // It warns that it keeps everything in memory and has development keys.
        let mut child =
            command.args([script, &package]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.by_ref().map(Result::unwrap).find(|line| line.parse::<u16>().is_ok());
        // Whoever reads no more stops who writes.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, url: format!("http://127.0.0.1:{}", port.expect("it listens")) }
    }

    /// As an operator configures it.
    pub fn configure(&self, config: &mut Config, issuer: &str) {
        let secret = config.data_dir.with_file_name("oidc.secret");
        std::fs::write(&secret, "a secret between two services\n").unwrap();
        let provider = serde_json::json!({
            "kind": "oidc", "name": "fedora", "label": "Fedora Accounts", "issuer": format!("{}{issuer}", self.url),
            "client_id": "coppice", "client_secret_file": secret, "scopes": ["openid", "profile", "email", "groups"],
        });
        config.accounts.providers.push(serde_json::from_value(provider).unwrap());
    }

    /// `kind` is a forge with this name.
    pub fn configure_forge(&self, config: &mut Config, kind: &str) {
        let secret = config.data_dir.with_file_name("forge.secret");
        std::fs::write(&secret, "s3cret").unwrap();
        let provider = serde_json::json!({
            "kind": kind, "name": kind, "url": format!("{}/{kind}", self.url), "client_id": "coppice",
            "client_secret_file": secret,
        });
        config.accounts.providers.push(serde_json::from_value(provider).unwrap());
    }

    async fn tell(&self, path: &str, value: &Value) -> String {
        let client = reqwest::Client::new();
        let answer = client.post(format!("{}{path}", self.url)).json(value).send().await.unwrap();
        answer.text().await.unwrap()
    }

    pub async fn people(&self, people: Value) {
        self.tell("/_people", &people).await;
    }

    /// What the liar is to say.
    pub async fn lie(&self, lie: Value) {
        self.tell("/_lie", &lie).await;
    }

    /// A token with these claims, signed by the liar's key.
    pub async fn mint(&self, claims: Value) -> String {
        self.tell("/_mint", &serde_json::json!({ "claims": claims })).await
    }

    pub async fn mint_by(&self, key: &str, claims: Value) -> String {
        self.tell("/_mint", &serde_json::json!({ "claims": claims, "key": key })).await
    }
}

/// Goes to the provider as the login page leads there, logs in as `person`, consents, and comes back.
pub async fn log_in(browser: &Browser<'_>, person: &str) -> (String, Answer) {
    let started = browser.get("/oidc_login/?provider=fedora&next=/coprs/").await;
    through(browser, started, person).await
}

pub async fn through(browser: &Browser<'_>, started: Answer, person: &str) -> (String, Answer) {
    let address = back_address(browser, started, person).await;
    browser.visit(&address).await
}

/// The address that the provider sends the browser back to.
pub async fn back_address(browser: &Browser<'_>, started: Answer, person: &str) -> String {
    assert_eq!(started.status, 303, "{}", started.text);
    let mut at = browser.url(started.header("location"));
    let mut answer = browser.get(at.as_str()).await;
    for _ in 0..12 {
        if answer.status.is_redirection() {
            let next = answer.header("location").to_owned();
            if next.starts_with("http://copr.example:8080/") {
                return next;
            }
            at = at.join(&next).unwrap();
            answer = browser.get(at.as_str()).await;
            continue;
        }
        let action = between(&answer.text, "action=\"", "\"").to_owned();
        let prompt = between(&answer.text, "name=\"prompt\" value=\"", "\"").to_owned();
        at = at.join(&action).unwrap();
        let form = [("prompt", prompt.as_str()), ("login", person), ("password", "x")];
        answer = browser.ask(reqwest::Method::POST, at.as_str(), &form).await;
    }
    panic!("the provider leads in circles: {answer:?}");
}
