//! What the rules must know besides the database.

use std::sync::Arc;

use coppice_model::{UnixTime, work::Limits};
use coppice_runtime::Secret;
use serde::Deserialize;

use crate::Config;

/// The section `[rules]` of the configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RulesConfig {
    /// How often a task is started before we say that it was our fault.
    pub max_attempts: u32,
    /// A work that nobody spoke of for so long is ordered again.
    pub silent_s: u32,
    /// Memory of one task.
    pub memory_mb: u64,
    /// Processes of one task.
    pub processes: u64,
    /// Longest log of one task.
    pub log_bytes: u64,
    /// All result files of one task together.
    pub result_bytes: u64,
    /// How long a key lives from its last renewal; a tenth later it is renewed.
    pub key_lifetime_days: u32,
    /// DistGits of distributions that users may build from; the first one is the default.
    pub distgits: Vec<DistgitInstance>,
}

/// Packages are at `<url>/<namespace>/<package>`; without a namespace at `<url>/rpms/<package>`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DistgitInstance {
    pub name: String,
    pub url: String,
}

impl Default for RulesConfig {
    fn default() -> Self {
        let Limits { memory_mb, processes, log_bytes, result_bytes, .. } = Limits::default();
        Self {
            max_attempts: 5,
            silent_s: 900,
            memory_mb,
            processes,
            log_bytes,
            result_bytes,
            key_lifetime_days: 3_653,
            distgits: [
                ("fedora", "https://src.fedoraproject.org"),
                ("centos", "https://git.centos.org"),
                ("centos-stream", "https://gitlab.com/redhat/centos-stream"),
            ]
            .map(|(name, url)| DistgitInstance { name: name.into(), url: url.into() })
            .into(),
        }
    }
}

impl RulesConfig {
    fn limits(&self) -> Limits {
        Limits {
            memory_mb: self.memory_mb,
            processes: self.processes,
            log_bytes: self.log_bytes,
            result_bytes: self.result_bytes,
            ..Limits::default()
        }
    }
}

/// The part of the configuration that decides.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where our own services reach this frontend, for uploaded files; no slash at the end.
    pub internal_url: String,
    /// Public base of the results, ends in `/results`.
    pub results_url: String,
    /// How often a task is started before our infrastructure gives up.
    pub max_attempts: u32,
    /// After how many seconds of silence a work is ordered again.
    pub silent_s: i64,
    /// Bounds of every task but for its time, which the build says.
    pub limits: Limits,
    /// How long a key lives from its last renewal.
    pub key_lifetime_s: i64,
    /// The first one is the default.
    pub distgits: Vec<DistgitInstance>,
    /// Seals the leave to sign.
    pub keygen_secret: Secret,
}

impl Settings {
    pub fn new(config: &Config, keygen_secret: Secret) -> Self {
        let bare = |url: &str| url.trim_end_matches('/').to_owned();
        let rules = &config.rules;
        Self {
            internal_url: bare(&config.internal_url),
            results_url: bare(&config.results_url),
            max_attempts: rules.max_attempts.max(1),
            silent_s: i64::from(rules.silent_s.max(1)),
            limits: rules.limits(),
            key_lifetime_s: i64::from(rules.key_lifetime_days.max(1)) * 86_400,
            distgits: rules.distgits.clone(),
            keygen_secret,
        }
    }

    /// `<results_url>/<owner>/<dir>/<chroot>/`.
    pub fn chroot_url(&self, owner: &str, dir: &str, chroot: &str) -> String {
        format!("{}/{owner}/{dir}/{chroot}/", self.results_url)
    }

    /// Where our services find an uploaded file.
    pub fn internal_upload_url(&self, path: &str) -> String {
        format!("{}/tmp/{path}", self.internal_url)
    }
}

/// The settings and the moment of a call. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Context {
    pub settings: Arc<Settings>,
    pub now: UnixTime,
}
