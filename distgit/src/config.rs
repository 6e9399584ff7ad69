//! Configuration of the DistGit service.

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
    /// Holds `git/`, `lookaside/`, `imports/` and `tmp/`, all on one file system.
    pub data_dir: PathBuf,
    /// What builders and users put before `/git/…` and `/repo/pkgs/…`.
    pub public_url: String,
    /// How many imports run at the same time.
    pub imports: usize,
    pub limits: Limits,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpConfig {
    /// Where to listen; port 0 takes any free port.
    pub listen: SocketAddr,
    pub workers: usize,
    /// How many git processes serve clients at the same time; further clients wait.
    pub git_processes: usize,
    /// One clone or fetch may take this long.
    pub git_timeout_s: u64,
}

/// What a source RPM may cost us.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    pub srpm_bytes: u64,
    /// Sum of all files in the source RPM.
    pub unpacked_bytes: u64,
    pub files: usize,
    pub spec_bytes: u64,
    /// Sum of the text files in one commit; what is more goes to the lookaside cache.
    pub text_bytes: u64,
    /// The download of one source RPM may take this long.
    pub download_timeout_s: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            redis: "redis://127.0.0.1:6379".into(),
            consumer: "distgit".into(),
            http: HttpConfig::default(),
            data_dir: "/var/lib/coppice/distgit".into(),
            public_url: "http://127.0.0.1:5001".into(),
            imports: 4,
            limits: Limits::default(),
        }
    }
}

impl Default for HttpConfig {
    fn default() -> Self {
        let listen = SocketAddr::from(([127, 0, 0, 1], 5001));
        Self { listen, workers: 2, git_processes: 16, git_timeout_s: 1_800 }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            srpm_bytes: 4 << 30,
            unpacked_bytes: 8 << 30,
            files: 10_000,
            spec_bytes: 4 << 20,
            text_bytes: 32 << 20,
            download_timeout_s: 3_600,
        }
    }
}
