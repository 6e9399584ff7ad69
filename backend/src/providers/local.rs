//! Agent processes on this host, each in a process group of its own with nothing but its ticket.
//!
//! They are not tied to the life of the backend: after a crash a running build goes on, and the next start of
//! the backend finds its processes again by number and start time.

use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use nix::sys::signal::Signal;
use tokio::{process::Command, sync::Notify};

use super::{Life, Provider, ProviderError, process::Process};
use crate::{
    config::LocalConfig,
    machines::{Handle, MachineId},
};

const TERM_GRACE: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_millis(50);
const LOG_TAIL: usize = 1_000;
/// What an agent inherits; everything else, with what secrets it may hold, stays here.
const INHERITED: [&str; 9] = [
    "PATH",
    "HOME",
    "LANG",
    "TMPDIR",
    "TZ",
    "COPPICE_LOG",
    "COPPICE_MOCK",
    "COPPICE_MOCK_EXTRA",
    "RUST_BACKTRACE",
];

#[derive(Debug)]
pub struct Local {
    config: LocalConfig,
    agent_url: String,
    /// How processes of this run ended.
    ended: Arc<Mutex<HashMap<MachineId, ExitStatus>>>,
    /// Told when one of them ends.
    some_ended: Arc<Notify>,
}

impl Local {
    pub fn open(config: LocalConfig, agent_url: String) -> io::Result<Self> {
        fs::create_dir_all(config.work_dir.join("machines"))?;
        fs::create_dir_all(config.work_dir.join("logs"))?;
        fs::create_dir_all(config.cache_dir())?;
        Ok(Self { config, agent_url, ended: Arc::default(), some_ended: Arc::default() })
    }

    pub fn some_ended(&self) -> Arc<Notify> {
        Arc::clone(&self.some_ended)
    }

    fn dir(&self, machine: &MachineId) -> PathBuf {
        self.config.work_dir.join("machines").join(&machine.0)
    }

    fn log(&self, machine: &MachineId) -> PathBuf {
        self.config.work_dir.join("logs").join(format!("{machine}.log"))
    }

    fn command(&self, machine: &MachineId, ticket: &str, log: &File) -> Result<Command, ProviderError> {
        let (program, rest) = self.config.command.split_first().ok_or_else(|| ProviderError::Start {
            program: "an agent (local.command is empty)".into(),
            source: io::ErrorKind::InvalidInput.into(),
        })?;
        let mut command = Command::new(program);
        command.args(rest).args(["--backend", &self.agent_url]);
        command.arg("--work-dir").arg(self.dir(machine)).arg("--cache-dir").arg(self.config.cache_dir());
        command.env_clear().envs(INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command.env("COPPICE_TICKET", ticket);
        let output = || log.try_clone().map(Stdio::from).map_err(ProviderError::Folder);
        command.stdin(Stdio::null()).stdout(output()?).stderr(output()?).process_group(0);
        Ok(command)
    }

    fn log_tail(&self, machine: &MachineId) -> String {
        let text = fs::read(self.log(machine)).unwrap_or_default();
        let start = text.len().saturating_sub(LOG_TAIL);
        String::from_utf8_lossy(&text[start..]).trim().to_owned()
    }
}

impl Provider for Local {
    const POOL: &'static str = "local";

    async fn start(&self, machine: &MachineId, ticket: &str) -> Result<Handle, ProviderError> {
        fs::create_dir_all(self.dir(machine)).map_err(ProviderError::Folder)?;
        let log = OpenOptions::new().create(true).append(true).open(self.log(machine));
        let mut command = self.command(machine, ticket, &log.map_err(ProviderError::Folder)?)?;
        let program = command.as_std().get_program().to_string_lossy().into_owned();
        let mut child = command.spawn().map_err(|source| ProviderError::Start { program, source })?;
        let process = child.id().and_then(Process::of);
        let (ended, some_ended, id) =
            (Arc::clone(&self.ended), Arc::clone(&self.some_ended), machine.clone());
        tokio::spawn(async move {
            if let Ok(status) = child.wait().await {
                ended.lock().unwrap_or_else(PoisonError::into_inner).insert(id, status);
            }
            some_ended.notify_one();
        });
        process.map(Process::handle).ok_or(ProviderError::EndedAtOnce)
    }

    fn life(&self, machine: &MachineId, handle: &Handle) -> Life {
        if Process::parse(handle).is_some_and(Process::is_alive) {
            return Life::Alive;
        }
        let status = self.ended.lock().unwrap_or_else(PoisonError::into_inner).get(machine).copied();
        match status {
            Some(status) if status.success() => Life::Ended(status.to_string()),
            Some(status) => Life::Ended(format!("{status}; it said: {}", self.log_tail(machine))),
            None => Life::Ended("it was gone".into()),
        }
    }

    async fn end(&self, _machine: &MachineId, handle: &Handle) {
        let Some(process) = Process::parse(handle) else { return };
        process.signal_group(Signal::SIGTERM);
        let ended = async {
            while process.is_alive() {
                tokio::time::sleep(POLL).await;
            }
        };
        if tokio::time::timeout(TERM_GRACE, ended).await.is_err() {
            process.signal_group(Signal::SIGKILL);
        }
    }

    async fn clean(&self, machine: &MachineId, well: bool) {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).remove(machine);
        let (dir, log) = (self.dir(machine), self.log(machine));
        let removed = tokio::task::spawn_blocking(move || {
            if well {
                coppice_runtime::files::remove_all(&log)?;
            }
            coppice_runtime::files::remove_all(&dir)
        });
        // Builds run as other users, so what a killed agent left may be out of our reach.
        if let Err(error) = removed.await.map_err(io::Error::other).flatten() {
            tracing::warn!(%machine, %error, "could not remove what a machine left");
        }
    }
}
