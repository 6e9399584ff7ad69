//! What the backend tells of repositories that are to be published.

use serde::{Deserialize, Serialize};

use crate::UnixTime;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// `owner/dir/chroot`.
    pub repository: String,
    /// Builds and actions that wait for the same publish.
    pub requests: usize,
    pub since: UnixTime,
    /// Why the last try did not succeed; for operators.
    pub trouble: Option<String>,
}
