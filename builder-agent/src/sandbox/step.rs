//! One visit to a sandbox, as the agent orders it: what is mounted, what runs, how it ended.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Who builds inside; root inside is only for installing packages.
pub const BUILDER_ID: u32 = 1000;
/// What a build believes to run on.
pub const HOST_NAME: &str = "builder";
/// Home of the builder and the top of its work.
pub const BUILDER_HOME: &str = "/builddir";
pub const TOP_DIR: &str = "/builddir/build";
/// Where the spec file and sources are seen inside.
pub const SOURCE_DIR: &str = "/builddir/build/SOURCES";

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Step {
    /// What becomes the root, and where it is mounted on the way.
    pub root: Option<(Root, PathBuf)>,
    pub binds: Vec<Bind>,
    pub action: Action,
    pub memory_mb: u64,
    pub processes: u64,
    /// Whether programs inside reach the network.
    pub network: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Root {
    Plain(PathBuf),
    Overlay { lower: PathBuf, upper: PathBuf, work: PathBuf },
}

/// A folder of the host that is seen inside.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Bind {
    pub from: PathBuf,
    /// Absolute, as seen inside.
    pub to: String,
    pub writable: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Action {
    /// A program of the host that works on the mounted root. For the operator's tools only. What a build
    /// left in the root may lead it astray, so it can write nowhere else but to these folders.
    OnHost { program: Program, writable: Vec<PathBuf> },
    /// A program of the root that sees nothing but the root. Strangers' code does not run as root, and runs in
    /// bubblewrap.
    Inside { program: Program, as_root: bool },
    /// Copies the packages that a build left to the folder that is bound at `to`.
    Collect { most_bytes: u64, to: String },
    /// Removes folders that hold files of other users' ids.
    Remove(Vec<PathBuf>),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Program {
    pub arguments: Vec<String>,
    pub environment: Vec<(String, String)>,
    pub folder: String,
}

/// What the sandbox itself is told besides the step.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Visit {
    pub step: Step,
    /// Where the `Ending` is written, seen from outside.
    pub ending: PathBuf,
    /// Whether there are ids for others than root inside.
    pub has_ids: bool,
    /// Bubblewrap's program, if the host has it.
    pub bwrap: Option<PathBuf>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    Exited(i32),
    Signaled(i32),
    /// More memory, processes or result bytes than allowed: one sentence.
    Limit(String),
    /// The sandbox itself could not do its work.
    Fault(String),
}

impl Action {
    pub fn is_wrapped(&self) -> bool {
        matches!(self, Self::Inside { as_root: false, .. })
    }
}

impl Ending {
    pub fn succeeded(&self) -> bool {
        *self == Self::Exited(0)
    }
}
