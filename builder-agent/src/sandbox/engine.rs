//! Starting sandboxes: new namespaces, ids mapped from outside, this program anew inside.

use std::{
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::Command,
};

use super::{
    Entry,
    ids::IdMap,
    step::{Ending, Step, Visit},
};
use crate::{
    command::{self, Running},
    control::Control,
    ended::{Ended, OrBroken},
    log::Output,
    options::{OwnProgram, Settings},
};

/// What the inside says when its namespaces are there.
pub const READY: u8 = 1;
/// What it is told when its ids are mapped.
pub const MAPPED: u8 = b'm';
const START_TIME: Duration = Duration::from_secs(20);

#[derive(Debug)]
pub struct Engine {
    own: OwnProgram,
    ids: IdMap,
    bwrap: Option<PathBuf>,
    /// For notes of how visits ended.
    notes: PathBuf,
    count: AtomicU32,
}

impl Engine {
    pub fn new(settings: &Settings, notes: &Path) -> Self {
        let (own, bwrap) = (settings.own.clone(), settings.bwrap.clone());
        Self { own, ids: IdMap::find(), bwrap, notes: notes.to_owned(), count: AtomicU32::new(0) }
    }

    /// Carries one step out. Limits and a stop from outside end everything inside.
    pub async fn visit(&self, step: Step, output: &mut Output, control: &Control) -> Result<Ending, Ended> {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let note = self.notes.join(format!(".ending-{}-{number}.json", std::process::id()));
        let network = step.network;
        let (has_ids, bwrap) = (self.ids.has_others(), self.bwrap.clone());
        let visit = Visit { step, ending: note, has_ids, bwrap };
        let mut running = self.start(network).or_broken("starting a sandbox")?;
        let prepared = tokio::time::timeout(START_TIME, self.introduce(&mut running, &visit)).await;
        prepared.or_broken("starting a sandbox")?.or_broken("starting a sandbox")?;
        command::finish(running, output, control).await?;
        Ok(ending(&visit, output))
    }

    fn start(&self, network: bool) -> io::Result<Running> {
        let mut command = Command::new("unshare");
        command.args(["--user", "--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child=KILL"]);
        if !network {
            command.arg("--net");
        }
        command.arg("--").arg(&self.own.path).args(&self.own.prefix).arg(Entry::Unmapped.argument());
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.stdin(std::process::Stdio::piped());
        command::start(&mut command)
    }

    async fn introduce(&self, running: &mut Running, visit: &Visit) -> io::Result<()> {
        let mut first = [0; 1];
        if running.output.read_exact(&mut first).await.is_err() || first != [READY] {
            let mut words = first.to_vec();
            running.output.read_to_end(&mut words).await?;
            let words = String::from_utf8_lossy(&words).into_owned();
            return Err(io::Error::other(format!("this host does not allow user namespaces: {words}")));
        }
        let process = running.child.id().ok_or_else(|| io::Error::other("it ended at once"))?;
        self.ids.apply(process).await?;
        let mut told = running.child.stdin.take().ok_or_else(|| io::Error::other("it takes no orders"))?;
        let mut line = vec![MAPPED];
        serde_json::to_writer(&mut line, visit)?;
        line.push(b'\n');
        told.write_all(&line).await?;
        running.told = Some(told);
        Ok(())
    }
}

fn ending(visit: &Visit, output: &Output) -> Ending {
    let note = std::fs::read(&visit.ending).unwrap_or_default();
    if let Err(error) = std::fs::remove_file(&visit.ending) {
        tracing::debug!("removing the note of a sandbox: {error}");
    }
    let tail = output.tail();
    let last = tail.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    match serde_json::from_slice(&note) {
        Ok(Ending::Fault(fault)) if last.starts_with("bwrap: ") => Ending::Fault(format!("{fault}: {last}")),
        Ok(ending) => ending,
        Err(_) => Ending::Fault(format!("the sandbox was killed from outside: {last}")),
    }
}
