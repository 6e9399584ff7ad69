//! Work for a builder: complete, so that an agent asks nobody anything else.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    Attempt, BuildId, ChrootName, DirName, PackageName, ProjectRef,
    chroot::Environment,
    package::{Nevra, SourceHeader},
    signing::Grant,
    source_method::SourceMethod,
};

/// The two kinds of task, written as Copr does: `7` for the source phase, `7-fedora-43-x86_64` for a chroot.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum TaskId {
    Source(BuildId),
    Rpm(BuildId, ChrootName),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a task id: use BUILD or BUILD-CHROOT")]
pub struct InvalidTaskId(String);

impl TaskId {
    pub fn build(&self) -> BuildId {
        match self {
            Self::Source(build) | Self::Rpm(build, _) => *build,
        }
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source(build) => write!(f, "{build}"),
            Self::Rpm(build, chroot) => write!(f, "{build}-{chroot}"),
        }
    }
}

impl FromStr for TaskId {
    type Err = InvalidTaskId;
    fn from_str(raw: &str) -> Result<Self, InvalidTaskId> {
        let wrong = || InvalidTaskId(raw.chars().take(120).collect());
        let (build, chroot) = match raw.split_once('-') {
            Some((build, chroot)) => (build, Some(chroot)),
            None => (raw, None),
        };
        let plain = !build.is_empty() && build.bytes().all(|b| b.is_ascii_digit());
        let build = build.parse().ok().filter(|_| plain).ok_or_else(wrong)?;
        match chroot {
            None => Ok(Self::Source(build)),
            Some(chroot) => Ok(Self::Rpm(build, chroot.parse().map_err(|_| wrong())?)),
        }
    }
}

impl TryFrom<String> for TaskId {
    type Error = InvalidTaskId;
    fn try_from(raw: String) -> Result<Self, InvalidTaskId> {
        raw.parse()
    }
}

impl From<TaskId> for String {
    fn from(id: TaskId) -> Self {
        id.to_string()
    }
}

/// Bounds of one attempt; the agent holds them and the backend checks them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Wall time of the whole attempt; then INT, then KILL.
    pub timeout_s: u64,
    pub memory_mb: u64,
    pub processes: u64,
    /// Output beyond this is cut and the cut is marked.
    pub log_bytes: u64,
    /// Sum of all result files.
    pub result_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            timeout_s: 18_000,
            memory_mb: 4_096,
            processes: 4_096,
            log_bytes: 100 << 20,
            result_bytes: 20 << 30,
        }
    }
}

/// What a build is of and for whom; the same for every task of the build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildContext {
    pub build: BuildId,
    pub project: ProjectRef,
    pub dir: DirName,
    /// `owner/project--submitter`: a machine is reused only within one sandbox. Copr: the same form.
    pub sandbox: String,
    /// Background builds wait for all others.
    pub background: bool,
}

/// Where the sources of a build come from, as the user named them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum SourceSpec {
    /// An address of an SRPM or a spec file; fetched by a builder under the address policy.
    Link {
        url: String,
    },
    /// An uploaded spec file, served by the frontend at this address. (An uploaded SRPM needs no builder.)
    UploadedSpec {
        url: String,
        file_name: String,
    },
    Method {
        method: SourceMethod,
    },
}

/// The source phase: make the SRPM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceWork {
    #[serde(flatten)]
    pub context: BuildContext,
    pub attempt: Attempt,
    pub source: SourceSpec,
    /// Where a spec file is turned into an SRPM; any chroot of the build.
    pub environment: Environment,
    pub limits: Limits,
}

/// A commit of a package in DistGit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DistGitCommit {
    /// Address that stock git clones.
    pub clone_url: String,
    /// Full hash.
    pub commit: String,
    /// Files of the `sources` file are at `<lookaside_url>/<file>/sha512/<hash>/<file>`.
    pub lookaside_url: String,
}

/// One build in one chroot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RpmWork {
    #[serde(flatten)]
    pub context: BuildContext,
    pub attempt: Attempt,
    pub source: DistGitCommit,
    /// What the SRPM's header said at import; results must agree with it.
    pub header: SourceHeader,
    pub environment: Environment,
    pub limits: Limits,
    /// For the backend only: it is taken out before a builder gets the task.
    #[serde(default)]
    pub grant: Option<Grant>,
}

impl SourceWork {
    pub fn task(&self) -> TaskId {
        TaskId::Source(self.context.build)
    }
}

impl RpmWork {
    pub fn task(&self) -> TaskId {
        TaskId::Rpm(self.context.build, self.chroot().clone())
    }

    pub fn chroot(&self) -> &ChrootName {
        &self.environment.chroot.name
    }

    pub fn package(&self) -> &PackageName {
        &self.header.name
    }

    /// `<padded build id>-<package>`, the name of the result directory (contract section 17).
    pub fn result_dir(&self) -> String {
        format!("{}-{}", self.context.build.padded(), self.header.name)
    }
}

/// Why an attempt did not succeed although our side worked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureCause {
    /// %prep, %build, %install, %check or a missing file.
    Build,
    /// A BuildRequires that no repository has.
    BuildRequires,
    /// The source could not be fetched or is refused by the address policy.
    SourceFetch,
    /// The SRPM could not be made from what was fetched.
    SourceMake,
    /// The file is not an SRPM, is damaged, or its names are not allowed.
    SourceImport,
    Timeout,
    /// More memory, processes, log or result bytes than allowed.
    Limit,
    /// What the builder sent does not fit its task; nothing of it was kept.
    ResultRefused,
}

/// How an attempt failed, in one sentence for the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub cause: FailureCause,
    /// Shown to the user; one sentence, no line break.
    pub message: String,
}

/// How a task ended for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum TaskOutcome {
    /// The SRPM waits at `srpm_url` for DistGit (and later for users).
    SourceMade {
        srpm_url: String,
    },
    /// Signed, published and installable.
    Published {
        packages: Vec<Nevra>,
    },
    Failed(Failure),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn task_ids_read_back_and_nothing_else_is_one() {
        for good in ["7", "7-fedora-43-x86_64", "12345678-centos-stream-9-x86_64"] {
            assert_eq!(good.parse::<TaskId>().unwrap().to_string(), good);
        }
        for bad in ["", "x", "-7", "+7", "7-", "7-fedora", "7-../x-1-y", "7/8"] {
            assert!(bad.parse::<TaskId>().is_err(), "{bad}");
        }
    }
}
