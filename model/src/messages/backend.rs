use serde::{Deserialize, Serialize};

use super::Message;
use crate::{
    ActionId, BuildId, ChrootName, DirName, PackageName, ProjectRef,
    work::{RpmWork, SourceWork},
};

/// Work for the backend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum BackendTask {
    SourceBuildV1(SourceWork),
    RpmBuildV1(RpmWork),
    /// Stop all tasks of a build.
    CancelV1 {
        build: BuildId,
    },
    PublishV1(PublishRepositories),
    DeleteBuildsV1(DeleteBuilds),
    DeleteProjectV1(DeleteProject),
}

/// Make the repositories of a project what its results say: creates missing and empty ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishRepositories {
    pub action: ActionId,
    pub project: ProjectRef,
    pub dirs: Vec<DirName>,
    pub chroots: Vec<ChrootName>,
    /// Rebuild from the RPMs, not from what is remembered of them.
    #[serde(default)]
    pub from_scratch: bool,
}

/// Results of builds that go away: first from the metadata, then from the disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteBuilds {
    pub action: ActionId,
    pub project: ProjectRef,
    pub builds: Vec<BuildResults>,
}

/// Where one build left results.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildResults {
    pub build: BuildId,
    pub dir: DirName,
    /// `None` while the SRPM was never read.
    pub package: Option<PackageName>,
    pub chroots: Vec<ChrootName>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteProject {
    pub action: ActionId,
    pub project: ProjectRef,
    pub dirs: Vec<DirName>,
}

impl Message for BackendTask {
    const STREAM: &'static str = "coppice:backend";
    const GROUP: &'static str = "backend";

    fn key(&self) -> String {
        match self {
            Self::SourceBuildV1(work) => format!("source/{}/{}", work.context.build, work.attempt),
            Self::RpmBuildV1(work) => {
                format!("rpm/{}/{}/{}", work.context.build, work.chroot(), work.attempt)
            }
            Self::CancelV1 { build } => format!("cancel/{build}"),
            Self::PublishV1(publish) => format!("action/{}", publish.action),
            Self::DeleteBuildsV1(delete) => format!("action/{}", delete.action),
            Self::DeleteProjectV1(delete) => format!("action/{}", delete.action),
        }
    }
}
