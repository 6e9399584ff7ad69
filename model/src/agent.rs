//! The agent protocol: what a builder machine says to the backend (docs/messages.md).
//!
//! A ticket enrols one machine once; the session token asks for a task; the task token guards one attempt.

use serde::{Deserialize, Serialize};

use crate::{
    Attempt,
    address::AllowList,
    package::Nevra,
    result_file::ResultFileName,
    work::{FailureCause, RpmWork, SourceWork, TaskId},
};

/// Header that carries the session token or the task token, as `Bearer …`.
pub const AUTHORIZATION: &str = "Authorization";

/// `POST /agent/v1/enroll`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enroll {
    pub ticket: String,
    pub facts: MachineFacts,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineFacts {
    /// RPM's name of the architecture: `x86_64`.
    pub arch: String,
    pub cpus: u32,
    pub memory_mb: u64,
    /// First line of `mock --version`, when there is a Mock.
    pub mock: Option<String>,
    pub agent: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolled {
    pub session_token: String,
}

/// `GET /agent/v1/task`: 200 with this, or 204 when the machine shall go away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    pub task_token: String,
    pub attempt: Attempt,
    pub job: Job,
    /// Hosts that the address policy lets through.
    pub allow: AllowList,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Job {
    Source(SourceWork),
    Rpm(RpmWork),
}

impl Job {
    pub fn task(&self) -> TaskId {
        match self {
            Self::Source(work) => work.task(),
            Self::Rpm(work) => work.task(),
        }
    }

    pub fn attempt(&self) -> Attempt {
        match self {
            Self::Source(work) => work.attempt,
            Self::Rpm(work) => work.attempt,
        }
    }
}

/// Answer to `PUT /agent/v1/tasks/{id}/log?offset=N`: raw bytes, idempotent by offset; it extends the lease.
/// An empty body is a heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogAnswer {
    /// How many bytes the backend holds; go on from here.
    pub length: u64,
    /// Stop the build and finish as canceled.
    pub cancel: bool,
}

/// One file sent by `PUT /agent/v1/tasks/{id}/files/{name}?size=N&sha256=HEX`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentFile {
    pub name: ResultFileName,
    pub size: u64,
    /// Lower-case hexadecimal.
    pub sha256: String,
}

/// `POST /agent/v1/tasks/{id}/finish`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finish {
    pub outcome: AttemptOutcome,
    /// Every file that was sent; a file missing here or there refuses the result.
    pub files: Vec<SentFile>,
    /// The exact packages of the buildroot, sorted: with the sources and the configuration this repeats the build.
    pub buildroot: Vec<Nevra>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum AttemptOutcome {
    Succeeded,
    Failed {
        cause: FailureCause,
        message: String,
    },
    /// The backend asked for it.
    Canceled,
    /// Our fault, not the package's: another attempt follows.
    Broken {
        message: String,
    },
}

/// Every refusal of the agent API: a status of 4xx and this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    pub error: String,
}
