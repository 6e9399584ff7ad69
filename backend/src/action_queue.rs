//! Actions on repositories that no build asked for: kept on disk until they are done and reported. Those of
//! one project run one after another, in the order of their numbers.

use std::{
    collections::{BTreeMap, HashSet},
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use coppice_model::{
    ActionId, ProjectRef,
    messages::{ActionDone, BackendTask, Report},
};
use coppice_runtime::{Clock, Stop};
use serde::{Deserialize, Serialize};
use tokio::{sync::Notify, task::JoinSet, time::Instant};

use crate::{
    actions::{self, Brought},
    outcomes::Outcomes,
    reporter::{Reporter, Stopping},
    results::{IngestError, Results},
    shelf::Shelf,
};

const RETRY_FIRST: Duration = Duration::from_secs(1);
const RETRY_MOST: Duration = Duration::from_secs(60);
/// From this pause on a delay is no passing one.
const SERIOUS: Duration = Duration::from_secs(15);
const STOP_GRACE: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Kept {
    action: ActionId,
    task: BackendTask,
}

struct Waiting {
    kept: Kept,
    project: ProjectRef,
    not_before: Instant,
    pause: Duration,
}

#[derive(Default)]
struct Inner {
    waiting: BTreeMap<ActionId, Waiting>,
    running: HashSet<ActionId>,
    busy: HashSet<ProjectRef>,
}

pub struct ActionQueue {
    shelf: Shelf<Kept>,
    outcomes: Outcomes,
    results: Results,
    reporter: Reporter,
    clock: Clock,
    inner: Mutex<Inner>,
    wake: Notify,
}

impl ActionQueue {
    pub fn open(
        state_dir: &std::path::Path,
        outcomes: Outcomes,
        results: Results,
        reporter: Reporter,
        clock: Clock,
    ) -> io::Result<Arc<Self>> {
        let shelf = Shelf::open(state_dir.join("actions"))?;
        let mut inner = Inner::default();
        for kept in shelf.load()? {
            inner.add(kept);
        }
        let wake = Notify::new();
        Ok(Arc::new(Self { shelf, outcomes, results, reporter, clock, inner: Mutex::new(inner), wake }))
    }

    /// Takes an action over for good; one that is done is reported again.
    pub async fn take(&self, task: BackendTask) -> Result<(), crate::dispatch::TakeError> {
        let Some((action, _)) = subject(&task) else { return Ok(()) };
        if let Some(done) = self.outcomes.actions().get(&action.to_string())? {
            self.reporter.send(Report::ActionDoneV1(done)).await?;
            return Ok(());
        }
        if self.lock().knows(action) {
            return Ok(());
        }
        let kept = Kept { action, task };
        let (shelf, copy) = (self.shelf.clone(), kept.clone());
        let written = tokio::task::spawn_blocking(move || shelf.put_durable(&action.to_string(), &copy));
        written.await.map_err(io::Error::other)??;
        self.lock().add(kept);
        self.wake.notify_one();
        Ok(())
    }

    /// Works on at most `at_once` actions, each of another project.
    pub async fn run(self: Arc<Self>, at_once: usize, stop: Stop) {
        let mut running = JoinSet::new();
        loop {
            while running.len() < at_once.max(1) {
                let Some(waiting) = self.lock().next() else { break };
                running.spawn(Arc::clone(&self).work(waiting));
            }
            let due = self.lock().next_due();
            tokio::select! {
                () = self.wake.notified() => {}
                Some(_) = running.join_next() => {}
                () = sleep_until(due) => {}
                () = stop.wait() => break,
            }
        }
        let rest = async { while running.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_GRACE, rest).await.is_err() {
            tracing::info!("some actions are done after the next start");
        }
    }

    async fn work(self: Arc<Self>, mut waiting: Waiting) {
        let action = waiting.kept.action;
        let handled = actions::handle(&self.results, &waiting.kept.task).await;
        let again = match handled {
            Ok(brought) => self.done(action, Ok(brought)).await.err(),
            Err(IngestError::Refused(reason)) => self.done(action, Err(reason)).await.err(),
            Err(IngestError::Unavailable(reason)) => Some(reason),
        };
        let mut inner = self.lock();
        inner.busy.remove(&waiting.project);
        inner.running.remove(&action);
        if let Some(reason) = again {
            // A restarting service is there in a moment; what lasts is somebody's work.
            if waiting.pause < SERIOUS {
                tracing::info!(%action, reason, "could not do an action yet; trying again");
            } else {
                tracing::error!(%action, reason, "could not do an action; trying again");
            }
            waiting.not_before = Instant::now() + waiting.pause;
            waiting.pause = (waiting.pause * 2).min(RETRY_MOST);
            inner.waiting.insert(action, waiting);
        }
        drop(inner);
        self.wake.notify_one();
    }

    async fn done(&self, action: ActionId, ended: Result<Brought, String>) -> Result<(), String> {
        let (Brought { key, taken }, error) = match ended {
            Ok(brought) => (brought, None),
            Err(error) => (Brought::default(), Some(error)),
        };
        let key_expires_on = key.as_ref().and_then(|key| key.expires_on);
        let fingerprint = key.map(|key| key.fingerprint);
        let done = ActionDone {
            action,
            error,
            fingerprint,
            key_expires_on,
            taken: taken.map(Box::new),
            at: self.clock.now(),
        };
        let name = action.to_string();
        self.outcomes.actions().put_durable(&name, &done).map_err(|e| e.to_string())?;
        let reported = self.reporter.send(Report::ActionDoneV1(done)).await;
        reported.map_err(|stopping: Stopping| stopping.to_string())?;
        self.shelf.remove(&name).map_err(|e| e.to_string())
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn add(&mut self, kept: Kept) {
        let Some((action, project)) = subject(&kept.task) else { return };
        let waiting =
            Waiting { project: project.clone(), kept, not_before: Instant::now(), pause: RETRY_FIRST };
        self.waiting.entry(action).or_insert(waiting);
    }

    fn knows(&self, action: ActionId) -> bool {
        self.waiting.contains_key(&action) || self.running.contains(&action)
    }

    fn next(&mut self) -> Option<Waiting> {
        let now = Instant::now();
        let ready = |waiting: &&Waiting| waiting.not_before <= now && !self.busy.contains(&waiting.project);
        let action = self.waiting.values().find(ready)?.kept.action;
        let waiting = self.waiting.remove(&action)?;
        self.busy.insert(waiting.project.clone());
        self.running.insert(action);
        Some(waiting)
    }

    fn next_due(&self) -> Option<Instant> {
        self.waiting.values().filter(|w| !self.busy.contains(&w.project)).map(|w| w.not_before).min()
    }
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        // A due action waits for a free slot; the end of another one wakes us.
        Some(due) if due > Instant::now() => tokio::time::sleep_until(due).await,
        _ => std::future::pending().await,
    }
}

fn subject(task: &BackendTask) -> Option<(ActionId, &ProjectRef)> {
    match task {
        BackendTask::PublishV1(publish) => Some((publish.action, &publish.project)),
        BackendTask::DeleteBuildsV1(delete) => Some((delete.action, &delete.project)),
        BackendTask::DeleteProjectV1(delete) => Some((delete.action, &delete.project)),
        BackendTask::RollBackV1(back) => Some((back.action, &back.project)),
        BackendTask::RotateKeyV1(rotate) => Some((rotate.action, &rotate.project)),
        BackendTask::ForkV1(fork) => Some((fork.action, &fork.project)),
        BackendTask::TakePackageV1(take) => Some((take.action, &take.project)),
        BackendTask::SourceBuildV1(_) | BackendTask::RpmBuildV1(_) | BackendTask::CancelV1 { .. } => None,
    }
}
