//! Tasks that wait for a machine: on disk, so that they survive; in memory, so that the choice is quick.
//!
//! Foreground goes before background, then the owner with the fewest running tasks, then the older build.

mod explain;

use std::{
    collections::{BTreeMap, HashMap},
    io,
};

pub use explain::Around;

use coppice_model::{Attempt, BuildId, OwnerName, UnixTime, agent::Job, work::TaskId};
use serde::{Deserialize, Serialize};

use crate::{
    job::{self, AttemptKey},
    shelf::Shelf,
};

/// A waiting task as it lies on disk.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Queued {
    pub job: Job,
    pub since: UnixTime,
}

/// Tasks that share their place and their limits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Lane {
    background: bool,
    owner: OwnerName,
    sandbox: String,
}

#[derive(Debug, Clone)]
struct Entry {
    attempt: Attempt,
    arch: Option<String>,
}

/// How much runs for whom.
#[derive(Debug, Default)]
pub struct Load {
    owners: HashMap<OwnerName, usize>,
    sandboxes: HashMap<String, usize>,
}

#[derive(Debug, Clone, Copy)]
pub struct Caps {
    pub per_sandbox: usize,
    pub per_owner: usize,
}

#[derive(Debug)]
pub struct Queue {
    shelf: Shelf<Queued>,
    lanes: BTreeMap<Lane, BTreeMap<(BuildId, TaskId), Entry>>,
    /// Where each task stands, so that a repeat or a newer attempt finds it.
    places: HashMap<TaskId, Lane>,
}

impl Load {
    pub fn add(&mut self, job: &Job) {
        let context = job::context(job);
        *self.owners.entry(context.project.owner.clone()).or_default() += 1;
        *self.sandboxes.entry(context.sandbox.clone()).or_default() += 1;
    }

    fn of_owner(&self, owner: &OwnerName) -> usize {
        self.owners.get(owner).copied().unwrap_or_default()
    }

    fn of_sandbox(&self, sandbox: &str) -> usize {
        self.sandboxes.get(sandbox).copied().unwrap_or_default()
    }

    fn has_room(&self, lane: &Lane, caps: Caps) -> bool {
        self.of_owner(&lane.owner) < caps.per_owner && self.of_sandbox(&lane.sandbox) < caps.per_sandbox
    }
}

impl Queue {
    pub fn open(shelf: Shelf<Queued>) -> io::Result<Self> {
        let mut queue = Self { shelf, lanes: BTreeMap::new(), places: HashMap::new() };
        let waiting = queue.shelf.load()?;
        for queued in &waiting {
            queue.index(&queued.job);
        }
        Ok(queue)
    }

    /// Adds a task. A repeat changes nothing, a newer attempt takes the older one's place; `false` for old news.
    pub fn add(&mut self, queued: &Queued) -> io::Result<bool> {
        let key = AttemptKey::of(&queued.job);
        match self.attempt_of(&key.task) {
            Some(waiting) if waiting >= key.attempt => return Ok(false),
            Some(_) => self.remove(&key.task)?,
            None => {}
        }
        self.shelf.put(&key.to_string(), queued)?;
        self.index(&queued.job);
        Ok(true)
    }

    /// The task that a machine shall take next; it stays in the queue. `busy` tasks have an older attempt that
    /// is not closed yet.
    pub fn pick(
        &self,
        machine_arch: &str,
        load: &Load,
        caps: Caps,
        busy: impl Fn(&TaskId) -> bool,
    ) -> Option<AttemptKey> {
        let fits =
            |entry: &Entry| entry.arch.as_deref().is_none_or(|arch| job::machine_builds(machine_arch, arch));
        let first = |lane: &BTreeMap<(BuildId, TaskId), Entry>| {
            let (place, entry) = lane.iter().find(|((_, task), entry)| fits(entry) && !busy(task))?;
            Some((place.clone(), entry.attempt))
        };
        let open = self.lanes.iter().filter(|(lane, _)| load.has_room(lane, caps));
        let ranked = open.filter_map(|(lane, tasks)| {
            let (place, attempt) = first(tasks)?;
            Some((lane.background, load.of_owner(&lane.owner), place, attempt))
        });
        ranked.min().map(|(_, _, (_, task), attempt)| AttemptKey { task, attempt })
    }

    pub fn shelf(&self) -> Shelf<Queued> {
        self.shelf.clone()
    }

    pub fn get(&self, key: &AttemptKey) -> io::Result<Option<Queued>> {
        self.shelf.get(&key.to_string())
    }

    pub fn attempt_of(&self, task: &TaskId) -> Option<Attempt> {
        let lane = self.lanes.get(self.places.get(task)?)?;
        lane.get(&(task.build(), task.clone())).map(|entry| entry.attempt)
    }

    /// Takes a task out; absent is fine.
    pub fn remove(&mut self, task: &TaskId) -> io::Result<()> {
        let Some(attempt) = self.attempt_of(task) else { return Ok(()) };
        self.shelf.remove(&AttemptKey { task: task.clone(), attempt }.to_string())?;
        if let Some(place) = self.places.remove(task)
            && let Some(lane) = self.lanes.get_mut(&place)
        {
            lane.remove(&(task.build(), task.clone()));
            if lane.is_empty() {
                self.lanes.remove(&place);
            }
        }
        Ok(())
    }

    pub fn remove_build(&mut self, build: BuildId) -> io::Result<()> {
        let tasks: Vec<TaskId> = self.places.keys().filter(|task| task.build() == build).cloned().collect();
        tasks.iter().try_for_each(|task| self.remove(task))
    }

    /// How many tasks wait, in the foreground and in the background.
    pub fn lengths(&self) -> (usize, usize) {
        let count = |background| {
            let lanes = self.lanes.iter().filter(|(lane, _)| lane.background == background);
            lanes.map(|(_, tasks)| tasks.len()).sum()
        };
        (count(false), count(true))
    }

    fn index(&mut self, job: &Job) {
        let context = job::context(job);
        let lane = Lane {
            background: context.background,
            owner: context.project.owner.clone(),
            sandbox: context.sandbox.clone(),
        };
        let entry = Entry { attempt: job.attempt(), arch: job::arch(job).map(str::to_owned) };
        let task = job.task();
        self.places.insert(task.clone(), lane.clone());
        self.lanes.entry(lane).or_default().insert((task.build(), task), entry);
    }
}

#[cfg(test)]
mod tests;
