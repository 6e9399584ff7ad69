//! The backend's configuration.

use std::{net::SocketAddr, path::PathBuf};

use coppice_model::address::AllowList;
use serde::Deserialize;

use crate::{
    publisher::{PublishConfig, Watch},
    results::ResultsConfig,
};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// `redis://…` or `redis+unix:///…`.
    pub redis: String,
    pub http: HttpConfig,
    /// Holds `results`, `staging` and `state`; all on one file system.
    pub data_dir: PathBuf,
    /// What users put before `/<owner>/<project>`; ends in `/results`.
    pub results_url: String,
    /// What agents dial; empty means the address that `http.listen` got.
    pub agent_url: String,
    /// Where the results tree is served; another origin than the pages.
    pub results_listen: SocketAddr,
    pub keygen_url: String,
    pub keygen_secret_file: PathBuf,
    /// `host` or `host:port` that builders may fetch from although it is not public.
    pub allow: AllowList,
    /// Without a word from its builder for this long an attempt is lost.
    pub lease_s: u32,
    pub dispatch: DispatchConfig,
    pub local: LocalConfig,
    pub publish: PublishConfig,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpConfig {
    /// Where agents and `/metrics` are served; port 0 takes any free port.
    pub listen: SocketAddr,
    pub workers: usize,
}

/// Bounds and times of the dispatcher.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DispatchConfig {
    /// Tasks of one sandbox (owner, project and submitter) that run at the same time.
    pub per_sandbox: usize,
    /// Tasks of one owner that run at the same time.
    pub per_owner: usize,
    /// A machine that did not enrol within this time is taken down.
    pub ticket_s: u32,
    /// A builder that was told to cancel has this long to finish.
    pub cancel_grace_s: u32,
    /// A builder may exceed its task's own time limit by this much, to collect and send results.
    pub timeout_grace_s: u32,
    /// A connection that sends nothing for this long in the middle of a body is given up.
    pub body_idle_s: u32,
    /// Results that are checked, signed and published at the same time.
    pub ingests_at_once: usize,
    /// Actions on repositories that run at the same time.
    pub actions_at_once: usize,
    /// How long an outcome is remembered, so that a repeated message is answered and not built again.
    pub outcomes_kept_days: u32,
}

/// Builder agents on this host: each takes one task and is then replaced.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LocalConfig {
    /// How many agents wait or build; 0 switches this provider off.
    pub agents: usize,
    /// The agent's program and first arguments.
    pub command: Vec<String>,
    /// Each agent works in a folder of its own below this one.
    pub work_dir: PathBuf,
    /// What agents share between tasks; empty means `<work_dir>/cache`.
    pub cache_dir: PathBuf,
    /// Whether building agents live on when the backend stops in order; they always outlive a crash.
    pub keep_running: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            redis: "redis://127.0.0.1:6379".into(),
            http: HttpConfig::default(),
            data_dir: "/var/lib/coppice/backend".into(),
            results_url: "http://127.0.0.1:5002/results".into(),
            agent_url: String::new(),
            results_listen: SocketAddr::from(([127, 0, 0, 1], 5002)),
            keygen_url: "http://127.0.0.1:5004".into(),
            keygen_secret_file: "/etc/coppice/keygen.secret".into(),
            allow: AllowList::default(),
            lease_s: 60,
            dispatch: DispatchConfig::default(),
            local: LocalConfig::default(),
            publish: PublishConfig::default(),
        }
    }
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 5001)), workers: 2 }
    }
}

impl Default for DispatchConfig {
    fn default() -> Self {
        Self {
            per_sandbox: 10,
            per_owner: 20,
            ticket_s: 60,
            cancel_grace_s: 30,
            timeout_grace_s: 600,
            body_idle_s: 30,
            ingests_at_once: 4,
            actions_at_once: 2,
            outcomes_kept_days: 30,
        }
    }
}

impl Default for LocalConfig {
    fn default() -> Self {
        Self {
            agents: 0,
            command: vec!["coppice-builder-agent".into()],
            work_dir: "/var/lib/coppice/agents".into(),
            cache_dir: PathBuf::new(),
            keep_running: false,
        }
    }
}

impl LocalConfig {
    pub fn cache_dir(&self) -> PathBuf {
        if self.cache_dir.as_os_str().is_empty() {
            self.work_dir.join("cache")
        } else {
            self.cache_dir.clone()
        }
    }
}

impl Config {
    /// What builders sent and what is known of running attempts.
    pub fn staging_dir(&self) -> PathBuf {
        self.data_dir.join("staging")
    }

    pub fn results(&self) -> ResultsConfig {
        ResultsConfig {
            data_dir: self.data_dir.clone(),
            results_url: self.results_url.clone(),
            keygen_url: self.keygen_url.clone(),
            keygen_secret_file: self.keygen_secret_file.clone(),
            publish: self.publish.clone(),
            watch: Watch::default(),
        }
    }

    /// Queue, machines, outcomes and actions.
    pub fn state_dir(&self) -> PathBuf {
        self.data_dir.join("state")
    }
}
