//! Questions to other services that only read: whose keys a project has, which publishes a repository keeps and
//! which wait. What they say is shown and never decided upon.

use std::time::Duration;

use coppice_model::{
    BuildId, ChrootName, DirName, OwnerName, ProjectRef, build_queue::WaitingTask, publish_queue::Waiting,
    signing::KeyRing, snapshot::SnapshotList,
};
use coppice_runtime::Secret;
use reqwest::{
    RequestBuilder, Response, StatusCode,
    header::{CONTENT_ENCODING, RANGE},
};
use serde::de::DeserializeOwned;

use crate::Config;

/// A page waits no longer for another service.
const LIMIT: Duration = Duration::from_secs(10);
/// For what a page can do without.
const GLANCE: Duration = Duration::from_secs(2);
/// A log may be long.
const LOG_LIMIT: Duration = Duration::from_secs(120);

#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    #[error("preparing the connection to other services")]
    Client(#[source] reqwest::Error),
    #[error("{0} does not answer: try again in a moment")]
    Silent(&'static str, #[source] reqwest::Error),
}

/// What the server of the results says when it is asked for a part of a log.
#[derive(Debug)]
pub enum LogAnswer {
    Absent,
    /// The log ends where the part would begin.
    NothingNew,
    Part(Response),
    /// The log is complete and packed by gzip; a range is one of the packed bytes.
    Packed(Response),
}

/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct Peers {
    client: reqwest::Client,
    keygen_url: String,
    keygen_secret: Secret,
    results_url: String,
    backend_url: String,
}

impl Peers {
    pub fn new(config: &Config, keygen_secret: Secret) -> Result<Self, PeerError> {
        let client = reqwest::Client::builder().timeout(LIMIT).no_proxy().build();
        let bare = |url: &str| url.trim_end_matches('/').to_owned();
        Ok(Self {
            client: client.map_err(PeerError::Client)?,
            keygen_url: bare(&config.keygen_url),
            keygen_secret,
            results_url: bare(config.internal_results_url.as_ref().unwrap_or(&config.results_url)),
            backend_url: bare(&config.backend_url),
        })
    }

    /// All keys that the project ever had; `None` until the first is made.
    pub async fn keys(&self, project: &ProjectRef) -> Result<Option<KeyRing>, PeerError> {
        let owner = project.owner.as_str().replace('@', "%40");
        let url = format!("{}/v1/keys/{owner}/{}/all", self.keygen_url, project.name);
        ask("keygen", self.client.get(url).bearer_auth(self.keygen_secret.expose())).await
    }

    /// What can be pinned and brought back; `None` until the repository was published.
    pub async fn snapshots(
        &self,
        owner: &OwnerName,
        dir: &DirName,
        chroot: &ChrootName,
    ) -> Result<Option<SnapshotList>, PeerError> {
        let url = format!("{}/{owner}/{dir}/{chroot}/snapshots/index.json", self.results_url);
        ask("the server of the results", self.client.get(url)).await
    }

    /// A log of a build from byte `from` on; `path` is below the address of all results. Its answer may be packed.
    pub async fn log(&self, path: &str, from: u64, most: u64) -> Result<LogAnswer, PeerError> {
        let mut request = self.client.get(format!("{}/{path}", self.results_url)).timeout(LOG_LIMIT);
        if from > 0 || most < u64::MAX {
            request = request.header(RANGE, format!("bytes={from}-{}", from.saturating_add(most - 1)));
        }
        let silent = |error| PeerError::Silent("the server of the results", error);
        let answer = request.send().await.map_err(silent)?;
        let is_packed = answer.headers().get(CONTENT_ENCODING).is_some_and(|kind| kind == "gzip");
        match answer.status() {
            StatusCode::NOT_FOUND => Ok(LogAnswer::Absent),
            _ if is_packed => Ok(LogAnswer::Packed(answer)),
            StatusCode::RANGE_NOT_SATISFIABLE => Ok(LogAnswer::NothingNew),
            _ => Ok(LogAnswer::Part(answer.error_for_status().map_err(silent)?)),
        }
    }

    /// Why the tasks of a build wait for a builder. A page does not wait long for it.
    pub async fn build_queue(&self, build: BuildId) -> Result<Vec<WaitingTask>, PeerError> {
        let request = self.client.get(format!("{}/queue/{build}", self.backend_url)).timeout(GLANCE);
        Ok(ask("the backend", request).await?.unwrap_or_default())
    }

    /// A small file beside the results; `None` when it is not there.
    pub async fn result_file(&self, path: &str, most: usize) -> Result<Option<Vec<u8>>, PeerError> {
        let silent = |error| PeerError::Silent("the server of the results", error);
        let request = self.client.get(format!("{}/{path}", self.results_url));
        let answer = request.send().await.map_err(silent)?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let mut answer = answer.error_for_status().map_err(silent)?;
        let mut bytes = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(silent)? {
            if bytes.len() + piece.len() > most {
                return Ok(None);
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(Some(bytes))
    }

    /// Repositories that are to be published, in the order of their turns.
    pub async fn publish_queue(&self) -> Result<Vec<Waiting>, PeerError> {
        let url = format!("{}/publishing", self.backend_url);
        Ok(ask("the backend", self.client.get(url)).await?.unwrap_or_default())
    }
}

async fn ask<T: DeserializeOwned>(
    who: &'static str,
    request: RequestBuilder,
) -> Result<Option<T>, PeerError> {
    let silent = |error| PeerError::Silent(who, error);
    let answer = request.send().await.map_err(silent)?;
    if answer.status() == StatusCode::NOT_FOUND {
        return Ok(None);
    }
    answer.error_for_status().map_err(silent)?.json().await.map(Some).map_err(silent)
}
