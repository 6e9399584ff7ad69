//! What every task has, of either kind.

use std::fmt;

use coppice_model::{
    Attempt,
    agent::Job,
    chroot::Environment,
    work::{BuildContext, Limits, SourceSpec, TaskId},
};
use serde::{Deserialize, Serialize};

/// One start of one task. Its text names files.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AttemptKey {
    pub task: TaskId,
    pub attempt: Attempt,
}

impl AttemptKey {
    pub fn of(job: &Job) -> Self {
        Self { task: job.task(), attempt: job.attempt() }
    }
}

impl fmt::Display for AttemptKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.task, self.attempt)
    }
}

pub fn context(job: &Job) -> &BuildContext {
    match job {
        Job::Source(work) => &work.context,
        Job::Rpm(work) => &work.context,
    }
}

pub fn limits(job: &Job) -> &Limits {
    match job {
        Job::Source(work) => &work.limits,
        Job::Rpm(work) => &work.limits,
    }
}

/// The architecture that the task must run on; a ready SRPM can be fetched by any machine.
pub fn arch(job: &Job) -> Option<&str> {
    let of = |environment| chroot_arch(environment);
    match job {
        Job::Rpm(work) => Some(of(&work.environment)),
        Job::Source(work) => match &work.source {
            SourceSpec::Link { url } if is_srpm(url) => None,
            _ => Some(of(&work.environment)),
        },
    }
}

fn chroot_arch(environment: &Environment) -> &str {
    environment.chroot.name.arch()
}

fn is_srpm(url: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    path.ends_with(".src.rpm") || path.ends_with(".nosrc.rpm")
}

/// Whether a machine builds for a chroot's architecture: its own, or the 32-bit one that its kernel runs too.
pub fn machine_builds(machine: &str, chroot: &str) -> bool {
    machine == chroot
        || match machine {
            "x86_64" => matches!(chroot, "i386" | "i586" | "i686"),
            _ => false,
        }
}
