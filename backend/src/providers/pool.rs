//! Keeps a number of machines alive: starts, watches, takes down, and waits longer when they keep failing.

use std::{collections::HashSet, io, sync::Arc, time::Duration};

use coppice_model::state::MachineState;
use coppice_runtime::Stop;
use tokio::{sync::Notify, task::JoinSet, time::Instant};

use super::{Life, Provider};
use crate::{
    dispatch::Dispatch,
    machines::{Machine, MachineId},
};

const LOOK_EVERY: Duration = Duration::from_millis(250);
const PAUSE_FIRST: Duration = Duration::from_millis(200);
const PAUSE_MOST: Duration = Duration::from_secs(30);

pub struct Pool<P> {
    pub dispatch: Arc<Dispatch>,
    pub provider: Arc<P>,
    /// How many machines wait or build.
    pub size: usize,
    /// Whether building machines live on when the backend stops in order.
    pub keep_running: bool,
    /// Told when a machine ended.
    pub some_ended: Arc<Notify>,
}

/// What a pool remembers between two looks.
#[derive(Default)]
struct Watch {
    /// Machines that are being taken down.
    ending: HashSet<MachineId>,
    /// Machines in a row that ended before they took a task.
    failures: u32,
    not_before: Option<Instant>,
    tasks: JoinSet<()>,
}

impl<P: Provider> Pool<P> {
    pub async fn run(self, stop: Stop) {
        let mut watch = Watch::default();
        self.adopt(&mut watch);
        loop {
            let changed = self.dispatch.machines_changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if let Err(error) = self.look(&mut watch).await {
                tracing::error!(pool = P::POOL, %error, "could not look after the machines");
            }
            while watch.tasks.try_join_next().is_some() {}
            tokio::select! {
                () = stop.wait() => break,
                () = changed => {}
                () = self.some_ended.notified() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
        self.wind_up(&mut watch).await;
    }

    /// A copy: the lock is not held while we look at them.
    fn machines(&self) -> Vec<Machine> {
        self.dispatch.lock().machines.of_pool(P::POOL)
    }

    /// Machines of an earlier run: those that build go on, the others would never find us again.
    fn adopt(&self, watch: &mut Watch) {
        for machine in self.machines() {
            let builds = self.dispatch.lock().leases.of_machine(&machine.id).is_some();
            if builds && machine.state == MachineState::Busy {
                tracing::info!(machine = %machine.id, "goes on with its build");
            } else {
                self.take_down(&machine, watch);
            }
        }
    }

    async fn look(&self, watch: &mut Watch) -> io::Result<()> {
        let now = self.dispatch.now();
        for machine in self.machines() {
            let life = match &machine.handle {
                Some(handle) => self.provider.life(&machine.id, handle),
                None => Life::Ended("it was never started".into()),
            };
            if let Life::Ended(reason) = life {
                self.gone(&machine, &reason, watch)?;
                continue;
            }
            let never_came = machine.state == MachineState::Requested && machine.ticket_until < now;
            if never_came {
                tracing::warn!(machine = %machine.id, "did not enrol in time; taking it down");
                watch.failed();
            }
            if never_came || machine.end_at.is_some_and(|end_at| end_at <= now) {
                self.take_down(&machine, watch);
            }
        }
        self.fill(watch).await
    }

    /// Starts what is missing. Machines that are on their way out do not count.
    async fn fill(&self, watch: &mut Watch) -> io::Result<()> {
        if watch.not_before.is_some_and(|at| Instant::now() < at) {
            return Ok(());
        }
        let counts = |machine: &Machine| {
            matches!(machine.state, MachineState::Requested | MachineState::Ready | MachineState::Busy)
        };
        let there = self.machines().iter().filter(|machine| counts(machine)).count();
        for _ in there..self.size {
            if !self.start_one(watch).await? {
                break;
            }
        }
        Ok(())
    }

    /// The record is written before the machine is started: a machine that nobody knows has a ticket that
    /// opens nothing.
    async fn start_one(&self, watch: &mut Watch) -> io::Result<bool> {
        let (id, ticket) = self.dispatch.expect_machine(P::POOL)?;
        match self.provider.start(&id, &ticket).await {
            Ok(handle) => {
                self.dispatch.lock().machines.set_handle(&id, handle)?;
                Ok(true)
            }
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
                self.dispatch.lock().machines.remove(&id)?;
                self.provider.clean(&id, false).await;
                let pause_ms = watch.failed().as_millis();
                tracing::error!(pool = P::POOL, %error, cause, pause_ms, "could not start a machine");
                Ok(false)
            }
        }
    }

    fn gone(&self, machine: &Machine, reason: &str, watch: &mut Watch) -> io::Result<()> {
        let used = matches!(machine.state, MachineState::Busy | MachineState::Releasing);
        let asked = watch.ending.remove(&machine.id);
        if used {
            watch.failures = 0;
        } else if !asked {
            let pause_ms = watch.failed().as_millis();
            tracing::error!(machine = %machine.id, reason, pause_ms, "a machine ended before it took a task");
        }
        self.dispatch.machine_ended(&machine.id, reason)?;
        let (provider, id) = (Arc::clone(&self.provider), machine.id.clone());
        let well = asked || machine.state == MachineState::Releasing;
        watch.tasks.spawn(async move { provider.clean(&id, well).await });
        Ok(())
    }

    fn take_down(&self, machine: &Machine, watch: &mut Watch) {
        let now = self.dispatch.now();
        let noted = self.dispatch.lock().machines.release(&machine.id, now);
        if let Err(error) = noted {
            tracing::warn!(machine = %machine.id, %error, "could not note that a machine goes");
        }
        let Some(handle) = machine.handle.clone() else { return };
        if watch.ending.insert(machine.id.clone()) {
            let (provider, id) = (Arc::clone(&self.provider), machine.id.clone());
            watch.tasks.spawn(async move { provider.end(&id, &handle).await });
        }
    }

    /// The backend stops. What builds may live on; the next start finds it by its record.
    async fn wind_up(&self, watch: &mut Watch) {
        for machine in self.machines() {
            if machine.state == MachineState::Busy && self.keep_running {
                continue;
            }
            if let Some(handle) = machine.handle.clone() {
                let (provider, id) = (Arc::clone(&self.provider), machine.id.clone());
                watch.tasks.spawn(async move { provider.end(&id, &handle).await });
            }
        }
        while watch.tasks.join_next().await.is_some() {}
    }
}

impl Watch {
    /// Doubles the pause before the next start.
    fn failed(&mut self) -> Duration {
        let pause = PAUSE_FIRST.saturating_mul(2_u32.saturating_pow(self.failures.min(16))).min(PAUSE_MOST);
        self.failures = self.failures.saturating_add(1);
        self.not_before = Some(Instant::now() + pause);
        pause
    }
}
