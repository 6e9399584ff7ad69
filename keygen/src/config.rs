//! Configuration of the key service.

use std::{net::SocketAddr, path::PathBuf};

use serde::Deserialize;

use crate::step::Watch;

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
    /// File with the secret that the frontend shares with us: it seals the grants, and reads public keys.
    pub secret_file: PathBuf,
    /// File with the backend's secret: only its holder may have anything signed.
    pub backend_secret_file: PathBuf,
    /// Keys are for `owner#project@copr.<sign_domain>`.
    pub sign_domain: String,
    pub sign_by: SignBy,
    /// How long a new key lives.
    pub key_lifetime_days: u32,
    /// Private keys that are held ready to sign.
    pub keys_in_memory: usize,
    /// RSA keys that are made ahead, so that no new project waits for one.
    pub pool: usize,
    /// Threads that talk to GnuPG.
    pub signers: usize,
    pub limits: Limits,
    /// Hears of every step; no configuration names it.
    #[serde(skip)]
    pub watch: Watch,
}

/// Who does the arithmetic of a signature; whoever checks it sees no difference.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignBy {
    /// This process, with keys that GnuPG made and keeps.
    #[default]
    Ourselves,
    /// gpg-agent: the private keys are in no other process, and every signature takes its turn there.
    Gnupg,
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
            backend_secret_file: "/etc/coppice/keygen-backend.secret".into(),
            sign_domain: "localhost".into(),
            sign_by: SignBy::default(),
            // The frontend has it renewed long before.
            key_lifetime_days: 3_653,
            keys_in_memory: 10_000,
            pool: 3,
            signers: 2,
            limits: Limits::default(),
            watch: Watch::default(),
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
