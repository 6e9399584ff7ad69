use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Message;
use crate::{
    ActionId, Attempt, BuildId, ChrootName, PackageName, ProjectRef, UnixTime,
    package::{Nevra, SourceHeader},
    state::Stage,
    work::{DistGitCommit, Failure, TaskId, TaskOutcome},
};

/// What every service says to the frontend, the only decider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Report {
    /// A task moved on.
    ProgressV1 {
        task: TaskId,
        attempt: Attempt,
        progress: Progress,
        at: UnixTime,
    },
    /// A task ended for good.
    FinishedV1 {
        task: TaskId,
        attempt: Attempt,
        outcome: TaskOutcome,
        at: UnixTime,
    },
    /// The builder is gone; the frontend decides on another attempt.
    LostV1 {
        task: TaskId,
        attempt: Attempt,
        reason: String,
        at: UnixTime,
    },
    ImportedV1(Imported),
    ImportFailedV1 {
        build: BuildId,
        failure: Failure,
        at: UnixTime,
    },
    ActionDoneV1(ActionDone),
    DownloadsV1(Downloads),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Progress {
    /// A builder has the task. `builder` is its name for people.
    Taken { builder: String },
    /// The stage that began. `Building` means running.
    Stage { stage: Stage },
    /// Our side cannot go on with the stage yet; it tries again by itself.
    Delayed { stage: Stage, reason: String },
}

/// Packages that were fetched from the results since the last report of their kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Downloads {
    /// Names this report among all others, so that it counts once.
    pub name: String,
    pub fetched: Vec<FetchedPackages>,
}

/// How many of one chroot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FetchedPackages {
    pub project: ProjectRef,
    pub chroot: ChrootName,
    pub count: u32,
}

/// An SRPM is in DistGit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    pub build: BuildId,
    pub header: SourceHeader,
    pub commits: BTreeMap<ChrootName, DistGitCommit>,
    pub at: UnixTime,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionDone {
    pub action: ActionId,
    /// One sentence when it failed.
    pub error: Option<String>,
    /// The fingerprint of the key that the action made or changed.
    #[serde(default)]
    pub fingerprint: Option<String>,
    /// When that key ends.
    #[serde(default)]
    pub key_expires_on: Option<UnixTime>,
    /// The finished package that was published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken: Option<Box<TakenPackage>>,
    pub at: UnixTime,
}

/// What an uploaded package turned out to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenPackage {
    /// Its source's name.
    pub package: PackageName,
    pub nevra: Nevra,
}

impl Message for Report {
    const STREAM: &'static str = "coppice:reports";
    const GROUP: &'static str = "frontend";

    fn key(&self) -> String {
        match self {
            Self::ProgressV1 { task, attempt, progress, at } => match progress {
                Progress::Taken { .. } => format!("progress/{task}/{attempt}/taken"),
                Progress::Stage { stage } => format!("progress/{task}/{attempt}/{stage}"),
                Progress::Delayed { stage, .. } => {
                    format!("progress/{task}/{attempt}/{stage}/delayed/{}", at.0)
                }
            },
            Self::FinishedV1 { task, attempt, .. } => format!("finished/{task}/{attempt}"),
            Self::LostV1 { task, attempt, .. } => format!("lost/{task}/{attempt}"),
            Self::ImportedV1(imported) => format!("imported/{}", imported.build),
            Self::ImportFailedV1 { build, .. } => format!("import-failed/{build}"),
            Self::ActionDoneV1(done) => format!("action/{}", done.action),
            Self::DownloadsV1(downloads) => format!("downloads/{}", downloads.name),
        }
    }
}
