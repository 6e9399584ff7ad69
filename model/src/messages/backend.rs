use serde::{Deserialize, Serialize};

use super::Message;
use crate::{
    ActionId, BuildId, ChrootName, DirName, PackageName, ProjectRef,
    signing::{Grant, KeyAlgorithm},
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
    RollBackV1(RollBack),
    RotateKeyV1(RotateKey),
    ForkV1(Fork),
    TakePackageV1(TakePackage),
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
    /// The repositories carry this group file from now on; `None`: what they carry stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comps: Option<Comps>,
    /// Whether users see new builds only when the repositories are made from scratch; `None`: as before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub devel: Option<bool>,
    #[serde(default)]
    pub grant: Option<Grant>,
}

/// Content of a `comps.xml`; without any the repositories carry none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comps {
    pub content: Option<String>,
}

/// Results of builds that go away: first from the metadata, then from the disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteBuilds {
    pub action: ActionId,
    pub project: ProjectRef,
    pub builds: Vec<BuildResults>,
    #[serde(default)]
    pub grant: Option<Grant>,
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

/// Make an earlier publish of one repository the current one again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollBack {
    pub action: ActionId,
    pub project: ProjectRef,
    pub dir: DirName,
    pub chroot: ChrootName,
    pub snapshot: u64,
    #[serde(default)]
    pub grant: Option<Grant>,
}

/// Replace the project's key and sign everything that these directories hold anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotateKey {
    pub action: ActionId,
    pub project: ProjectRef,
    pub dirs: Vec<DirName>,
    /// Of the new key; `None`: as the old one.
    #[serde(default)]
    pub algorithm: Option<KeyAlgorithm>,
    /// The old key may be in other hands: it is revoked, and what only it signed goes away at once.
    #[serde(default)]
    pub compromised: bool,
    #[serde(default)]
    pub grant: Option<Grant>,
}

/// Copy results of one project into another, signed with the other's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fork {
    pub action: ActionId,
    pub from: ProjectRef,
    /// The other one.
    pub project: ProjectRef,
    pub builds: Vec<ForkedBuild>,
    /// Chroots whose group file the main directory takes over.
    pub comps_of: Vec<ChrootName>,
    #[serde(default)]
    pub grant: Option<Grant>,
}

/// Results of one build in one chroot; both are in the main directories.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForkedBuild {
    pub chroot: ChrootName,
    pub package: PackageName,
    pub from: BuildId,
    pub to: BuildId,
}

/// Publish a finished package that a user uploaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakePackage {
    pub action: ActionId,
    pub project: ProjectRef,
    pub build: BuildId,
    pub dir: DirName,
    pub chroots: Vec<ChrootName>,
    /// Where the file lies.
    pub url: String,
    #[serde(default)]
    pub grant: Option<Grant>,
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
            Self::RollBackV1(back) => format!("action/{}", back.action),
            Self::RotateKeyV1(rotate) => format!("action/{}", rotate.action),
            Self::ForkV1(fork) => format!("action/{}", fork.action),
            Self::TakePackageV1(take) => format!("action/{}", take.action),
        }
    }
}
