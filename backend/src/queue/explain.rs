//! Why a task waits, for its users.

use std::io;

use coppice_model::{
    BuildId,
    build_queue::{Held, WaitingTask},
    work::TaskId,
};

use super::{Caps, Entry, Lane, Load, Queue};
use crate::job::{self, AttemptKey};

/// What the queue itself does not know.
pub struct Around<'a> {
    pub load: &'a Load,
    pub caps: Caps,
    /// The architectures of machines that build or could.
    pub machines: &'a [(String, bool)],
    /// Whether machines are on their way, of which nothing is known yet.
    pub some_come: bool,
    pub is_closing: &'a dyn Fn(&TaskId) -> bool,
}

impl Queue {
    /// Of one build, in the order of their chroots' names.
    pub fn explain(&self, build: BuildId, around: &Around<'_>) -> io::Result<Vec<WaitingTask>> {
        let mut waiting = Vec::new();
        for (lane, tasks) in &self.lanes {
            for ((_, task), entry) in tasks.iter().filter(|((of, _), _)| *of == build) {
                let key = AttemptKey { task: task.clone(), attempt: entry.attempt };
                let Some(queued) = self.get(&key)? else { continue };
                let held = self.held(lane, (task, entry), around);
                let is_limited = matches!(held, Held::Owner { .. } | Held::Project { .. });
                waiting.push(WaitingTask {
                    task: task.clone(),
                    since: queued.since,
                    ahead: self.ahead((lane, build, task), entry, is_limited, around),
                    held,
                    arch: entry.arch.clone(),
                    background: lane.background,
                });
            }
        }
        Ok(waiting)
    }

    fn held(&self, lane: &Lane, (task, entry): (&TaskId, &Entry), around: &Around<'_>) -> Held {
        if (around.is_closing)(task) {
            return Held::Earlier;
        }
        let (of_owner, of_sandbox) =
            (around.load.of_owner(&lane.owner), around.load.of_sandbox(&lane.sandbox));
        if of_owner >= around.caps.per_owner {
            return Held::Owner { running: of_owner, most: around.caps.per_owner };
        }
        if of_sandbox >= around.caps.per_sandbox {
            return Held::Project { running: of_sandbox, most: around.caps.per_sandbox };
        }
        let fits = |arch: &str| entry.arch.as_deref().is_none_or(|wanted| job::machine_builds(arch, wanted));
        let fitting = || around.machines.iter().filter(|(arch, _)| fits(arch));
        if fitting().next().is_none() && !around.some_come {
            return Held::NoBuilder;
        }
        Held::Builders { busy: fitting().filter(|(_, is_busy)| *is_busy).count() }
    }

    /// By the order of [`Queue::pick`], as if nobody's load changed.
    fn ahead(
        &self,
        (own, build, task): (&Lane, BuildId, &TaskId),
        entry: &Entry,
        is_limited: bool,
        around: &Around<'_>,
    ) -> usize {
        let rank = |lane: &Lane| (lane.background, around.load.of_owner(&lane.owner));
        let competes = |lane: &&Lane| {
            if is_limited { lane.owner == own.owner } else { around.load.has_room(lane, around.caps) }
        };
        let shares = |other: &Entry| entry.arch.is_none() || other.arch.is_none() || entry.arch == other.arch;
        let place = (build, task.clone());
        let lanes = self.lanes.iter().filter(|(lane, _)| competes(lane));
        let before =
            lanes.flat_map(|(lane, tasks)| tasks.iter().map(move |(at, other)| (rank(lane), at, other)));
        before.filter(|(of, at, other)| shares(other) && (*of, *at) < (rank(own), &place)).count()
    }
}
