//! A machine for one agent: an unprivileged user, folders of its own, the small distribution to build for.

use std::{
    fs, io,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};

use coppice_kit::place;
use coppice_minidistro::{BUILD_GROUP, Options};
use coppice_model::{
    Attempt,
    address::AllowList,
    agent::{Assignment, Job},
    chroot::{ChrootDefinition, Environment, Repository, Runner},
    package::SourceHeader,
    work::{BuildContext, DistGitCommit, Limits, RpmWork, SourceSpec, SourceWork},
};
use sha2::{Digest, Sha512};

use crate::backend::{self, Backend, TICKET};

pub const TASK_TOKEN: &str = "task-token-that-nobody-may-see";

/// Who runs the agent. Root is never good enough.
#[derive(Debug, Clone)]
pub struct Account {
    pub uid: u32,
    pub gid: u32,
    is_self: bool,
}

/// An account with subordinate ids when there is one, so that the builder is nobody at all on the host.
pub fn account() -> Account {
    let own = nix::unistd::geteuid();
    if !own.is_root() {
        return Account { uid: own.as_raw(), gid: nix::unistd::getegid().as_raw(), is_self: true };
    }
    let subuids = fs::read_to_string("/etc/subuid").unwrap_or_default();
    let named = subuids.lines().filter_map(|line| line.split(':').next());
    let users = named.filter_map(|name| nix::unistd::User::from_name(name).ok().flatten());
    let found =
        users.filter(|user| !user.uid.is_root()).map(|user| (user.uid.as_raw(), user.gid.as_raw())).next();
    let (uid, gid) = found.unwrap_or((65_534, 65_534));
    Account { uid, gid, is_self: false }
}

impl Account {
    fn command(&self, program: &Path) -> Command {
        if self.is_self {
            return Command::new(program);
        }
        let mut command = Command::new("setpriv");
        command.args([
            "--reuid",
            &self.uid.to_string(),
            "--regid",
            &self.gid.to_string(),
            "--clear-groups",
            "--",
        ]);
        command.arg(program);
        command
    }

    fn give(&self, path: &Path) {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        if !self.is_self {
            chown(path, Some(self.uid), Some(self.gid)).unwrap();
        }
    }
}

/// Says why real builds cannot run here, if so. Not a failure: some hosts forbid what they need.
pub fn cannot_build() -> bool {
    static REASON: OnceLock<Option<String>> = OnceLock::new();
    let reason = REASON.get_or_init(|| {
        let mut command = account().command(Path::new("unshare"));
        command.args([
            "--user",
            "--map-root-user",
            "--mount",
            "--pid",
            "--fork",
            "--net",
            "mount",
            "-t",
            "proc",
        ]);
        let output = command.args(["proc", "/proc"]).output().unwrap();
        let missing = ["bwrap", "dnf", "git", "rpm"].into_iter().find(|tool| !is_installed(tool));
        let refused =
            (!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).into_owned());
        missing.map(|tool| format!("{tool} is not installed")).or(refused)
    });
    if let Some(reason) = reason {
        eprintln!("SKIPPED: this host cannot run builds in a sandbox: {reason}");
    }
    reason.is_some()
}

fn is_installed(tool: &str) -> bool {
    Command::new(tool).arg("--version").output().is_ok_and(|output| output.status.success())
}

/// What tests share, outside of every home: the account must be able to read it.
fn shared(name: &str) -> PathBuf {
    let path = place::cache().join(name);
    fs::create_dir_all(&path).unwrap();
    path
}

/// The repository of the small distribution, made once.
pub fn distribution() -> &'static Path {
    static REPO: OnceLock<PathBuf> = OnceLock::new();
    REPO.get_or_init(|| {
        let cache = shared("minidistro");
        let distro = coppice_minidistro::make(&Options::cached(cache), &|line| eprintln!("{line}")).unwrap();
        readable(&distro.repo).unwrap();
        distro.repo
    })
}

pub fn readable(folder: &Path) -> io::Result<()> {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            readable(&entry.path())?;
        } else {
            fs::set_permissions(entry.path(), fs::Permissions::from_mode(0o644))?;
        }
    }
    Ok(())
}

pub struct Machine {
    pub account: Account,
    folder: tempfile::TempDir,
    pub cache: PathBuf,
    pub more_arguments: Vec<String>,
}

impl Machine {
    /// Roots are shared by all tests, as agents of one host share them.
    pub fn new() -> Self {
        Self::of(account(), "agent-cache")
    }

    /// A user that /etc/subuid does not know; only root can become one.
    pub fn without_subordinate_ids() -> Option<Self> {
        let nobody = Account { uid: 65_534, gid: 65_534, is_self: false };
        nix::unistd::geteuid().is_root().then(|| Self::of(nobody, "agent-cache-of-nobody"))
    }

    fn of(account: Account, cache: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        account.give(folder.path());
        let cache = shared(cache);
        account.give(&cache);
        fs::create_dir_all(folder.path().join("work")).unwrap();
        account.give(&folder.path().join("work"));
        Self { account, folder, cache, more_arguments: Vec::new() }
    }

    pub fn work_dir(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// A folder that the agent could write to, but has no business in.
    pub fn folder_of_its_user(&self, name: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::create_dir_all(&path).unwrap();
        self.account.give(&path);
        path
    }

    pub fn start(&self, backend: &Backend) -> Agent {
        let mut command =
            self.account.command(&place::startable(Path::new(env!("CARGO_BIN_EXE_coppice-builder-agent"))));
        command.arg("--backend").arg(backend.url(""));
        command.arg("--work-dir").arg(self.work_dir()).arg("--cache-dir").arg(&self.cache);
        command.args(&self.more_arguments).env("COPPICE_TICKET", TICKET).env("COPPICE_LOG", "debug");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Agent { child: Some(command.spawn().unwrap()) }
    }

    /// Runs an agent to its end.
    pub fn run(&self, backend: &Backend) -> Output {
        let output = self.start(backend).output();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output
    }
}

pub struct Agent {
    child: Option<Child>,
}

impl Agent {
    pub fn id(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    pub fn output(mut self) -> Output {
        self.child.take().unwrap().wait_with_output().unwrap()
    }

    pub fn signal(&self, signal: nix::sys::signal::Signal) {
        let id = i32::try_from(self.id()).unwrap();
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(id), signal).unwrap();
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

/// Polls until it is so.
pub fn until(what: &str, seconds: u64, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(seconds);
    while !is_so() {
        assert!(Instant::now() < deadline, "never: {what}");
        thread::park_timeout(Duration::from_millis(20));
    }
}

/// How many processes there are whose command line has this text.
pub fn processes_with(text: &str) -> usize {
    command_lines().filter(|(_, line)| line.contains(text)).count()
}

/// Processes with exactly this command line.
pub fn processes_running(line: &str) -> Vec<u32> {
    command_lines().filter(|(_, found)| found.trim_end() == line).map(|(id, _)| id).collect()
}

fn command_lines() -> impl Iterator<Item = (u32, String)> {
    fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let entry = entry.ok()?;
        let line = fs::read(entry.path().join("cmdline")).ok()?;
        let id = entry.file_name().to_str()?.parse().ok()?;
        Some((id, String::from_utf8_lossy(&line).replace('\0', " ")))
    })
}

pub fn environment() -> Environment {
    Environment {
        chroot: ChrootDefinition {
            name: "mini-12-x86_64".parse().unwrap(),
            runner: Runner::Sandbox,
            repositories: vec![repository("mini", &format!("file://{}", distribution().display()))],
            setup_packages: vec![format!("@{BUILD_GROUP}")],
        },
        repositories: Vec::new(),
        additional_packages: Vec::new(),
        additional_modules: Vec::new(),
        with_opts: Vec::new(),
        without_opts: Vec::new(),
        isolation: "default".into(),
        bootstrap: "default".into(),
        bootstrap_image: None,
        enable_net: false,
    }
}

pub fn repository(id: &str, baseurl: &str) -> Repository {
    Repository {
        id: id.into(),
        name: id.into(),
        baseurl: baseurl.into(),
        priority: None,
        module_hotfixes: None,
        repo_gpgcheck: None,
    }
}

fn context() -> BuildContext {
    BuildContext {
        build: coppice_model::BuildId(7),
        project: coppice_model::ProjectRef {
            owner: "alice".parse().unwrap(),
            name: "tools".parse().unwrap(),
        },
        dir: "tools".parse().unwrap(),
        sandbox: "alice/tools--alice".into(),
        background: false,
    }
}

pub fn limits() -> Limits {
    Limits { timeout_s: 300, ..Limits::default() }
}

fn assignment(backend: &Backend, job: Job) -> Assignment {
    let allow = AllowList(vec![backend.address.to_string()]);
    Assignment { task_token: TASK_TOKEN.into(), attempt: Attempt::FIRST, job, allow }
}

/// The source phase for what a user named.
pub fn source_task(backend: &Backend, source: SourceSpec) -> Assignment {
    let (environment, limits) = (environment(), limits());
    let work = SourceWork { context: context(), attempt: Attempt::FIRST, source, environment, limits };
    assignment(backend, Job::Source(work))
}

/// A build of files that lie in DistGit; archives go to the lookaside cache.
pub fn build_task(backend: &Backend, package: &str, files: &[(&str, &[u8])]) -> RpmWork {
    let mut committed: Vec<(&str, &[u8])> = Vec::new();
    let mut sources = String::new();
    for (name, content) in files {
        if name.ends_with(".spec") {
            committed.push((name, content));
            continue;
        }
        let hash = hex::encode(Sha512::digest(content));
        let folder = backend.served().join("lookaside").join(name).join("sha512").join(&hash);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(name), content).unwrap();
        sources.push_str(&format!("SHA512 ({name}) = {hash}\n"));
    }
    committed.push(("sources", sources.as_bytes()));
    let commit = backend::commit(&backend.git_folder().join(package), &committed);
    RpmWork {
        context: context(),
        attempt: Attempt::FIRST,
        source: DistGitCommit {
            clone_url: backend.url(&format!("git/{package}/.git")),
            commit,
            lookaside_url: backend.url("files/lookaside"),
        },
        header: SourceHeader {
            name: package.parse().unwrap(),
            epoch: None,
            version: "1.0".into(),
            release: "1".into(),
            exclusive_arch: Vec::new(),
            exclude_arch: Vec::new(),
        },
        environment: environment(),
        limits: limits(),
        grant: None,
    }
}

/// A build of one of the distribution's samples.
pub fn sample_task(backend: &Backend, name: &str) -> RpmWork {
    let folder = tempfile::tempdir().unwrap();
    let srpm = coppice_minidistro::samples::srpm(name, folder.path()).unwrap();
    let top = folder.path().join("top");
    let mut unpack = Command::new("rpm");
    unpack.arg("-i").arg("--define").arg(format!("_topdir {}", top.display())).arg(&srpm);
    assert!(unpack.env("HOME", folder.path()).output().unwrap().status.success());
    let mut files = vec![(format!("{name}.spec"), fs::read(top.join(format!("SPECS/{name}.spec"))).unwrap())];
    for entry in fs::read_dir(top.join("SOURCES")).into_iter().flatten() {
        let path = entry.unwrap().path();
        files.push((path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap()));
    }
    let files: Vec<(&str, &[u8])> =
        files.iter().map(|(name, content)| (name.as_str(), &content[..])).collect();
    build_task(backend, name, &files)
}

pub fn offer(backend: &Backend, work: RpmWork) {
    backend.offer(assignment(backend, Job::Rpm(work)));
}

/// A spec file of a package without sources whose `%build` is this script.
pub fn spec(name: &str, build: &str) -> String {
    format!(
        "Name: {name}\nVersion: 1.0\nRelease: 1\nSummary: A test\nLicense: MIT\nBuildArch: noarch\n\
         %description\nA test.\n%prep\n%build\n{build}\n%install\n%files\n"
    )
}

pub fn offer_script(backend: &Backend, name: &str, script: &str, change: impl FnOnce(&mut RpmWork)) {
    let text = spec(name, script);
    let mut work = build_task(backend, name, &[(&format!("{name}.spec"), text.as_bytes())]);
    change(&mut work);
    offer(backend, work);
}
