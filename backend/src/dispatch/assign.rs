//! A waiting machine gets the next task, milliseconds after there is one.

use std::{io, sync::Arc};

use coppice_model::{
    agent::{Assignment, Job},
    messages::Progress,
    state::{MachineEvent, MachineState},
};
use coppice_runtime::secret::{hash_token, random_token};

use super::{Dispatch, Inner, Refused, live_log::LiveLog};
use crate::{
    job::{self, AttemptKey},
    leases::{AttemptDir, AttemptRecord, Lease, Phase},
    machines::{Machine, MachineId},
};

const UNKNOWN_SESSION: Refused = Refused::Token("this session is not known; enrol with a new ticket");

/// What a machine gets when it asks.
enum Answer {
    Task(Box<Assignment>),
    GoAway,
    Wait,
}

impl Dispatch {
    /// Waits until there is a task for the machine; `None` tells it to go away.
    pub async fn next_task(&self, session_token: &str) -> Result<Option<Assignment>, Refused> {
        let question = self.lock().machines.ask(session_token).ok_or(UNKNOWN_SESSION)?;
        // An older question of the same machine learns that it is not waited for.
        self.wake.notify_waiters();
        loop {
            let woken = self.wake.notified();
            tokio::pin!(woken);
            // Listening begins before looking, so that nothing is missed in between.
            woken.as_mut().enable();
            match self.answer(session_token, question)? {
                Answer::Task(assignment) => return Ok(Some(*assignment)),
                Answer::GoAway => return Ok(None),
                Answer::Wait => {}
            }
            tokio::select! {
                () = woken => {}
                () = self.parts.stop.wait() => return Err(Refused::Stopping),
            }
        }
    }

    fn answer(&self, session_token: &str, question: u64) -> Result<Answer, Refused> {
        let mut inner = self.lock();
        let machine = inner.machines.by_session(session_token).cloned().ok_or(UNKNOWN_SESSION)?;
        if !inner.machines.is_latest(&machine.id, question) {
            return Err(Refused::Bad("this machine asked again meanwhile".into()));
        }
        match machine.state {
            MachineState::Ready => self.assign(&mut inner, &machine),
            MachineState::Busy => self.assign_again(&mut inner, &machine.id),
            _ => Ok(Answer::GoAway),
        }
    }

    /// The order of the steps matters: killed after any of them, the task is in the queue or has a lease.
    fn assign(&self, inner: &mut Inner, machine: &Machine) -> Result<Answer, Refused> {
        let arch = machine.facts.as_ref().map(|facts| facts.arch.as_str()).unwrap_or_default();
        let (key, queued) = loop {
            let busy = |task: &_| inner.leases.of_task(task).is_some();
            let Some(key) = inner.queue.pick(arch, &inner.leases.load(), self.caps(), busy) else {
                return Ok(Answer::Wait);
            };
            match inner.queue.get(&key)? {
                Some(queued) => break (key, queued),
                None => inner.queue.remove(&key.task)?,
            }
        };
        let token = random_token();
        let record = AttemptRecord {
            job: queued.job,
            machine: machine.id.clone(),
            token_hash: hash_token(&token),
            taken_at: self.now(),
            started: false,
            cancel_at: None,
            sent: Default::default(),
            received: Default::default(),
        };
        let lease = self.new_lease(&key, record.clone())?;
        inner.queue.remove(&key.task)?;
        inner.leases.insert(lease);
        inner.machines.on(&machine.id, MachineEvent::Assigned)?;
        self.parts.counts.taken(self.now().0 - queued.since.0);
        tracing::info!(task = %key.task, attempt = %key.attempt, machine = %machine.id, "a machine took a task");
        self.progress(&key, Progress::Taken { builder: machine.id.to_string() });
        Ok(Answer::Task(Box::new(self.assignment(&record, token))))
    }

    fn new_lease(&self, key: &AttemptKey, record: AttemptRecord) -> io::Result<Lease> {
        let place = AttemptDir::new(&self.staging, key);
        place.create()?;
        let path = self.parts.results.live_log(&record.job);
        let log = LiveLog::create(path, job::limits(&record.job).log_bytes)?;
        place.write(&record)?;
        Ok(Lease {
            until: self.lease_end(),
            phase: Phase::Running,
            reserved_bytes: 0,
            log: Arc::new(tokio::sync::Mutex::new(log)),
            place,
            record,
        })
    }

    /// The first answer may have been lost: until the builder's first word it gets its task again, with a
    /// new token.
    fn assign_again(&self, inner: &mut Inner, machine: &MachineId) -> Result<Answer, Refused> {
        let Some((key, lease)) = inner.leases.of_machine(machine) else { return Ok(Answer::GoAway) };
        if lease.record.started || lease.phase != Phase::Running {
            return Err(Refused::Bad("this machine has its task already".into()));
        }
        let key = key.clone();
        let until = self.lease_end();
        let Some(lease) = inner.leases.get_mut(&key) else { return Ok(Answer::GoAway) };
        let token = random_token();
        lease.record.token_hash = hash_token(&token);
        lease.until = until;
        lease.place.write(&lease.record)?;
        Ok(Answer::Task(Box::new(self.assignment(&lease.record, token))))
    }

    fn assignment(&self, record: &AttemptRecord, task_token: String) -> Assignment {
        let attempt = record.job.attempt();
        let mut job = record.job.clone();
        if let Job::Rpm(work) = &mut job {
            work.grant = None;
        }
        Assignment { task_token, attempt, job, allow: self.allow.clone() }
    }
}
