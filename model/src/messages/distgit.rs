use serde::{Deserialize, Serialize};

use super::Message;
use crate::{BuildId, ChrootName, ProjectRef};

/// Work for distgit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum DistGitTask {
    ImportV1(Import),
}

/// Put an SRPM into DistGit: sources into the lookaside cache, a commit on each branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    pub build: BuildId,
    pub project: ProjectRef,
    /// Where our own service keeps the SRPM: the frontend for uploads, the backend for made ones.
    pub srpm_url: String,
    pub branches: Vec<Branch>,
}

/// The branch of a chroot; chroots of one family share one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Branch {
    pub chroot: ChrootName,
    /// For example `f43` or `epel9`.
    pub branch: String,
}

impl Message for DistGitTask {
    const STREAM: &'static str = "coppice:distgit";
    const GROUP: &'static str = "distgit";

    fn key(&self) -> String {
        match self {
            Self::ImportV1(import) => format!("import/{}", import.build),
        }
    }
}
