//! The steps of a publish, each of which may be the last one that a killed process did.

use std::{fmt, io, sync::Arc};

/// What is on the disk after each step; everything before [`Step::Manifest`] is forgotten after a kill, everything
/// after it is done again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// The index files, which nothing refers to.
    IndexFiles,
    /// The folder of the snapshot with its `repomd.xml` and signature.
    Snapshot,
    /// The manifest: from now on the publish counts.
    Manifest,
    /// `mirrorlist` names the new snapshot.
    Mirrorlist,
    /// `snapshots/index.json`.
    List,
    /// `repomd.xml.asc`
    Signature,
    /// `repomd.xml`: clients of the plain address see the new repository.
    Repomd,
    /// The changes that led to it are forgotten.
    Settled,
    /// What nobody needs any more is removed.
    Swept,
}

impl Step {
    pub const ALL: [Self; 9] = [
        Self::IndexFiles,
        Self::Snapshot,
        Self::Manifest,
        Self::Mirrorlist,
        Self::List,
        Self::Signature,
        Self::Repomd,
        Self::Settled,
        Self::Swept,
    ];
}

/// Hears of every step as soon as it is done; an error ends the publish there. Tests kill by it.
#[derive(Clone)]
pub struct Watch(Arc<dyn Fn(Step) -> io::Result<()> + Send + Sync>);

impl Watch {
    pub fn new(watch: impl Fn(Step) -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self(Arc::new(watch))
    }

    pub(super) fn done(&self, step: Step) -> io::Result<()> {
        (self.0)(step)
    }
}

impl Default for Watch {
    fn default() -> Self {
        Self::new(|_| Ok(()))
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}
