//! How a repository's index is packed, and how long what was published before stays.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PublishConfig {
    pub compression: Compression,
    /// Repositories that are published at the same time; the others wait their turn.
    pub publishes_at_once: usize,
    /// So many of the newest publishes stay as snapshots …
    pub snapshots_kept: usize,
    /// … unless they are older than this.
    pub snapshots_age_s: i64,
    /// For so long after a newer publish every replaced one stays, for clients that read its `repomd.xml` …
    pub grace_s: i64,
    /// … but never more than so many of them …
    pub grace_count: usize,
    /// … and never more than so many bytes of index files.
    pub grace_bytes: u64,
    /// Packages of deleted builds leave the disk this long after they left the metadata; 0: at once.
    pub deleted_grace_s: i64,
}

impl Default for PublishConfig {
    fn default() -> Self {
        Self {
            compression: Compression::Gzip,
            publishes_at_once: 2,
            snapshots_kept: 20,
            snapshots_age_s: 30 * 86_400,
            grace_s: 48 * 3_600,
            grace_count: 200,
            grace_bytes: 1 << 30,
            deleted_grace_s: 3_600,
        }
    }
}

/// Of the index files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Every client reads it.
    #[default]
    Gzip,
    /// A third smaller. EL 7's yum and readers that stop after the first zstd frame cannot read it.
    Zstd,
}

impl Compression {
    /// Of a file name.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Gzip => "gz",
            Self::Zstd => "zst",
        }
    }

    /// Sizes in packages at which neighbouring blocks become one. A gzip window is 32 KB, so larger blocks gain
    /// nothing; zstd finds what repeats over megabytes.
    pub fn tiers(self) -> &'static [u64] {
        match self {
            Self::Gzip => &[16, 64],
            Self::Zstd => &[16, 64, 256, 1_024, 4_096],
        }
    }
}
