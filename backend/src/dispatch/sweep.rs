//! What ends attempts and machines when nobody says anything.

use std::{io, time::Duration};

use coppice_model::{UnixTime, state::MachineState};
use coppice_runtime::Stop;

use super::{Dispatch, Ending};
use crate::{
    job::{self, AttemptKey},
    leases::{Lease, Phase},
    machines::MachineId,
};

const EVERY: Duration = Duration::from_millis(200);
const PRUNE_EVERY: Duration = Duration::from_secs(3_600);
/// Machines that an operator or a test starts; no provider looks after them.
pub(crate) const BY_HAND: &str = "hand";
const DAY_S: i64 = 86_400;

impl Dispatch {
    pub async fn run_sweep(&self, stop: Stop) {
        while stop.sleep(EVERY).await {
            for (key, ending) in self.overdue() {
                tracing::warn!(task = %key.task, attempt = %key.attempt, ?ending, "ended an attempt");
                self.end(&key, ending);
            }
            self.forget_machines();
            self.count();
        }
    }

    pub async fn run_prune(&self, stop: Stop) {
        loop {
            let kept_s = i64::from(self.settings.outcomes_kept_days) * DAY_S;
            match self.parts.outcomes.prune(self.now(), kept_s) {
                Ok(0) => {}
                Ok(gone) => tracing::info!(gone, "forgot old outcomes"),
                Err(error) => tracing::warn!(%error, "could not forget old outcomes"),
            }
            if !stop.sleep(PRUNE_EVERY).await {
                return;
            }
        }
    }

    /// The provider saw the machine end; what it was building is lost, unless it had finished.
    pub fn machine_ended(&self, id: &MachineId, reason: &str) -> io::Result<()> {
        let running = {
            let mut inner = self.lock();
            let running = inner.leases.of_machine(id);
            let running =
                running.filter(|(_, lease)| lease.phase == Phase::Running).map(|(key, _)| key.clone());
            inner.machines.remove(id)?;
            running
        };
        if let Some(key) = running {
            self.end(&key, Ending::Lost(format!("{id} ended: {reason}")));
        }
        Ok(())
    }

    fn overdue(&self) -> Vec<(AttemptKey, Ending)> {
        let now = self.now();
        let inner = self.lock();
        let running = inner.leases.iter().filter(|(_, lease)| lease.phase == Phase::Running);
        running.filter_map(|(key, lease)| Some((key.clone(), self.ending_of(lease, now)?))).collect()
    }

    fn ending_of(&self, lease: &Lease, now: UnixTime) -> Option<Ending> {
        let record = &lease.record;
        let silent = lease.until < now;
        if let Some(asked) = record.cancel_at {
            let patience_ends = asked.plus_seconds(self.settings.cancel_grace_s.into());
            return (silent || patience_ends < now).then_some(Ending::Canceled);
        }
        if silent {
            let reason = format!("no word from {} for {} s", record.machine, self.lease_s);
            return Some(Ending::Lost(reason));
        }
        let limit_s = i64::try_from(job::limits(&record.job).timeout_s).unwrap_or(i64::MAX);
        let latest = record.taken_at.plus_seconds(limit_s).plus_seconds(self.settings.timeout_grace_s.into());
        (latest < now).then_some(Ending::TimedOut)
    }

    /// Machines without a provider are forgotten when their time is over.
    fn forget_machines(&self) {
        let now = self.now();
        let mut inner = self.lock();
        for machine in inner.machines.of_pool(BY_HAND) {
            let never_came = machine.state == MachineState::Requested && machine.ticket_until < now;
            // The record stays for a while, so that a machine that still asks is told to go away.
            let gone = machine.end_at.is_some_and(|end_at| end_at.plus_seconds(3_600) < now);
            if (never_came || gone)
                && let Err(error) = inner.machines.remove(&machine.id)
            {
                tracing::warn!(machine = %machine.id, %error, "could not forget a machine");
            }
        }
    }

    fn count(&self) {
        let inner = self.lock();
        self.parts.counts.show(inner.queue.lengths(), inner.leases.running());
    }
}
