//! What became of an ended attempt: results are published or logs kept, the outcome is written down, reported,
//! and only then the attempt forgotten. Killed after any step, the next start goes on with the next one.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use coppice_model::{
    agent::{AttemptOutcome, Finish, Job},
    messages::Progress,
    state::Stage,
    work::{Failure, FailureCause, TaskOutcome},
};
use coppice_runtime::Stop;
use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinSet,
};

use super::{Dispatch, Ending, live_log, staging::Staged};
use crate::{
    job::{self, AttemptKey},
    leases::{AttemptDir, AttemptRecord},
    outcomes::{Closed, Outcome},
    reporter::Stopping,
    results::IngestError,
};

const RETRY_FIRST: Duration = Duration::from_millis(250);
const RETRY_MOST: Duration = Duration::from_secs(60);
/// From this pause on a delay is no passing one.
const SERIOUS: Duration = Duration::from_secs(15);
/// What is under way at a stop may end within this time; the rest is taken up after the next start.
const STOP_GRACE: Duration = Duration::from_secs(10);
const MESSAGE_CHARS: usize = 500;

/// Why an attempt is not closed yet.
enum Later {
    Stopping,
    /// Our side could not; the attempt stays where it is.
    Unavailable(String),
}

impl From<Stopping> for Later {
    fn from(_: Stopping) -> Self {
        Self::Stopping
    }
}

impl From<std::io::Error> for Later {
    fn from(error: std::io::Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// An ended attempt on its way to its outcome.
struct Closing {
    dispatch: Arc<Dispatch>,
    key: AttemptKey,
    ending: Ending,
    record: AttemptRecord,
    place: AttemptDir,
    /// Of a build whose results are worked on.
    stage: Mutex<Stage>,
}

pub async fn run(
    dispatch: Arc<Dispatch>,
    mut endings: mpsc::UnboundedReceiver<(AttemptKey, Ending)>,
    stop: Stop,
) {
    let slots = Arc::new(Semaphore::new(dispatch.settings.ingests_at_once.max(1)));
    let mut running = JoinSet::new();
    loop {
        tokio::select! {
            Some((key, ending)) = endings.recv() => {
                if let Some(closing) = Closing::of(&dispatch, key, ending) {
                    running.spawn(closing.run(Arc::clone(&slots), stop.clone()));
                }
            }
            Some(ended) = running.join_next() => note(ended),
            () = stop.wait() => break,
        }
    }
    let rest = async { while running.join_next().await.map(note).is_some() {} };
    if tokio::time::timeout(STOP_GRACE, rest).await.is_err() {
        tracing::info!("some results are finished after the next start");
    }
}

fn note(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "closing an attempt broke; it is taken up after the next start");
    }
}

impl Closing {
    fn of(dispatch: &Arc<Dispatch>, key: AttemptKey, ending: Ending) -> Option<Self> {
        let inner = dispatch.lock();
        let lease = inner.leases.get(&key)?;
        let (record, place) = (lease.record.clone(), lease.place.clone());
        let stage = Mutex::new(Stage::Signing);
        Some(Self { dispatch: Arc::clone(dispatch), key, ending, record, place, stage })
    }

    async fn run(self, slots: Arc<Semaphore>, stop: Stop) {
        let mut pause = RETRY_FIRST;
        let mut told = String::new();
        loop {
            let Ok(slot) = slots.acquire().await else { return };
            match self.close().await {
                Ok(()) | Err(Later::Stopping) => return,
                Err(Later::Unavailable(reason)) => {
                    self.log_later(&reason, pause);
                    if reason != told && pause > RETRY_FIRST {
                        self.tell_why(&reason);
                        told = reason;
                    }
                }
            }
            drop(slot);
            if !stop.sleep(pause).await {
                return;
            }
            pause = (pause * 2).min(RETRY_MOST);
        }
    }

    /// A new project's key or a restarting service is there in a moment; what lasts is somebody's work.
    fn log_later(&self, reason: &str, pause: Duration) {
        let (task, attempt) = (&self.key.task, &self.key.attempt);
        if pause < SERIOUS {
            tracing::info!(%task, %attempt, reason, "could not close an attempt yet; trying again");
        } else {
            tracing::error!(%task, %attempt, reason, "could not close an attempt; trying again");
        }
    }

    /// The user sees where the build stands still; what passes within moments is not worth a word.
    fn tell_why(&self, reason: &str) {
        if matches!(self.record.job, Job::Rpm(_)) {
            let stage = *self.stage.lock().unwrap_or_else(PoisonError::into_inner);
            let reason = one_line(reason);
            self.dispatch.progress(&self.key, Progress::Delayed { stage, reason });
        }
    }

    async fn close(&self) -> Result<(), Later> {
        let outcome = match self.known()? {
            Some(outcome) => outcome,
            None => self.conclude().await?,
        };
        if let Some(report) = outcome.report() {
            self.dispatch.report(report).await?;
        }
        self.place.remove()?;
        self.dispatch.lock().leases.remove(&self.key);
        self.dispatch.parts.counts.closed(word(&outcome.closed));
        self.dispatch.wake_machines();
        Ok(())
    }

    fn known(&self) -> Result<Option<Outcome>, Later> {
        Ok(self.dispatch.parts.outcomes.attempts().get(&self.key.to_string())?)
    }

    async fn conclude(&self) -> Result<Outcome, Later> {
        // Whoever still appends to the log is waited for; nobody begins anew, since the attempt has ended.
        let log = self.dispatch.lock().leases.get(&self.key).map(|lease| Arc::clone(&lease.log));
        let _log = match &log {
            Some(log) => Some(log.lock().await),
            None => None,
        };
        let closed = self.closed().await?;
        let outcome = Outcome { attempt: self.key.clone(), closed, at: self.dispatch.now() };
        let (outcomes, kept) = (self.dispatch.parts.outcomes.attempts().clone(), outcome.clone());
        let name = self.key.to_string();
        let written = tokio::task::spawn_blocking(move || outcomes.put_durable(&name, &kept)).await;
        written.map_err(std::io::Error::other)??;
        tracing::info!(
            task = %self.key.task, attempt = %self.key.attempt, how = word(&outcome.closed), "closed an attempt"
        );
        Ok(outcome)
    }

    async fn closed(&self) -> Result<Closed, Later> {
        match &self.ending {
            Ending::Lost(reason) => self.lost(reason.clone()).await,
            Ending::Canceled => self.canceled(&self.unfinished(AttemptOutcome::Canceled)).await,
            Ending::TimedOut => {
                let limit_s = job::limits(&self.record.job).timeout_s;
                let message = format!("the build did not end within {limit_s} s");
                let outcome = AttemptOutcome::Failed { cause: FailureCause::Timeout, message };
                self.finished(self.unfinished(outcome)).await
            }
            Ending::Finished => {
                let gone = || Later::Unavailable("the finish is gone from the staging folder".into());
                let finish = self.place.read_finish()?.ok_or_else(gone)?;
                self.finished(self.staged(finish)).await
            }
        }
    }

    async fn finished(&self, staged: Staged) -> Result<Closed, Later> {
        if self.is_canceled() {
            return self.canceled(&staged).await;
        }
        match &staged.finish.outcome {
            AttemptOutcome::Succeeded => match self.keep_results(&staged).await {
                Ok(outcome) => Ok(Closed::Finished(outcome)),
                Err(IngestError::Unavailable(reason)) => Err(Later::Unavailable(reason)),
                Err(IngestError::Refused(reason)) => {
                    tracing::warn!(task = %self.key.task, reason, "refused a builder's results");
                    self.failed(&staged, FailureCause::ResultRefused, &reason).await
                }
            },
            AttemptOutcome::Failed { cause, message } => self.failed(&staged, *cause, message).await,
            AttemptOutcome::Canceled => self.canceled(&staged).await,
            AttemptOutcome::Broken { message } => {
                self.lost(format!("{} could not build: {}", self.record.machine, one_line(message))).await
            }
        }
    }

    async fn keep_results(&self, staged: &Staged) -> Result<TaskOutcome, IngestError> {
        let results = &self.dispatch.parts.results;
        match &self.record.job {
            Job::Source(work) => {
                let srpm_url = results.keep_source(work, staged).await?;
                Ok(TaskOutcome::SourceMade { srpm_url })
            }
            Job::Rpm(work) => {
                let on_stage = |stage| {
                    *self.stage.lock().unwrap_or_else(PoisonError::into_inner) = stage;
                    self.dispatch.stage(&self.key, stage);
                };
                let packages = results.ingest(work, staged, &on_stage).await?;
                Ok(TaskOutcome::Published { packages })
            }
        }
    }

    async fn failed(&self, staged: &Staged, cause: FailureCause, message: &str) -> Result<Closed, Later> {
        self.keep_logs(staged).await?;
        let failure = Failure { cause, message: one_line(message) };
        Ok(Closed::Finished(TaskOutcome::Failed(failure)))
    }

    async fn canceled(&self, staged: &Staged) -> Result<Closed, Later> {
        self.keep_logs(staged).await?;
        Ok(Closed::Canceled)
    }

    async fn keep_logs(&self, staged: &Staged) -> Result<(), Later> {
        let results = &self.dispatch.parts.results;
        let kept = match &self.record.job {
            Job::Source(work) => results.keep_failed_source(work, staged).await,
            Job::Rpm(work) => results.keep_failed(work, staged).await,
        };
        match kept {
            Ok(()) => Ok(()),
            Err(IngestError::Unavailable(reason)) => Err(Later::Unavailable(reason)),
            Err(IngestError::Refused(reason)) => {
                tracing::warn!(task = %self.key.task, reason, "did not keep a failed attempt's files");
                Ok(())
            }
        }
    }

    /// Another attempt follows and writes its own log; this one's stays beside it.
    async fn lost(&self, reason: String) -> Result<Closed, Later> {
        let live = self.dispatch.parts.results.live_log(&self.record.job);
        let attempt = self.key.attempt;
        let kept = tokio::task::spawn_blocking(move || live_log::archive(&live, attempt)).await;
        kept.map_err(std::io::Error::other)??;
        Ok(Closed::Lost(reason))
    }

    fn is_canceled(&self) -> bool {
        let build = self.key.task.build().to_string();
        self.record.cancel_at.is_some() || self.dispatch.parts.outcomes.canceled().contains(&build)
    }

    /// What a builder that never finished has sent.
    fn unfinished(&self, outcome: AttemptOutcome) -> Staged {
        let files = self.record.sent.values().cloned().collect();
        self.staged(Finish { outcome, files, buildroot: Vec::new() })
    }

    fn staged(&self, finish: Finish) -> Staged {
        Staged { dir: self.place.files(), finish, received: self.record.received.clone() }
    }
}

fn word(closed: &Closed) -> &'static str {
    match closed {
        Closed::Finished(TaskOutcome::Failed(_)) => "failed",
        Closed::Finished(_) => "succeeded",
        Closed::Lost(_) => "lost",
        Closed::Canceled => "canceled",
    }
}

/// A builder's words for a page: one line, bounded.
fn one_line(message: &str) -> String {
    let spaced = message.chars().map(|c| if c.is_control() { ' ' } else { c });
    spaced.take(MESSAGE_CHARS).collect::<String>().trim().to_owned()
}
