//! A whole Coppice as an operator starts it: `coppice up` on a folder of its own with free ports.

use std::{
    fs::{self, OpenOptions},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use tempfile::TempDir;

use crate::{Member, distro, place, postgres::Postgres, until};

const READY: Duration = Duration::from_secs(60);
const GONE: Duration = Duration::from_secs(60);
const SERVICES: [&str; 4] = ["keygen", "distgit", "backend", "frontend"];

/// Every system test runs on both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Database {
    Sqlite,
    Postgres,
}

#[derive(Debug, Clone)]
pub struct StackOptions {
    pub database: Database,
    pub agents: usize,
    pub lease_s: u64,
    /// Further `--allow` hosts.
    pub allow: Vec<String>,
    /// Empty: the real builder agent.
    pub agent_command: Vec<String>,
    /// How people come in: the file that is the operator's own; empty: none.
    pub accounts: String,
    /// Environment variables for all services.
    pub env: Vec<(String, String)>,
    /// Whether the chroot of the small distribution is there.
    pub with_chroot: bool,
}

impl StackOptions {
    pub fn on(database: Database) -> Self {
        Self {
            database,
            agents: 2,
            lease_s: 60,
            allow: vec![],
            agent_command: vec![],
            accounts: String::new(),
            env: vec![],
            with_chroot: true,
        }
    }
}

pub struct Stack {
    folder: TempDir,
    child: Child,
    pub url: String,
    pub results_url: String,
    database: Option<String>,
    /// Ends after the services that use it.
    _postgres: Option<Postgres>,
}

impl Stack {
    /// Starts and waits until all services answer.
    pub fn start(options: &StackOptions) -> Self {
        let folder = place::open_folder();
        if !options.accounts.is_empty() {
            keep_accounts(&folder.path().join("data/etc"), &options.accounts);
        }
        let postgres =
            (options.database == Database::Postgres).then(|| Postgres::start().expect("PostgreSQL starts"));
        let database = postgres.as_ref().map(Postgres::database);
        let child = spawn(folder.path(), options, database.as_deref());
        let (url, results_url) = (String::new(), String::new());
        let mut stack = Self { folder, child, url, results_url, database, _postgres: postgres };
        stack.wait_until_ready();
        if options.with_chroot {
            stack.add_chroot();
        }
        stack
    }

    /// Stops and starts on the same folder; the time from the start until all services answer.
    pub fn restart(&mut self, options: &StackOptions) -> Duration {
        self.interrupt();
        let started = Instant::now();
        self.child = spawn(self.folder.path(), options, self.database.as_deref());
        self.wait_until_ready();
        started.elapsed()
    }

    /// As Ctrl-C does; waits for the end.
    fn interrupt(&mut self) {
        let pid = i32::try_from(self.child.id()).expect("a process id");
        kill(Pid::from_raw(pid), Signal::SIGINT).expect("coppice runs");
        let ended = until("coppice up ends", GONE, || self.child.try_wait().expect("our own child"));
        assert!(ended.success(), "coppice up ended with {ended}:\n{}", self.log());
    }

    fn wait_until_ready(&mut self) {
        let path = self.data().join("run/ready.json");
        let started = Instant::now();
        let ready: Value = loop {
            if let Some(ready) = fs::read(&path).ok().and_then(|text| serde_json::from_slice(&text).ok()) {
                break ready;
            }
            let ended = self.child.try_wait().expect("our own child");
            assert!(
                ended.is_none() && started.elapsed() < READY,
                "coppice up did not get ready:\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(10));
        };
        let text = |key: &str| ready[key].as_str().expect("ready.json is whole").to_owned();
        (self.url, self.results_url) = (text("url"), text("results_url"));
    }

    fn add_chroot(&self) {
        let repository = distro::repository().expect("callers asked for the distribution first");
        let repo = format!("base=file://{}", repository.display());
        self.manage(&[
            "chroot-add",
            distro::CHROOT,
            "--runner",
            "sandbox",
            "--repo",
            &repo,
            "--setup",
            "@build",
        ]);
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A scratch folder that goes with the stack.
    pub fn scratch(&self) -> &Path {
        self.folder.path()
    }

    /// What the supervisor and all services logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("coppice.log")).unwrap_or_default()
    }

    /// Runs `coppice manage …` and returns what it printed.
    pub fn manage(&self, arguments: &[&str]) -> String {
        let output = Command::new(program())
            .args(["manage", "--data"])
            .arg(self.data())
            .args(arguments)
            .output()
            .expect("coppice manage starts");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "coppice manage {arguments:?}: {said}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        said
    }

    /// A user with a token and a configured copr-cli.
    pub fn member(&self, name: &str) -> Member {
        self.manage(&["user-add", name]);
        let snippet = self.manage(&["token", name]);
        Member::new(name, &self.url, &snippet, &self.folder.path().join(format!("home-{name}")))
    }

    /// Process ids of one service (one, unless it is being started anew).
    pub fn pids_of(&self, service: &str) -> Vec<i32> {
        let config = self.data().join("etc").join(format!("{service}.toml"));
        let wanted = format!("run\0{service}\0--config\0{}", config.display());
        processes_with(&wanted)
    }

    /// SIGKILL, and nothing else; the supervisor starts the service again.
    pub fn kill(&self, service: &str) {
        let pids = until(&format!("{service} runs"), READY, || {
            Some(self.pids_of(service)).filter(|p| !p.is_empty())
        });
        for pid in &pids {
            kill(Pid::from_raw(*pid), Signal::SIGKILL).expect("a process of ours");
        }
        until(&format!("{service} runs again"), READY, || {
            self.pids_of(service).iter().any(|pid| !pids.contains(pid)).then_some(())
        });
    }

    /// Stops as Ctrl-C does. Fails on processes left behind, and on errors that were logged although the test
    /// expects none with these words.
    pub fn close_expecting(mut self, expected: &[&str]) {
        self.interrupt();
        let left = processes_with(&self.data().display().to_string());
        assert!(left.is_empty(), "processes were left behind: {left:?}");
        let errors: Vec<String> = self
            .log()
            .lines()
            .filter(|line| line.contains("\"level\":\"ERROR\"") || line.contains("panicked"))
            .filter(|line| !expected.iter().any(|words| line.contains(words)))
            .map(str::to_owned)
            .collect();
        assert!(errors.is_empty(), "errors were logged:\n{}", errors.join("\n"));
    }

    pub fn close(self) {
        self.close_expecting(&[]);
    }

    /// Services in the order of their start.
    pub fn services() -> [&'static str; 4] {
        SERVICES
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        if self.child.try_wait().ok().flatten().is_some() {
            return;
        }
        // A test that failed: end what was started, and show what was said.
        if std::thread::panicking() {
            let log = self.log();
            let tail: Vec<&str> = log.lines().rev().take(60).collect();
            eprintln!(
                "--- log of the stack (end)\n{}",
                tail.into_iter().rev().collect::<Vec<_>>().join("\n")
            );
        }
        if let Ok(pid) = i32::try_from(self.child.id()) {
            kill(Pid::from_raw(pid), Signal::SIGTERM).ok();
        }
        let started = Instant::now();
        while self.child.try_wait().ok().flatten().is_none() && started.elapsed() < GONE {
            std::thread::sleep(Duration::from_millis(50));
        }
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn spawn(folder: &Path, options: &StackOptions, database: Option<&str>) -> Child {
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .open(folder.join("coppice.log"))
        .expect("our own folder");
    let mut up = Command::new(program());
    up.envs(options.env.iter().cloned());
    up.arg("up").arg("--data").arg(folder.join("data")).args(["--port", "0"]);
    up.args(["--agents", &options.agents.to_string(), "--lease", &options.lease_s.to_string()]);
    up.arg("--cache").arg(build_roots());
    for host in &options.allow {
        up.args(["--allow", host]);
    }
    for word in &options.agent_command {
        up.arg(format!("--agent-command={word}"));
    }
    if let Some(url) = database {
        up.args(["--database", url]);
    }
    up.stdin(Stdio::null()).stdout(log.try_clone().expect("a file handle")).stderr(log);
    up.spawn().expect("coppice starts")
}

/// Build roots are made once for all stacks of a machine; they are keyed by content.
fn build_roots() -> PathBuf {
    let roots = place::cache().join("roots");
    fs::create_dir_all(&roots).expect("a cache folder");
    place::give(&roots);
    roots
}

/// Where an operator writes it, before the first start.
fn keep_accounts(etc: &Path, accounts: &str) {
    fs::create_dir_all(etc).expect("our own folder");
    fs::write(etc.join("accounts.toml"), accounts).expect("our own folder");
    place::give(etc);
}

/// Processes whose command line holds these words (arguments are separated by NUL).
fn processes_with(words: &str) -> Vec<i32> {
    let own = std::process::id().to_string();
    let entries = fs::read_dir("/proc").expect("/proc");
    entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|pid| *pid != own)
        .filter_map(|pid| Some((pid.parse::<i32>().ok()?, fs::read(format!("/proc/{pid}/cmdline")).ok()?)))
        .filter(|(_, line)| String::from_utf8_lossy(line).contains(words))
        .map(|(pid, _)| pid)
        .collect()
}

/// The `coppice` program that was built beside the tests.
pub fn program() -> PathBuf {
    if let Some(path) = std::env::var_os("COPPICE_PROGRAM") {
        return path.into();
    }
    // target/<profile>/deps/<test> → target/<profile>/coppice
    let test = std::env::current_exe().expect("the running test");
    let found = test.ancestors().skip(1).map(|dir| dir.join("coppice")).find(|path| path.is_file());
    found.expect("coppice is built: run `cargo build --package coppice` first (tools/test does)")
}
