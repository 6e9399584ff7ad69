//! New tasks: into the queue, unless they are known already.

use std::io;

use coppice_model::{
    agent::Job,
    messages::{Progress, Report},
    state::Stage,
};

use super::{Dispatch, Ending, Inner};
use crate::{
    job::{self, AttemptKey},
    leases::Phase,
    outcomes::Outcome,
    queue::Queued,
    reporter::Stopping,
};

#[derive(Debug, thiserror::Error)]
pub enum TakeError {
    #[error("putting a task into the queue: {0}")]
    Disk(#[from] io::Error),
    #[error(transparent)]
    Stopping(#[from] Stopping),
}

/// What is known of a task that came.
enum Known {
    Canceled,
    /// It ended; the frontend is told again.
    Ended(Outcome),
    /// A builder has it; the reports so far are repeated.
    Running {
        builder: String,
        started: bool,
    },
    /// It ended and that is about to be reported, or a newer attempt is known.
    Old,
    /// It is queued now. An older attempt that still runs has to end.
    Queued {
        older: Option<AttemptKey>,
    },
}

impl Dispatch {
    /// Takes a task over for good: when this returns, a restart or a flushed Redis does not lose it.
    pub async fn take(&self, job: Job) -> Result<(), TakeError> {
        let key = AttemptKey::of(&job);
        match self.place(job)? {
            Known::Queued { older } => {
                if let Some(older) = older {
                    self.end(&older, Ending::Lost("a newer attempt was started".into()));
                }
                self.wake_machines();
                self.sync(&key).await?;
            }
            Known::Ended(outcome) => self.repeat(&outcome).await?,
            Known::Running { builder, started } => {
                self.progress(&key, Progress::Taken { builder });
                if started {
                    self.stage(&key, Stage::Building);
                }
            }
            Known::Canceled | Known::Old => {}
        }
        Ok(())
    }

    fn place(&self, job: Job) -> io::Result<Known> {
        let key = AttemptKey::of(&job);
        if self.parts.outcomes.canceled().contains(&job::context(&job).build.to_string()) {
            return Ok(Known::Canceled);
        }
        let mut inner = self.lock();
        // An attempt leaves the leases only after its outcome was written, so it is found in one of them.
        if let Some(known) = inner.known_lease(&key) {
            return Ok(known);
        }
        if let Some(outcome) = self.parts.outcomes.attempts().get(&key.to_string())? {
            return Ok(Known::Ended(outcome));
        }
        let older = inner.leases.of_task(&key.task).map(|(older, _)| older.clone());
        inner.queue.add(&Queued { job, since: self.now() })?;
        Ok(Known::Queued { older })
    }

    async fn sync(&self, key: &AttemptKey) -> io::Result<()> {
        let shelf = self.lock().queue.shelf();
        let name = key.to_string();
        tokio::task::spawn_blocking(move || shelf.sync(&name)).await?
    }

    async fn repeat(&self, outcome: &Outcome) -> Result<(), Stopping> {
        match outcome.report() {
            Some(report) => self.parts.reporter.send(report).await,
            None => Ok(()),
        }
    }

    pub(crate) async fn report(&self, report: Report) -> Result<(), Stopping> {
        self.parts.reporter.send(report).await
    }
}

impl Inner {
    fn known_lease(&self, key: &AttemptKey) -> Option<Known> {
        let (known, lease) = self.leases.of_task(&key.task)?;
        if known.attempt > key.attempt || (known == key && lease.phase == Phase::Ended) {
            return Some(Known::Old);
        }
        let builder = lease.record.machine.to_string();
        (known == key).then_some(Known::Running { builder, started: lease.record.started })
    }
}
