//! A user at a terminal: copr-cli with a configuration, and the plain API.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use serde_json::Value;

use crate::until;

/// As copr-cli does, a client tries again while a service is being started anew.
const PATIENT: [&str; 5] = ["--retry", "30", "--retry-connrefused", "--retry-delay", "1"];

/// What a program said, and how it ended.
#[derive(Debug, Clone)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    /// Standard output of a program that must have succeeded.
    pub fn ok(self) -> String {
        assert_eq!(self.code, 0, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self.out
    }

    /// Everything said by a program that must have ended with this code.
    pub fn fails(self, code: i32) -> String {
        let all = format!("{}{}", self.out, self.err);
        assert_eq!(self.code, code, "{all}");
        all
    }
}

/// Runs to the end.
pub fn run(command: &mut Command) -> Said {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

pub struct Member {
    pub name: String,
    pub login: String,
    pub token: String,
    url: String,
    home: PathBuf,
    succeeded: Mutex<BTreeSet<String>>,
}

impl Member {
    /// `snippet` is what the service printed for copr-cli's configuration file.
    pub fn new(name: &str, url: &str, snippet: &str, home: &Path) -> Self {
        fs::create_dir_all(home.join(".config")).expect("our own folder");
        fs::write(home.join(".config/copr"), snippet).expect("our own folder");
        let value = |key: &str| {
            let line = snippet.lines().find_map(|line| line.strip_prefix(key)?.trim().strip_prefix('='));
            line.unwrap_or_else(|| panic!("no {key} in {snippet}")).trim().to_owned()
        };
        let (login, token) = (value("login"), value("token"));
        Self {
            name: name.into(),
            login,
            token,
            url: url.into(),
            home: home.into(),
            succeeded: Mutex::default(),
        }
    }

    /// The user's home folder; copr-cli runs in it.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Runs the real copr-cli.
    pub fn copr(&self, arguments: &[&str]) -> Said {
        self.notes(arguments, run(&mut self.client(arguments)))
    }

    /// The commands of copr-cli that this user has run with success.
    pub fn succeeded_with(&self) -> BTreeSet<String> {
        self.succeeded.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn notes(&self, arguments: &[&str], said: Said) -> Said {
        if said.code == 0 {
            let mut all = self.succeeded.lock().unwrap_or_else(PoisonError::into_inner);
            all.extend(arguments.first().map(ToString::to_string));
        }
        said
    }

    /// The same for a command that asks back.
    pub fn copr_answering(&self, arguments: &[&str], answer: &str) -> Said {
        let path = self.home.join("answer");
        fs::write(&path, answer).expect("our own folder");
        let answer = fs::File::open(path).expect("it was just written");
        self.notes(arguments, run(self.client(arguments).stdin(answer)))
    }

    fn client(&self, arguments: &[&str]) -> Command {
        let program = std::env::var_os("COPPICE_COPR_CLI")
            .expect("COPPICE_COPR_CLI names the copr-cli to use: run the tests by tools/test");
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&self.home).env("HOME", &self.home);
        command.env_remove("XDG_CONFIG_HOME");
        command
    }

    /// Submits without waiting; the build's id.
    pub fn submits(&self, project: &str, source: &Path) -> i64 {
        let said = self.copr(&["build", project, "--nowait", &source.display().to_string()]).ok();
        let ids = said.lines().find_map(|line| line.strip_prefix("Created builds: "));
        ids.and_then(|id| id.trim().parse().ok()).unwrap_or_else(|| panic!("no build id in {said}"))
    }

    /// Uploads without any client program of Copr's; the API's answer.
    pub fn uploads(&self, project: &str, source: &Path) -> Value {
        let fields = serde_json::json!({ "ownername": self.name, "projectname": project });
        let mut curl = Command::new("curl");
        curl.args([
            "--silent",
            "--show-error",
            "--max-time",
            "60",
            "--user",
            &format!("{}:{}", self.login, self.token),
        ]);
        curl.args(["--form", &format!("pkgs=@{}", source.display())]);
        curl.args(["--form", &format!("json={fields};filename=json;type=application/json")]);
        let said = run(curl.arg(format!("{}/api_3/build/create/upload", self.url))).ok();
        serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: {said}"))
    }

    /// The build as the API shows it.
    pub fn sees(&self, build: i64) -> Value {
        self.get(&format!("build/{build}"))
    }

    /// Waits for one of these states; fails at once when the build ended otherwise.
    pub fn waits_for(&self, build: i64, states: &[&str]) -> Value {
        until(&format!("build {build} is {states:?}"), Duration::from_secs(180), || {
            let seen = self.sees(build);
            let state = seen["state"].as_str().unwrap_or_default();
            let wanted = states.contains(&state);
            let ended = ["succeeded", "failed", "canceled", "skipped"].contains(&state);
            assert!(wanted || !ended, "build {build} ended {state}: {}", self.chroots(build));
            wanted.then_some(seen)
        })
    }

    /// The build's chroots as the API shows them.
    pub fn chroots(&self, build: i64) -> Value {
        self.get(&format!("build-chroot/list?build_id={build}"))["items"].clone()
    }

    /// An API read that must succeed.
    pub fn get(&self, path: &str) -> Value {
        let (status, body) = self.asks("GET", path, None);
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// Any API call with the user's credentials: status and body.
    pub fn asks(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--max-time", "60", "--request", method]).args(PATIENT);
        curl.args(["--user", &format!("{}:{}", self.login, self.token), "--write-out", "\n%{http_code}"]);
        if let Some(body) = body {
            curl.args(["--header", "Content-Type: application/json", "--data", &body.to_string()]);
        }
        let said = run(curl.arg(format!("{}/api_3/{path}", self.url))).ok();
        let (body, status) = said.rsplit_once('\n').expect("curl prints the status");
        (status.parse().expect("a status"), serde_json::from_str(body).unwrap_or(Value::Null))
    }
}

/// A public address: status and body.
pub fn fetch(url: &str) -> (u16, String) {
    let said = run(Command::new("curl").args([
        "--silent",
        "--compressed",
        "--max-time",
        "60",
        "--write-out",
        "\n%{http_code}",
        url,
    ]))
    .ok();
    let (body, status) = said.rsplit_once('\n').expect("curl prints the status");
    (status.parse().expect("a status"), body.to_owned())
}
