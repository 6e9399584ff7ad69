//! What the results half of the backend needs to know.

use std::path::PathBuf;

use crate::publisher::{PublishConfig, Watch};

#[derive(Debug, Clone)]
pub struct ResultsConfig {
    /// `results` below it is public, `state` is not; both on one file system.
    pub data_dir: PathBuf,
    /// What users put before `/<owner>/<project>`; ends in `/results`.
    pub results_url: String,
    pub keygen_url: String,
    pub keygen_secret_file: PathBuf,
    pub publish: PublishConfig,
    /// Hears of every step of a publish.
    pub watch: Watch,
}
