//! Configuration of the frontend.

use std::{net::SocketAddr, path::PathBuf};

use serde::Deserialize;

use crate::{accounts::AccountsConfig, ops::RulesConfig};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// `redis://host:port` or `redis+unix:///path`.
    pub redis: String,
    /// `sqlite:///path` or `postgres://user@host/name`.
    pub database: String,
    /// Where users reach this service. Its host name stands in repository ids.
    pub public_url: String,
    /// Where our own services reach this service, for uploaded files.
    pub internal_url: String,
    /// Public address of the results; ends in `/results`.
    pub results_url: String,
    /// Where our services reach the results; `None`: where everybody does.
    pub internal_results_url: Option<String>,
    /// Where our services reach keygen.
    pub keygen_url: String,
    /// Where our services reach the backend.
    pub backend_url: String,
    /// Where our services reach distgit.
    pub distgit_url: String,
    /// File with the secret that keygen shares with us: by it the backend gets leave to have something signed.
    pub keygen_secret_file: PathBuf,
    /// Uploaded files lie here until they are imported.
    pub data_dir: PathBuf,
    /// Templates in this folder replace the built-in ones of the same name.
    pub templates_dir: Option<PathBuf>,
    pub http: HttpConfig,
    pub rules: RulesConfig,
    pub accounts: AccountsConfig,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpConfig {
    /// Where to listen; port 0 takes any free port.
    pub listen: SocketAddr,
    pub workers: usize,
    /// Largest body that is held in memory.
    pub body_limit_bytes: u64,
    /// Largest uploaded file.
    pub upload_limit_bytes: u64,
    /// Longest pause inside a request body.
    pub body_pause_s: u64,
    /// How often one API token may ask; 0: as often as it likes.
    pub token_requests_per_minute: u32,
    /// How often one address may ask the API without a valid token; 0: as often as it likes.
    pub address_requests_per_minute: u32,
    /// How many pages one address may follow live at the same time; 0: as many as it likes.
    pub streams_per_address: u32,
    /// Addresses are what the proxy says in `Forwarded` or `X-Forwarded-For`. Only when a proxy sets them itself.
    pub behind_proxy: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            redis: "redis://127.0.0.1:6379".into(),
            database: "sqlite:///var/lib/coppice/frontend/frontend.sqlite".into(),
            public_url: "http://127.0.0.1:5000".into(),
            internal_url: "http://127.0.0.1:5000".into(),
            results_url: "http://127.0.0.1:5002/results".into(),
            internal_results_url: None,
            keygen_url: "http://127.0.0.1:5004".into(),
            backend_url: "http://127.0.0.1:5003".into(),
            distgit_url: "http://127.0.0.1:5001".into(),
            keygen_secret_file: "/etc/coppice/keygen.secret".into(),
            data_dir: "/var/lib/coppice/frontend".into(),
            templates_dir: None,
            http: HttpConfig::default(),
            rules: RulesConfig::default(),
            accounts: AccountsConfig::default(),
        }
    }
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 5000)),
            workers: 2,
            body_limit_bytes: 2 << 20,
            upload_limit_bytes: 10 << 30,
            body_pause_s: 30,
            token_requests_per_minute: 3_000,
            address_requests_per_minute: 1_200,
            streams_per_address: 64,
            behind_proxy: false,
        }
    }
}
