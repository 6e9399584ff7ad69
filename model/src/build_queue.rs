//! What the backend tells of tasks that wait for a builder.

use serde::{Deserialize, Serialize};

use crate::{UnixTime, work::TaskId};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingTask {
    pub task: TaskId,
    pub since: UnixTime,
    pub held: Held,
    /// Tasks that get a builder before it, as things stand: of all owners, or of its own when a limit holds it.
    pub ahead: usize,
    /// The architecture of the builder that it needs; `None`: any.
    pub arch: Option<String>,
    pub background: bool,
}

/// What holds a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Held {
    /// So many tasks of its owner run already.
    Owner { running: usize, most: usize },
    /// So many tasks of its project and submitter run already.
    Project { running: usize, most: usize },
    /// Every fitting builder has a task.
    Builders { busy: usize },
    /// There is no builder of its architecture.
    NoBuilder,
    /// An earlier attempt is being closed.
    Earlier,
}
