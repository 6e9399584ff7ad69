//! How long a repository keeps what a newer publish replaced.

use serde::Deserialize;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PublishConfig {
    /// How long index files stay after a newer publish, for clients that still hold the old `repomd.xml`.
    pub index_grace_s: i64,
    /// Never more replaced index files than this in one repository; each publish replaces three.
    pub replaced_files_kept: usize,
}

impl Default for PublishConfig {
    fn default() -> Self {
        Self { index_grace_s: 48 * 3_600, replaced_files_kept: 600 }
    }
}
