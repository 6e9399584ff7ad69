//! A canceled build: out of the queue, and its builders are told to stop.

use std::io;

use coppice_model::{BuildId, UnixTime};

use super::Dispatch;
use crate::{
    job::AttemptKey,
    leases::{Leases, Phase},
};

impl Dispatch {
    /// Remembered for good: tasks of the build that come late are not built.
    pub fn cancel(&self, build: BuildId) -> io::Result<()> {
        let now = self.now();
        self.parts.outcomes.canceled().put_durable(&build.to_string(), &now)?;
        let mut inner = self.lock();
        inner.queue.remove_build(build)?;
        let running: Vec<AttemptKey> = inner
            .leases
            .iter()
            .filter(|(key, lease)| key.task.build() == build && lease.phase != Phase::Ended)
            .map(|(key, _)| key.clone())
            .collect();
        running.iter().try_for_each(|key| mark(&mut inner.leases, key, now))?;
        Ok(())
    }
}

fn mark(leases: &mut Leases, key: &AttemptKey, now: UnixTime) -> io::Result<()> {
    let Some(lease) = leases.get_mut(key) else { return Ok(()) };
    if lease.record.cancel_at.is_none() {
        tracing::info!(task = %key.task, attempt = %key.attempt, "told a builder to cancel");
        lease.record.cancel_at = Some(now);
        lease.place.write(&lease.record)?;
    }
    Ok(())
}
