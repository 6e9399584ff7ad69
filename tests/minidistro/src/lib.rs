//! A small, real RPM distribution made out of Debian packages, for machines that reach no other one.
//! Cached by content: the same Debian packages and the same code give the same folder at once.

mod apt;
mod cache;
mod convert;
mod data;
mod deb;
mod depend;
mod elf;
mod error;
mod filesystem;
mod make;
mod recipe;
mod repodata;
pub mod samples;
mod tree;
mod usrmerge;
mod version;

use std::path::PathBuf;

pub use error::Error;

/// Where rpm keeps its database inside a root. Debian's own default differs, so who runs dnf or
/// rpm from outside on such a root sets `%_dbpath` to this, for example in `~/.rpmmacros`.
pub const DBPATH: &str = "/usr/lib/sysimage/rpm";
/// What `%dist` says in packages built inside.
pub const DIST: &str = ".mini12";
/// The comps group a build root is installed from.
pub const BUILD_GROUP: &str = "build";

#[derive(Debug, Clone)]
pub struct Options {
    /// Holds one finished repository per key; may be deleted at any time.
    pub cache: PathBuf,
    /// If given, the repository is also put at exactly this path (by hard links where possible).
    pub out: Option<PathBuf>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distro {
    /// The repository: RPMs and `repodata/`, to be used as `file://` or served as it is.
    pub repo: PathBuf,
    /// Changes when the Debian packages or this crate change.
    pub key: String,
    /// Nothing had to be made.
    pub cached: bool,
}

impl Options {
    pub fn cached(cache: impl Into<PathBuf>) -> Self {
        Self { cache: cache.into(), out: None }
    }

    #[must_use]
    pub fn out(mut self, out: impl Into<PathBuf>) -> Self {
        self.out = Some(out.into());
        self
    }
}

/// Makes the distribution, or finds it in the cache. Several processes may do so at once.
pub fn make(options: &Options, progress: &dyn Fn(&str)) -> Result<Distro, Error> {
    let distro = cache::made(&options.cache, progress)?;
    let Some(out) = &options.out else { return Ok(distro) };
    let repo = cache::placed(&distro, out)?;
    Ok(Distro { repo, ..distro })
}

/// The cached repository for what apt offers now, if it has been made.
pub fn find(options: &Options) -> Result<Option<Distro>, Error> {
    cache::found(&options.cache)
}
