//! What handlers need beside the domain: our addresses, the templates and the uploads.

use std::{
    fs,
    sync::{PoisonError, RwLock},
    time::Duration,
};

use coppice_runtime::Secret;
use url::Url;

use crate::{
    accounts::Accounts,
    config::Config,
    logs::Logs,
    pages::{Kept, Statistics, Templates},
    peers::Peers,
    repofile::Site,
    service::StartError,
    streams::{Limits, Streams},
    uploads::Uploads,
};

#[derive(Debug)]
pub struct Web {
    /// Without a slash at its end, like every address here.
    pub public_url: String,
    pub site: Site,
    pub templates: Templates,
    pub uploads: Uploads,
    pub peers: Peers,
    /// Logs that somebody reads.
    pub logs: Logs,
    pub streams: Streams,
    pub accounts: Accounts,
    /// Of the page of statistics.
    pub statistics: Kept<Statistics>,
    notice: RwLock<Option<String>>,
}

impl Web {
    /// `keygen_secret` is shared with keygen.
    pub fn open(config: &Config, keygen_secret: Secret) -> Result<Self, StartError> {
        fs::create_dir_all(&config.data_dir)
            .map_err(|source| StartError::Folder { path: config.data_dir.clone(), source })?;
        let pause = Duration::from_secs(config.http.body_pause_s.max(1));
        let folder = config.data_dir.join("uploads");
        let uploads = Uploads::open(folder.clone(), config.http.upload_limit_bytes, pause)
            .map_err(|source| StartError::Folder { path: folder, source })?;
        let templates = match &config.templates_dir {
            Some(dir) => Templates::with_folder(dir)?,
            None => Templates::embedded()?,
        };
        let public_url = config.public_url.trim_end_matches('/').to_owned();
        let results_url = config.results_url.trim_end_matches('/').to_owned();
        let host = host_of(&public_url).ok_or_else(|| StartError::PublicUrl(public_url.clone()))?;
        let accounts = Accounts::open(config, &keygen_secret)?;
        let peers = Peers::new(config, keygen_secret)?;
        let folder = config.data_dir.join("logs");
        let logs =
            Logs::open(folder.clone()).map_err(|source| StartError::Folder { path: folder, source })?;
        let streams = Streams::new(&config.http, Limits::default());
        let site = Site { host, results_url };
        Ok(Self {
            public_url,
            site,
            templates,
            uploads,
            peers,
            accounts,
            logs,
            streams,
            statistics: Kept::default(),
            notice: RwLock::default(),
        })
    }

    /// Whether people reach us over HTTPS.
    pub fn is_encrypted(&self) -> bool {
        self.public_url.starts_with("https://")
    }

    /// What the operators tell on every page.
    pub fn notice(&self) -> Option<String> {
        self.notice.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn set_notice(&self, notice: Option<String>) {
        *self.notice.write().unwrap_or_else(PoisonError::into_inner) = notice;
    }

    /// Where everybody finds an uploaded file; `path` is `<folder>/<file name>`.
    pub fn upload_url(&self, path: &str) -> String {
        format!("{}/tmp/{path}", self.public_url)
    }
}

fn host_of(url: &str) -> Option<String> {
    Url::parse(url).ok()?.host_str().map(str::to_owned)
}
