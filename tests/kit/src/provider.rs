//! Where people log in instead, as a child process: a real OpenID provider, one that lies, and GitHub and GitLab as far
//! as logins go.

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{member::run, place};

/// What the service and its provider both know.
const SECRET: &str = "a secret between two services";

pub struct Provider {
    child: Child,
    /// Holds the secret as a file.
    folder: TempDir,
    pub url: String,
}

impl Drop for Provider {
    fn drop(&mut self) {
        let ended = self.child.kill().and_then(|()| self.child.wait());
        if !std::thread::panicking() {
            assert!(ended.is_ok(), "{ended:?}");
        }
    }
}

impl Provider {
    pub fn start() -> Self {
        let package = std::env::var("COPPICE_OIDC_PROVIDER").expect("tools/test sets COPPICE_OIDC_PROVIDER");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/src/provider.mjs");
        let mut command = Command::new("node");
        // It warns that it keeps everything in memory and has development keys.
        command.args([script, &package]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("node starts: tools/packages --tests installs it");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let port = lines.by_ref().map_while(Result::ok).find(|line| line.parse::<u16>().is_ok());
        // Whoever reads no more stops who writes.
        std::thread::spawn(move || lines.for_each(drop));
        let folder = place::open_folder();
        std::fs::write(folder.path().join("secret"), format!("{SECRET}\n")).expect("our own folder");
        Self { child, folder, url: format!("http://127.0.0.1:{}", port.expect("it listens")) }
    }

    fn secret_file(&self) -> PathBuf {
        self.folder.path().join("secret")
    }

    /// The OpenID provider as an operator configures it; `issuer` is empty, or where the liar is.
    pub fn oidc(&self, issuer: &str) -> Value {
        json!({
            "kind": "oidc", "name": "fedora", "label": "Fedora Accounts", "issuer": format!("{}{issuer}", self.url),
            "client_id": "coppice", "client_secret_file": self.secret_file(),
            "scopes": ["openid", "profile", "email", "groups"],
        })
    }

    /// `kind` is a forge with this name.
    pub fn forge(&self, kind: &str) -> Value {
        json!({
            "kind": kind, "name": kind, "url": format!("{}/{kind}", self.url), "client_id": "coppice",
            "client_secret_file": self.secret_file(),
        })
    }

    fn tell(&self, path: &str, value: &Value) -> String {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--fail", "--max-time", "20", "--data", &value.to_string()]);
        run(curl.arg(format!("{}{path}", self.url))).ok()
    }

    /// Who logs in there, and what is told of them. What forges tell stands at `forge`, by the paths of their APIs.
    pub fn people(&self, people: &Value) {
        self.tell("/_people", people);
    }

    /// What the liar is to say.
    pub fn lie(&self, lie: &Value) {
        self.tell("/_lie", lie);
    }

    /// A token with these claims, signed by the liar's key.
    pub fn mint(&self, claims: &Value) -> String {
        self.tell("/_mint", &json!({ "claims": claims }))
    }

    /// The same, signed by another key, or by none.
    pub fn mint_by(&self, key: &str, claims: &Value) -> String {
        self.tell("/_mint", &json!({ "claims": claims, "key": key }))
    }
}
