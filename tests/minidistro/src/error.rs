//! What can go wrong while making the distribution.

use std::io;
use std::path::{Path, PathBuf};

/// Says what we were doing; the cause, where there is one, is the source.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("this machine cannot make the RPM distribution: {0}")]
    Unsupported(String),
    #[error("apt does not offer the packages; run `apt-get update` as root and try again ({0})")]
    NoLists(String),
    #[error("cannot start {program}")]
    Start { program: String, source: io::Error },
    #[error("{program} failed: {message}")]
    Failed { program: String, message: String },
    #[error("cannot {action} {}", path.display())]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    #[error("cannot read {deb}: {reason}")]
    Deb { deb: String, reason: String },
    #[error("cannot make the RPM of {package}")]
    Rpm { package: String, source: rpm::Error },
    #[error("cannot write the repository metadata")]
    Metadata(#[source] rpmrepo_metadata::MetadataError),
    #[error("nothing in the distribution provides {0}")]
    OpenSonames(String),
    #[error("{} is not a repository that minidistro made; not touching it", .0.display())]
    NotOurs(PathBuf),
    #[error("there is no sample {0:?}")]
    UnknownSample(String),
}

impl Error {
    /// True where no try on this machine can succeed: tests skip then instead of failing.
    pub fn is_unsupported(&self) -> bool {
        matches!(self, Self::Unsupported(_))
    }

    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }

    pub(crate) fn deb(deb: &Path, reason: impl ToString) -> Self {
        let deb = deb.file_name().unwrap_or(deb.as_os_str()).to_string_lossy().into_owned();
        Self::Deb { deb, reason: reason.to_string() }
    }
}
