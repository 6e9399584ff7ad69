//! `snapshots/index.json` of a repository: the publishes that can be pinned and brought back.

use serde::{Deserialize, Serialize};

use crate::UnixTime;

/// Oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotList {
    /// Number of the publish that the plain address shows.
    pub current: u64,
    pub snapshots: Vec<SnapshotEntry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotEntry {
    /// Counts from 1 in each repository and is never given twice.
    pub number: u64,
    pub published_on: UnixTime,
    pub packages: u64,
    pub builds: u64,
    /// The earlier publish that this one brought back.
    pub of: Option<u64>,
    /// Fingerprint of the key that signed it; an empty repository may be unsigned.
    pub key: Option<String>,
    /// Of its index files, compressed.
    pub bytes: u64,
}
