//! How attempts and actions ended, remembered on disk: a message that comes again is answered, not done again.

use std::{fs, io, time::UNIX_EPOCH};

use coppice_model::{
    UnixTime,
    messages::{ActionDone, Report},
    work::TaskOutcome,
};
use serde::{Deserialize, Serialize};

use crate::{job::AttemptKey, shelf::Shelf};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Closed {
    Finished(TaskOutcome),
    /// Not the package's fault; the frontend decides on another attempt.
    Lost(String),
    /// Nobody waits for news of it.
    Canceled,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    pub attempt: AttemptKey,
    pub closed: Closed,
    pub at: UnixTime,
}

impl Outcome {
    /// The news for the frontend; the same each time.
    pub fn report(&self) -> Option<Report> {
        let AttemptKey { task, attempt } = self.attempt.clone();
        let at = self.at;
        match self.closed.clone() {
            Closed::Finished(outcome) => Some(Report::FinishedV1 { task, attempt, outcome, at }),
            Closed::Lost(reason) => Some(Report::LostV1 { task, attempt, reason, at }),
            Closed::Canceled => None,
        }
    }
}

#[derive(Debug, Clone)]
pub struct Outcomes {
    attempts: Shelf<Outcome>,
    actions: Shelf<ActionDone>,
    /// Builds that were canceled; a task of theirs that comes late is not built.
    canceled: Shelf<UnixTime>,
}

impl Outcomes {
    pub fn open(state_dir: &std::path::Path) -> io::Result<Self> {
        Ok(Self {
            attempts: Shelf::open(state_dir.join("outcomes"))?,
            actions: Shelf::open(state_dir.join("actions-done"))?,
            canceled: Shelf::open(state_dir.join("canceled"))?,
        })
    }

    pub fn attempts(&self) -> &Shelf<Outcome> {
        &self.attempts
    }

    pub fn actions(&self) -> &Shelf<ActionDone> {
        &self.actions
    }

    pub fn canceled(&self) -> &Shelf<UnixTime> {
        &self.canceled
    }

    /// Forgets what is older than `kept_s` seconds; returns how many records went.
    pub fn prune(&self, now: UnixTime, kept_s: i64) -> io::Result<usize> {
        let oldest = now.plus_seconds(-kept_s);
        Ok(prune(&self.attempts, oldest)? + prune(&self.actions, oldest)? + prune(&self.canceled, oldest)?)
    }
}

fn prune<T: Serialize + serde::de::DeserializeOwned>(
    shelf: &Shelf<T>,
    oldest: UnixTime,
) -> io::Result<usize> {
    let mut gone = 0;
    for name in shelf.names()? {
        let written = fs::metadata(shelf.path(&name)).and_then(|meta| meta.modified());
        let age = written.ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        if age.is_some_and(|age| i64::try_from(age.as_secs()).is_ok_and(|secs| secs < oldest.0)) {
            shelf.remove(&name)?;
            gone += 1;
        }
    }
    Ok(gone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_outcomes_are_forgotten_and_young_ones_are_answered() {
        let dir = tempfile::tempdir().unwrap();
        let outcomes = Outcomes::open(dir.path()).unwrap();
        let attempt =
            AttemptKey { task: "7-fedora-43-x86_64".parse().unwrap(), attempt: coppice_model::Attempt(2) };
        let closed = Closed::Lost("no word".into());
        let outcome = Outcome { attempt, closed, at: UnixTime(5) };
        outcomes.attempts().put_durable(&outcome.attempt.to_string(), &outcome).unwrap();
        let clock = coppice_runtime::Clock::System;
        assert_eq!(outcomes.prune(clock.now(), 3_600).unwrap(), 0);
        let known = outcomes.attempts().get("7-fedora-43-x86_64.2").unwrap().unwrap();
        assert!(matches!(known.report(), Some(Report::LostV1 { at: UnixTime(5), .. })));
        assert_eq!(outcomes.prune(clock.now().plus_seconds(7_200), 3_600).unwrap(), 1);
        assert!(outcomes.attempts().get("7-fedora-43-x86_64.2").unwrap().is_none());
    }
}
