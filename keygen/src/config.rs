//! Configuration of the key service.

use std::{net::SocketAddr, path::PathBuf};

use serde::Deserialize;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Address of Redis: `redis://…` or `redis+unix:///…`.
    pub redis: String,
    /// Name within the consumer group; stable over restarts.
    pub consumer: String,
    pub http: HttpConfig,
    /// Holds `gnupg/` (the private keys; only we may read it) and `audit.log`.
    pub data_dir: PathBuf,
    /// File with the secret that the frontend and the backend share with us.
    pub secret_file: PathBuf,
    /// Keys are for `owner#project@copr.<sign_domain>`.
    pub sign_domain: String,
    /// Threads that talk to GnuPG.
    pub signers: usize,
    pub limits: Limits,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpConfig {
    /// Where to listen; port 0 takes any free port. Never an address that the world reaches.
    pub listen: SocketAddr,
    pub workers: usize,
}

/// What one request may ask for.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    pub item_bytes: usize,
    pub items: usize,
    /// The whole request, in which content is base64.
    pub request_bytes: usize,
    pub label_bytes: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            redis: "redis://127.0.0.1:6379".into(),
            consumer: "keygen".into(),
            http: HttpConfig::default(),
            data_dir: "/var/lib/coppice/keygen".into(),
            secret_file: "/etc/coppice/keygen.secret".into(),
            sign_domain: "localhost".into(),
            signers: 2,
            limits: Limits::default(),
        }
    }
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 5004)), workers: 2 }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { item_bytes: 32 << 20, items: 1_000, request_bytes: 128 << 20, label_bytes: 300 }
    }
}
