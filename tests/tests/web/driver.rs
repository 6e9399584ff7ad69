//! chromedriver as a private child of the test, and how the browser below it is started.

use std::{
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use coppice_kit::until;
use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, Uid},
};
use serde_json::{Value, json};
use tempfile::TempDir;

const GONE: Duration = Duration::from_secs(20);
/// Nothing that a page names outside this machine is fetched.
const ONLY_HERE: &str = "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1";

pub struct Driver {
    child: Child,
    port: u16,
    /// The browser's; its path tells our browser from others of this machine.
    profile: TempDir,
}

impl Driver {
    /// On a free port.
    pub fn start() -> Self {
        let profile = tempfile::Builder::new().prefix("coppice-browser-").tempdir().unwrap();
        let mut child = Command::new("chromedriver")
            .args(["--port=0", "--log-level=SEVERE"])
            .env("HOME", profile.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("chromedriver ({error}): tools/packages --tests installs it"));
        let said = BufReader::new(child.stdout.take().unwrap());
        let port = said.lines().map_while(Result::ok).find_map(|line| {
            line.rsplit_once("started successfully on port ")?.1.trim_end_matches('.').parse().ok()
        });
        let port = port.expect("chromedriver says its port");
        Self { child, port, profile }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What a new browser shall be like.
    pub fn capabilities(&self, has_scripts: bool) -> serde_json::Map<String, Value> {
        let mut arguments = vec![
            "--headless=new".to_owned(),
            format!("--user-data-dir={}", self.profile.path().display()),
            "--window-size=1280,900".into(),
            "--hide-scrollbars".into(),
            "--disable-gpu".into(),
            "--disable-dev-shm-usage".into(),
            "--no-first-run".into(),
            "--disable-background-networking".into(),
            "--disable-component-update".into(),
            "--disable-sync".into(),
            ONLY_HERE.into(),
        ];
        if Uid::effective().is_root() {
            arguments.push("--no-sandbox".into());
        }
        let mut options = json!({ "args": arguments, "binary": binary() });
        if !has_scripts {
            options["prefs"] = json!({ "profile.managed_default_content_settings.javascript": 2 });
        }
        let wanted = json!({
            "browserName": "chrome",
            "unhandledPromptBehavior": "ignore",
            "goog:chromeOptions": options,
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        wanted.as_object().unwrap().clone()
    }

    fn browsers(&self) -> Vec<Pid> {
        let words = self.profile.path().display().to_string();
        let running = std::fs::read_dir("/proc").into_iter().flatten().filter_map(|entry| {
            let pid = entry.ok()?.file_name().to_str()?.parse::<i32>().ok()?;
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
            String::from_utf8_lossy(&line).contains(&words).then(|| Pid::from_raw(pid))
        });
        running.collect()
    }
}

/// A test that failed leaves its browser open: it goes too.
impl Drop for Driver {
    fn drop(&mut self) {
        for pid in self.browsers() {
            kill(pid, Signal::SIGKILL).ok();
        }
        self.child.kill().ok();
        self.child.wait().ok();
        if !std::thread::panicking() {
            until("the browser is gone", GONE, || self.browsers().is_empty().then_some(()));
        }
    }
}

/// Debian and Fedora name it differently.
fn binary() -> String {
    let found = ["chromium", "chromium-browser"]
        .iter()
        .map(|name| Path::new("/usr/bin").join(name))
        .find(|path| path.exists());
    found.expect("tools/packages --tests installs chromium").display().to_string()
}
