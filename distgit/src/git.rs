//! The git program, isolated from the host's and the user's configuration.

use std::{
    ffi::OsStr,
    fs::File,
    io::{self, Read, Seek},
    path::Path,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use coppice_runtime::process::{self, ProcessError};
use tokio::process::Command;

/// Questions to git take milliseconds; imports write some megabytes.
const LIMIT: Duration = Duration::from_secs(600);
const ERROR_SHOWN: u64 = 2_000;

#[derive(Debug, thiserror::Error)]
pub enum GitError {
    #[error(transparent)]
    Process(#[from] ProcessError),
    #[error("waiting for git")]
    Wait(#[source] io::Error),
    #[error("git did not end within {} s", LIMIT.as_secs())]
    Timeout,
    #[error("git ended with {status}: {stderr}")]
    Failed { status: ExitStatus, stderr: String },
    #[error("git answered something else than asked: {0:?}")]
    Answer(String),
}

/// `git --git-dir <repository>` without hooks, prompts or foreign configuration.
pub fn command(repository: &Path) -> Command {
    let mut command = Command::new("git");
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into()));
    command.env("HOME", repository).env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
    command.env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C");
    for setting in ["core.hooksPath=/dev/null", "core.fsync=all", "safe.directory=*", "gc.auto=0"] {
        command.args(["-c", setting]);
    }
    command.arg("--git-dir").arg(repository);
    command
}

/// Runs git and returns what it prints.
pub async fn ask<I: AsRef<OsStr>>(repository: &Path, arguments: &[I]) -> Result<String, GitError> {
    let mut git = command(repository);
    git.args(arguments);
    let answer = process::run(git, LIMIT).await?;
    String::from_utf8(answer).map_err(|e| GitError::Answer(e.to_string()))
}

/// Feeds a file to git. `log` is locked by the caller; as git's standard error it stays locked until git has
/// ended, even when this process is killed.
pub async fn feed(mut git: Command, input: File, log: &File) -> Result<String, GitError> {
    let stderr = log.try_clone().map_err(GitError::Wait)?;
    git.stdin(Stdio::from(input)).stdout(Stdio::piped()).stderr(Stdio::from(stderr)).kill_on_drop(true);
    let started = git.spawn().map_err(|source| ProcessError::Start { program: "git".into(), source })?;
    let output = tokio::time::timeout(LIMIT, started.wait_with_output()).await;
    let output = output.map_err(|_| GitError::Timeout)?.map_err(GitError::Wait)?;
    if output.status.success() {
        return String::from_utf8(output.stdout).map_err(|e| GitError::Answer(e.to_string()));
    }
    Err(GitError::Failed { status: output.status, stderr: written(log).unwrap_or_default() })
}

fn written(mut log: &File) -> io::Result<String> {
    let mut text = String::new();
    log.rewind()?;
    log.take(ERROR_SHOWN).read_to_string(&mut text)?;
    Ok(text.trim().to_owned())
}
