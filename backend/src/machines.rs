//! Builder machines: each enrols once with its ticket, takes one task and goes away.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt, io,
};

use coppice_model::{
    UnixTime,
    agent::MachineFacts,
    state::{MachineEvent, MachineState, Step},
};
use coppice_runtime::secret::{hash_token, random_token};
use serde::{Deserialize, Serialize};

use crate::shelf::Shelf;

/// A machine's name, for people and for files: `local-0a1b2c3d`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MachineId(pub String);

impl fmt::Display for MachineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a provider needs to find its machine again, also after a restart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Handle(pub String);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Machine {
    pub id: MachineId,
    /// The provider that made it.
    pub pool: String,
    pub state: MachineState,
    pub ticket_hash: Option<String>,
    pub ticket_until: UnixTime,
    pub session_hash: Option<String>,
    pub facts: Option<MachineFacts>,
    pub handle: Option<Handle>,
    /// When it is taken down if it has not gone by itself.
    pub end_at: Option<UnixTime>,
}

/// Why a ticket opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadTicket {
    Unknown,
    Used,
}

/// Used tickets that are remembered, to tell a second use from a wrong ticket.
const USED_KEPT: usize = 1_000;

#[derive(Debug)]
pub struct Machines {
    shelf: Shelf<Machine>,
    all: BTreeMap<MachineId, Machine>,
    used_tickets: VecDeque<String>,
    /// How often each machine asked for a task since our start.
    questions: BTreeMap<MachineId, u64>,
}

impl Machines {
    pub fn open(shelf: Shelf<Machine>) -> io::Result<Self> {
        let all = shelf.load()?.into_iter().map(|machine| (machine.id.clone(), machine)).collect();
        Ok(Self { shelf, all, used_tickets: VecDeque::new(), questions: BTreeMap::new() })
    }

    /// Expects a new machine and makes its ticket.
    pub fn expect(&mut self, pool: &str, ticket_until: UnixTime) -> io::Result<(MachineId, String)> {
        let ticket = random_token();
        let id = MachineId(format!("{pool}-{}", &random_token()[..8]));
        let machine = Machine {
            id: id.clone(),
            pool: pool.to_owned(),
            state: MachineState::Requested,
            ticket_hash: Some(hash_token(&ticket)),
            ticket_until,
            session_hash: None,
            facts: None,
            handle: None,
            end_at: None,
        };
        self.shelf.put(&id.0, &machine)?;
        self.all.insert(id.clone(), machine);
        Ok((id, ticket))
    }

    /// Uses a ticket up and returns the session token.
    pub fn enroll(
        &mut self,
        ticket: &str,
        facts: MachineFacts,
        now: UnixTime,
    ) -> io::Result<Result<(MachineId, String), BadTicket>> {
        let hash = hash_token(ticket);
        let opens = |machine: &&Machine| {
            machine.ticket_hash.as_ref() == Some(&hash)
                && machine.ticket_until >= now
                && machine.state == MachineState::Requested
        };
        let Some(id) = self.all.values().find(opens).map(|machine| machine.id.clone()) else {
            let used = self.used_tickets.contains(&hash);
            return Ok(Err(if used { BadTicket::Used } else { BadTicket::Unknown }));
        };
        let session = random_token();
        self.change(&id, |machine| {
            machine.ticket_hash = None;
            machine.session_hash = Some(hash_token(&session));
            machine.facts = Some(facts);
        })?;
        self.used_tickets.push_back(hash);
        if self.used_tickets.len() > USED_KEPT {
            self.used_tickets.pop_front();
        }
        self.on(&id, MachineEvent::Enrolled)?;
        Ok(Ok((id, session)))
    }

    pub fn by_session(&self, token: &str) -> Option<&Machine> {
        let hash = hash_token(token);
        self.all.values().find(|machine| machine.session_hash.as_ref() == Some(&hash))
    }

    /// Counts a machine's question for a task. Only the latest one is answered: an older one may come from a
    /// connection that nobody reads any more.
    pub fn ask(&mut self, session_token: &str) -> Option<u64> {
        let id = self.by_session(session_token)?.id.clone();
        let count = self.questions.entry(id).or_default();
        *count += 1;
        Some(*count)
    }

    pub fn is_latest(&self, id: &MachineId, question: u64) -> bool {
        self.questions.get(id) == Some(&question)
    }

    pub fn of_pool(&self, pool: &str) -> Vec<Machine> {
        self.all.values().filter(|machine| machine.pool == pool).cloned().collect()
    }

    /// The architectures of those that build or could, and whether they do; then whether others are on their way.
    pub fn at_work(&self) -> (Vec<(String, bool)>, bool) {
        let known = self.all.values().filter_map(|machine| {
            let arch = machine.facts.as_ref()?.arch.clone();
            match machine.state {
                MachineState::Ready => Some((arch, false)),
                MachineState::Busy => Some((arch, true)),
                _ => None,
            }
        });
        let some_come = self.all.values().any(|machine| machine.state == MachineState::Requested);
        (known.collect(), some_come)
    }

    /// Applies an event; an event that cannot happen is logged and changes nothing.
    pub fn on(&mut self, id: &MachineId, event: MachineEvent) -> io::Result<()> {
        let Some(machine) = self.all.get(id) else { return Ok(()) };
        match machine.state.on(event) {
            Ok(Step::To(next)) => self.change(id, |machine| machine.state = next),
            Ok(Step::Stay) => Ok(()),
            Err(wrong) => {
                tracing::error!(machine = %id, error = %wrong, "a machine cannot do that");
                Ok(())
            }
        }
    }

    /// Lets a machine go; at `end_at` it is taken down if it is still there.
    pub fn release(&mut self, id: &MachineId, end_at: UnixTime) -> io::Result<()> {
        if !self.all.contains_key(id) {
            return Ok(());
        }
        self.change(id, |machine| {
            machine.end_at = Some(machine.end_at.map_or(end_at, |earlier| earlier.min(end_at)));
            machine.ticket_hash = None;
        })?;
        self.on(id, MachineEvent::Released)
    }

    pub fn set_handle(&mut self, id: &MachineId, handle: Handle) -> io::Result<()> {
        self.change(id, |machine| machine.handle = Some(handle))
    }

    /// Forgets a machine that is gone.
    pub fn remove(&mut self, id: &MachineId) -> io::Result<()> {
        self.all.remove(id);
        self.questions.remove(id);
        self.shelf.remove(&id.0)
    }

    fn change(&mut self, id: &MachineId, change: impl FnOnce(&mut Machine)) -> io::Result<()> {
        let Some(machine) = self.all.get_mut(id) else { return Ok(()) };
        change(machine);
        self.shelf.put(&id.0, machine)
    }
}
