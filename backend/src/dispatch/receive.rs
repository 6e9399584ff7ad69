//! What a builder says of its attempt: its log and its finish.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::Arc,
};

use coppice_model::{
    agent::{AttemptOutcome, Finish, LogAnswer},
    result_file::ResultFileName,
    state::Stage,
    work::TaskId,
};
use coppice_runtime::secret::hash_token;

use super::{Dispatch, Ending, Inner, Refused, live_log::Append};
use crate::{
    job::AttemptKey,
    leases::{AttemptRecord, Lease, Phase},
};

/// More than any distribution's buildroot.
const MOST_PACKAGES: usize = 50_000;

impl Dispatch {
    /// The attempt that the token guards, if it still runs.
    pub fn authorise(&self, task: &TaskId, token: &str) -> Result<AttemptKey, Refused> {
        let hash = hash_token(token);
        let inner = self.lock();
        match inner.leases.by_token(task, &hash) {
            Some(key) => inner.running(key).map(|_| key.clone()),
            None if inner.old_tokens.contains(&hash) => Err(Refused::Over),
            None => Err(Refused::Token("this task token is not valid")),
        }
    }

    /// Whether the token ever guarded an attempt that is not closed yet; a repeat of its finish is still answered.
    pub fn ensure_known(&self, task: &TaskId, token: &str) -> Result<(), Refused> {
        let known = self.lock().leases.by_token(task, &hash_token(token)).is_some();
        if known { Ok(()) } else { self.authorise(task, token).map(drop) }
    }

    /// Bytes of the log that begin at `offset`; `false` when bytes before them are missing.
    pub async fn append_log(&self, key: &AttemptKey, offset: u64, bytes: &[u8]) -> Result<bool, Refused> {
        let log = self.lock().running(key)?.log.clone();
        let mut log = log.lock().await;
        // Whoever ends the attempt takes the log only after this one is done with it.
        self.heard_from(key)?;
        Ok(log.append(offset, bytes)? == Append::Taken)
    }

    pub async fn log_answer(&self, key: &AttemptKey) -> Result<LogAnswer, Refused> {
        let log = self.lock().running(key)?.log.clone();
        let length = log.lock().await.length();
        let cancel = self.lock().running(key)?.record.cancel_at.is_some();
        Ok(LogAnswer { length, cancel })
    }

    /// Extends the lease; the first word of a builder means that it builds.
    pub fn heard_from(&self, key: &AttemptKey) -> Result<(), Refused> {
        let until = self.lease_end();
        let mut inner = self.lock();
        let lease = inner.running_mut(key)?;
        lease.until = until;
        if !lease.record.started {
            lease.record.started = true;
            lease.place.write(&lease.record)?;
            drop(inner);
            self.stage(key, Stage::Building);
        }
        Ok(())
    }

    /// Writes the finish down; when this returns the results are ours. A repeat is answered like the first.
    pub async fn finish(self: Arc<Self>, task: &TaskId, token: &str, finish: Finish) -> Result<(), Refused> {
        let Some(key) = self.begin_finish(task, token, &finish)? else { return Ok(()) };
        // What has begun ends also when the builder hangs up and nobody waits any more.
        let written = tokio::spawn(async move { self.write_finish(&key, finish).await });
        written.await.map_err(io::Error::other)?
    }

    async fn write_finish(&self, key: &AttemptKey, finish: Finish) -> Result<(), Refused> {
        let (place, record) = {
            let inner = self.lock();
            let lease = inner.leases.get(key).ok_or(Refused::Over)?;
            (lease.place.clone(), lease.record.clone())
        };
        let written = tokio::task::spawn_blocking(move || place.write_finish(&record, &finish)).await;
        match written.map_err(io::Error::other).flatten() {
            Ok(()) => {
                self.end(key, Ending::Finished);
                Ok(())
            }
            Err(error) => {
                if let Some(lease) = self.lock().leases.get_mut(key) {
                    lease.phase = Phase::Running;
                }
                Err(error.into())
            }
        }
    }

    /// Checks the finish and lets nothing else in; `None` when it was written down before.
    fn begin_finish(
        &self,
        task: &TaskId,
        token: &str,
        finish: &Finish,
    ) -> Result<Option<AttemptKey>, Refused> {
        if self.was_finished(task, token, finish)? {
            return Ok(None);
        }
        let key = self.authorise(task, token)?;
        let mut inner = self.lock();
        let lease = inner.running_mut(&key)?;
        ensure_complete(&lease.record, finish)?;
        lease.phase = Phase::Finishing;
        Ok(Some(key))
    }

    fn was_finished(&self, task: &TaskId, token: &str, finish: &Finish) -> Result<bool, Refused> {
        let inner = self.lock();
        let Some(key) = inner.leases.by_token(task, &hash_token(token)) else { return Ok(false) };
        let ended = inner.leases.get(key).filter(|lease| lease.phase == Phase::Ended);
        match ended {
            Some(lease) => Ok(lease.place.read_finish()?.as_ref() == Some(finish)),
            None => Ok(false),
        }
    }
}

impl Inner {
    pub(super) fn running(&self, key: &AttemptKey) -> Result<&Lease, Refused> {
        self.leases.get(key).filter(|lease| lease.phase == Phase::Running).ok_or(Refused::Over)
    }

    pub(super) fn running_mut(&mut self, key: &AttemptKey) -> Result<&mut Lease, Refused> {
        self.leases.get_mut(key).filter(|lease| lease.phase == Phase::Running).ok_or(Refused::Over)
    }
}

fn ensure_complete(record: &AttemptRecord, finish: &Finish) -> Result<(), Refused> {
    let names: BTreeSet<&ResultFileName> = finish.files.iter().map(|file| &file.name).collect();
    if names.len() != finish.files.len() {
        return Err(Refused::Mismatch("the finish names a file twice".into()));
    }
    let declared: BTreeMap<_, _> = finish.files.iter().map(|file| (&file.name, file)).collect();
    if let Some(file) = declared.values().find(|file| record.sent.get(&file.name) != Some(**file)) {
        return Err(Refused::Mismatch(format!("{} was not sent as the finish declares it", file.name)));
    }
    if let Some(name) = record.sent.keys().find(|name| !declared.contains_key(name)) {
        return Err(Refused::Mismatch(format!("{name} was sent but the finish does not name it")));
    }
    if finish.buildroot.len() > MOST_PACKAGES {
        return Err(Refused::TooLarge(format!("more than {MOST_PACKAGES} packages in the buildroot")));
    }
    ensure_canceled_was_asked(record, finish)
}

fn ensure_canceled_was_asked(record: &AttemptRecord, finish: &Finish) -> Result<(), Refused> {
    if finish.outcome == AttemptOutcome::Canceled && record.cancel_at.is_none() {
        return Err(Refused::Mismatch("nobody asked to cancel this attempt".into()));
    }
    Ok(())
}
