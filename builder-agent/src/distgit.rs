//! A package's sources from DistGit: one commit by git, big files from the lookaside cache.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use coppice_model::{PackageName, work::DistGitCommit};
use reqwest::Client;
use sha2::{Digest, Sha512};
use tokio::{fs::File, io::AsyncWriteExt, process::Command, time::Instant};

use crate::{
    attempt::Task,
    command,
    ended::{Ended, OrBroken, chain},
    log::Output,
    retry::{self, Transient},
    sources_file::{self, Source},
};

/// How long a DistGit that is away is waited for; then another attempt may find another way.
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Debug, thiserror::Error)]
enum FetchFault {
    #[error("{0}")]
    Git(String),
    #[error("{url} cannot be fetched")]
    Away { url: String, source: reqwest::Error },
    #[error("{url} answered {status}")]
    Status { url: String, status: reqwest::StatusCode },
    #[error("{url} is not what the sources file says (SHA512 differs)")]
    Hash { url: String },
    #[error("storing {url}")]
    Store { url: String, source: io::Error },
    #[error(transparent)]
    Ended(Ended),
}

impl Transient for FetchFault {
    fn is_transient(&self) -> bool {
        match self {
            Self::Git(_) | Self::Away { .. } | Self::Hash { .. } => true,
            Self::Status { status, .. } => status.is_server_error(),
            Self::Store { .. } | Self::Ended(_) => false,
        }
    }
}

impl From<FetchFault> for Ended {
    fn from(fault: FetchFault) -> Self {
        match fault {
            FetchFault::Ended(ended) => ended,
            other => Self::broken(format!("fetching the sources from DistGit failed: {}", chain(&other))),
        }
    }
}

/// Fills the workspace's `sources` with everything of one commit and returns the names of all files.
pub async fn fetch(task: &Task, source: &DistGitCommit) -> Result<Vec<String>, Ended> {
    task.log.stage(&format!("fetching sources of commit {}", source.commit));
    let folder = task.workspace.sources();
    let until = (Instant::now() + PATIENCE).min(task.control.deadline);
    retry::until(until, || checkout(task, source, &folder)).await?;
    let listed = sources(&folder).or_broken("reading the sources file")?;
    let http = Client::builder().no_proxy().connect_timeout(Duration::from_secs(10)).build();
    let http = http.or_broken("preparing to fetch")?;
    for one in &listed {
        let url = format!("{}/{1}/sha512/{2}/{1}", source.lookaside_url, one.file, one.sha512);
        let fetched = retry::until(until, || lookaside(&http, &url, one, &folder));
        task.control.or_halted(fetched).await??;
    }
    names(&folder).or_broken("listing the sources")
}

async fn checkout(task: &Task, source: &DistGitCommit, folder: &Path) -> Result<(), FetchFault> {
    let hex = source.commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !hex || source.commit.len() < 40 || !source.clone_url.starts_with("http") {
        return Err(FetchFault::Ended(Ended::broken("the task names no commit at an http address")));
    }
    let depth = ["fetch", "--quiet", "--depth", "1", "--no-tags"];
    git(task, folder, &["init", "--quiet", "--initial-branch", "work", "."]).await?;
    git(task, folder, &[&depth[..], &["--", &source.clone_url, &source.commit]].concat()).await?;
    git(task, folder, &["checkout", "--quiet", "--force", &source.commit]).await?;
    let unstored = |source| FetchFault::Store { url: ".git".into(), source };
    fs::remove_dir_all(folder.join(".git")).map_err(unstored)
}

/// git without anybody's configuration, hooks, helpers or questions, and with HTTP only.
async fn git(task: &Task, folder: &Path, arguments: &[&str]) -> Result<(), FetchFault> {
    let mut command = Command::new("git");
    let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into());
    command.current_dir(folder).env_clear().env("PATH", path);
    command.env("HOME", task.workspace.path("home")).env("LC_ALL", "C.UTF-8");
    for (name, value) in [
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GIT_ASKPASS", "/bin/false"),
        ("GIT_ALLOW_PROTOCOL", "http:https"),
    ] {
        command.env(name, value);
    }
    for setting in
        ["core.hooksPath=/dev/null", "core.symlinks=false", "submodule.recurse=false", "credential.helper="]
    {
        command.args(["-c", setting]);
    }
    command.args(arguments);
    let mut output = Output::quiet();
    let status = command::run(command, &mut output, &task.control).await.map_err(FetchFault::Ended)?;
    let verb = arguments.first().copied().unwrap_or_default();
    if status.success() { Ok(()) } else { Err(FetchFault::Git(format!("git {verb}: {}", output.tail()))) }
}

fn sources(folder: &Path) -> io::Result<Vec<Source>> {
    match fs::read_to_string(folder.join("sources")) {
        Ok(text) => sources_file::parse(&text).map_err(io::Error::other),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

async fn lookaside(http: &Client, url: &str, source: &Source, folder: &Path) -> Result<(), FetchFault> {
    let away = |source| FetchFault::Away { url: url.to_owned(), source };
    let unstored = |source| FetchFault::Store { url: url.to_owned(), source };
    let mut response = http.get(url).send().await.map_err(away)?;
    if !response.status().is_success() {
        return Err(FetchFault::Status { url: url.to_owned(), status: response.status() });
    }
    let path: PathBuf = folder.join(&source.file);
    let mut file = File::create(&path).await.map_err(unstored)?;
    let mut hash = Sha512::new();
    while let Some(piece) = response.chunk().await.map_err(away)? {
        hash.update(&piece);
        file.write_all(&piece).await.map_err(unstored)?;
    }
    file.flush().await.map_err(unstored)?;
    let agrees = hex::encode(hash.finalize()) == source.sha512;
    if agrees { Ok(()) } else { Err(FetchFault::Hash { url: url.to_owned() }) }
}

fn names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = fs::read_dir(folder)?;
    entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

/// The package's own spec file, or the only one there is.
pub fn spec_name(task: &Task, package: &PackageName, names: Vec<String>) -> io::Result<String> {
    let own = format!("{package}.spec");
    let mut specs: Vec<String> = names.into_iter().filter(|name| name.ends_with(".spec")).collect();
    if let Some(at) = specs.iter().position(|name| *name == own) {
        return Ok(specs.swap_remove(at));
    }
    match specs.len() {
        1 => Ok(specs.swap_remove(0)),
        count => Err(io::Error::other(format!("{count} spec files in {}", task.workspace.root().display()))),
    }
}
