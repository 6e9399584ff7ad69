//! From a queued task to a closed attempt. One lock guards queue, leases and machines; nothing waits under it.

mod assign;
mod cancel;
pub mod finisher;
pub mod intake;
pub mod live_log;
mod receive;
pub mod refused;
pub mod staging;
mod sweep;
mod take;
pub mod upload;

pub use refused::Refused;
pub(crate) use sweep::BY_HAND;
pub use take::TakeError;

use std::{
    collections::VecDeque,
    io,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use coppice_model::{
    BuildId, UnixTime,
    address::AllowList,
    agent::{Enroll, Enrolled},
    build_queue::WaitingTask,
    messages::{Progress, Report},
    state::Stage,
};
use coppice_runtime::{Clock, Stop};
use tokio::sync::{Notify, mpsc};

use crate::{
    config::{Config, DispatchConfig},
    counts::Counts,
    job::{self, AttemptKey},
    leases::{self, AttemptDir, AttemptRecord, Lease, Leases, Phase},
    machines::{BadTicket, Machines},
    outcomes::Outcomes,
    queue::{Around, Caps, Queue},
    reporter::Reporter,
    results::Results,
    shelf::Shelf,
};

/// Tokens of ended attempts that are remembered, to tell late news from a wrong token.
const OLD_TOKENS_KEPT: usize = 2_000;

/// How an attempt came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// Its finish lies on disk.
    Finished,
    Lost(String),
    Canceled,
    /// The builder went on far beyond the task's time limit.
    TimedOut,
}

/// What the dispatcher works with; made by the service.
pub struct Parts {
    pub clock: Clock,
    pub stop: Stop,
    pub reporter: Reporter,
    pub results: Results,
    pub outcomes: Outcomes,
    pub counts: Counts,
    pub endings: mpsc::UnboundedSender<(AttemptKey, Ending)>,
}

pub struct Dispatch {
    pub(crate) parts: Parts,
    pub(crate) settings: DispatchConfig,
    lease_s: u32,
    allow: AllowList,
    staging: PathBuf,
    /// Told whenever a waiting machine might get a task now.
    wake: Notify,
    /// Told whenever a machine came, went or is to go.
    pub(crate) machines_changed: Notify,
    inner: Mutex<Inner>,
}

pub(crate) struct Inner {
    pub(crate) queue: Queue,
    pub(crate) leases: Leases,
    pub(crate) machines: Machines,
    old_tokens: VecDeque<String>,
}

impl std::fmt::Debug for Dispatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Dispatch")
    }
}

impl Dispatch {
    /// Reads what an earlier run left and goes on with it.
    pub fn open(config: &Config, parts: Parts) -> io::Result<Arc<Self>> {
        let state = config.state_dir();
        let inner = Inner {
            queue: Queue::open(Shelf::open(state.join("queue"))?)?,
            leases: Leases::default(),
            machines: Machines::open(Shelf::open(state.join("machines"))?)?,
            old_tokens: VecDeque::new(),
        };
        let dispatch = Arc::new(Self {
            parts,
            settings: config.dispatch.clone(),
            lease_s: config.lease_s,
            allow: config.allow.clone(),
            staging: config.staging_dir(),
            wake: Notify::new(),
            machines_changed: Notify::new(),
            inner: Mutex::new(inner),
        });
        for (place, record) in leases::load(&dispatch.staging)? {
            dispatch.resume(place, record)?;
        }
        Ok(dispatch)
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> UnixTime {
        self.parts.clock.now()
    }

    pub(crate) fn caps(&self) -> Caps {
        Caps { per_sandbox: self.settings.per_sandbox, per_owner: self.settings.per_owner }
    }

    /// Makes a ticket for a machine of a provider, or for one that an operator starts by hand.
    pub fn expect_machine(&self, pool: &str) -> io::Result<(crate::machines::MachineId, String)> {
        let until = self.now().plus_seconds(self.settings.ticket_s.into());
        self.lock().machines.expect(pool, until)
    }

    pub fn enroll(&self, enroll: Enroll) -> Result<Enrolled, Refused> {
        let now = self.now();
        let arch = enroll.facts.arch.clone();
        match self.lock().machines.enroll(&enroll.ticket, enroll.facts, now)? {
            Ok((machine, session_token)) => {
                tracing::info!(%machine, arch, "a machine enrolled");
                self.machines_changed.notify_waiters();
                Ok(Enrolled { session_token })
            }
            Err(BadTicket::Used) => {
                tracing::warn!("a ticket was used a second time");
                Err(Refused::Token("this ticket was used already"))
            }
            Err(BadTicket::Unknown) => Err(Refused::Token("this ticket is not valid")),
        }
    }

    /// Ends an attempt: from now on its token opens nothing. The finisher works out what became of it.
    pub(crate) fn end(&self, key: &AttemptKey, ending: Ending) {
        let mut inner = self.lock();
        let Some(lease) = inner.leases.get_mut(key) else { return };
        if lease.phase == Phase::Ended {
            return;
        }
        lease.phase = Phase::Ended;
        let machine = lease.record.machine.clone();
        let token = lease.record.token_hash.clone();
        inner.remember_token(token);
        // A machine that finished cleans up and goes by itself; any other is taken down now.
        let grace = if ending == Ending::Finished { 60 } else { 0 };
        let end_at = self.now().plus_seconds(grace);
        if let Err(error) = inner.machines.release(&machine, end_at) {
            tracing::warn!(%machine, %error, "could not note that a machine goes");
        }
        drop(inner);
        self.send_ending(key.clone(), ending);
        self.wake.notify_waiters();
        self.machines_changed.notify_waiters();
    }

    /// Why the tasks of a build wait for a builder.
    pub fn waiting(&self, build: BuildId) -> io::Result<Vec<WaitingTask>> {
        let inner = self.lock();
        let (machines, some_come) = inner.machines.at_work();
        let around = Around {
            load: &inner.leases.load(),
            caps: self.caps(),
            machines: &machines,
            some_come,
            is_closing: &|task| inner.leases.of_task(task).is_some(),
        };
        inner.queue.explain(build, &around)
    }

    pub(crate) fn send_ending(&self, key: AttemptKey, ending: Ending) {
        if self.parts.endings.send((key, ending)).is_err() {
            tracing::debug!("the finisher has stopped; the attempt is taken up after the next start");
        }
    }

    pub(crate) fn progress(&self, key: &AttemptKey, progress: Progress) {
        let AttemptKey { task, attempt } = key.clone();
        self.parts.reporter.post(Report::ProgressV1 { task, attempt, progress, at: self.now() });
    }

    pub(crate) fn stage(&self, key: &AttemptKey, stage: Stage) {
        self.progress(key, Progress::Stage { stage });
    }

    /// Takes up one attempt of an earlier run: finished ones go on to be published, the others get a fresh lease.
    fn resume(&self, place: AttemptDir, record: AttemptRecord) -> io::Result<()> {
        let key = AttemptKey::of(&record.job);
        let done =
            place.read_finish()?.is_some() || self.parts.outcomes.attempts().contains(&key.to_string());
        let mut inner = self.lock();
        inner.queue.remove(&key.task)?;
        let lease = self.lease(place, record, done);
        inner.leases.insert(lease);
        drop(inner);
        if done {
            self.send_ending(key, Ending::Finished);
        }
        Ok(())
    }

    fn lease(&self, place: AttemptDir, record: AttemptRecord, done: bool) -> Lease {
        let path = self.parts.results.live_log(&record.job);
        let log = live_log::LiveLog::resume(path, job::limits(&record.job).log_bytes);
        Lease {
            until: self.lease_end(),
            phase: if done { Phase::Ended } else { Phase::Running },
            reserved_bytes: 0,
            log: Arc::new(tokio::sync::Mutex::new(log)),
            place,
            record,
        }
    }

    pub(crate) fn lease_end(&self) -> UnixTime {
        self.now().plus_seconds(self.lease_s.into())
    }

    pub(crate) fn wake_machines(&self) {
        self.wake.notify_waiters();
    }

    pub(crate) fn body_idle(&self) -> Duration {
        Duration::from_secs(self.settings.body_idle_s.into())
    }
}

impl Inner {
    fn remember_token(&mut self, hash: String) {
        self.old_tokens.push_back(hash);
        if self.old_tokens.len() > OLD_TOKENS_KEPT {
            self.old_tokens.pop_front();
        }
    }
}
