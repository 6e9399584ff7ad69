//! Finished builds: checked, signed, verified, placed in the public tree and published.
//! Every step may be cut off and run again; what is already done is left as it is.

mod check;
mod config;
mod fork;
mod ingest;
mod place;
mod rotate;
mod sign;
mod source;
mod take;
mod worker_log;

use std::{
    error::Error,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use coppice_model::{agent::Job, publish_queue::Waiting, work::RpmWork};
use coppice_runtime::{Clock, Secret, health::Metrics, logging::with_causes, secret::SecretError};

pub use config::ResultsConfig;
pub(crate) use worker_log::utc;

pub use crate::dispatch::staging::Staged;
use crate::{
    blocking::{Broken, blocking},
    publisher::{Ground, OpenError, PublishError, Publisher},
    shelf::Shelf,
    signing::{Keygen, SigningError},
    tree::{RepoId, Tree},
    verify::{Verifier, VerifyError},
};

#[derive(Debug, thiserror::Error)]
pub enum ResultsError {
    #[error("opening the results tree")]
    Tree(#[source] io::Error),
    #[error("opening the key rings")]
    Keyrings(#[source] io::Error),
    #[error("reading the secret shared with keygen")]
    Secret(#[from] SecretError),
    #[error("preparing the connection to keygen")]
    Keygen(#[from] SigningError),
    #[error(transparent)]
    Publisher(#[from] OpenError),
    #[error("opening the results tree")]
    Broken(#[from] Broken),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IngestError {
    /// The builder's result does not fit its task; the sentence is for the user.
    #[error("{0}")]
    Refused(String),
    /// Our side failed: keep the staging and call again.
    #[error("{0}")]
    Unavailable(String),
}

impl IngestError {
    /// Our side failed while `doing`; the causes go into the text, since nobody sees the error itself.
    pub(crate) fn unavailable(doing: &str, error: &(dyn Error + 'static)) -> Self {
        Self::Unavailable(format!("{doing}: {}", with_causes(error)))
    }

    pub(crate) fn disk(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::unavailable(doing, &error)
    }
}

impl From<Broken> for IngestError {
    fn from(error: Broken) -> Self {
        Self::unavailable("working on the results", &error)
    }
}

impl From<PublishError> for IngestError {
    fn from(error: PublishError) -> Self {
        Self::unavailable("publishing the repository", &error)
    }
}

impl From<SigningError> for IngestError {
    fn from(error: SigningError) -> Self {
        Self::unavailable("signing the packages", &error)
    }
}

impl From<VerifyError> for IngestError {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Damaged { .. } => Self::Refused(error.to_string()),
            other => Self::unavailable("verifying the signed packages", &other),
        }
    }
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Results {
    pub(crate) tree: Tree,
    pub(crate) keys: Keygen,
    pub(crate) publisher: Publisher,
    verifier: Verifier,
    clock: Clock,
    results_url: Arc<str>,
    /// The new key of each rotation, by its action.
    rotations: Shelf<String>,
}

impl Results {
    pub async fn open(config: &ResultsConfig, clock: Clock, metrics: &Metrics) -> Result<Self, ResultsError> {
        let secret = Secret::read(&config.keygen_secret_file)?;
        let keys = Keygen::new(&config.keygen_url, secret)?;
        let data = config.data_dir.clone();
        let tree = blocking(move || Tree::open(&data)).await?.map_err(ResultsError::Tree)?;
        let verifier = Verifier::open(tree.keyrings()).map_err(ResultsError::Keyrings)?;
        let results_url = config.results_url.trim_end_matches('/');
        let ground = Ground { tree: &tree, keys: &keys, clock: clock.clone(), results_url, metrics };
        let publisher = Publisher::open(ground, config.publish.clone(), config.watch.clone())?;
        let rotations = Shelf::open(tree.state().join("rotations")).map_err(ResultsError::Tree)?;
        let results_url = results_url.into();
        Ok(Self { tree, keys, publisher, verifier, clock, results_url, rotations })
    }

    /// The folder that the static server shows as `/results`.
    pub fn public_dir(&self) -> &Path {
        self.tree.public()
    }

    /// Where the output of a running task is appended, so that users can watch it.
    pub fn live_log(&self, job: &Job) -> PathBuf {
        let dir = match job {
            Job::Source(work) => self.tree.source_dir(&work.context),
            Job::Rpm(work) => self.result_dir(work),
        };
        dir.join("builder-live.log")
    }

    /// Removes what only the grace time of deleted builds kept.
    pub async fn sweep(&self) -> Result<(), PublishError> {
        self.publisher.sweep().await
    }

    /// Repositories that are to be published, for operators.
    pub fn publishing(&self) -> Vec<Waiting> {
        self.publisher.queue()
    }

    fn result_dir(&self, work: &RpmWork) -> PathBuf {
        self.tree.repository(&RepoId::of(work)).join(work.result_dir())
    }
}
