//! The steps of a publish, each of which may be the last one that a killed process did.

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

/// Hears of every step as soon as it is done.
pub type Watch = coppice_runtime::Watch<Step>;
