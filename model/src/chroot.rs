//! What a build environment is made of.

use serde::{Deserialize, Serialize};

use crate::ChrootName;

/// Which runner of the builder agent builds for a chroot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Runner {
    /// The real Mock. `config` is a file of mock-core-configs, named without `.cfg`; without one the
    /// configuration is generated whole from the chroot's own repositories.
    Mock { config: Option<String> },
    /// An unprivileged sandbox over a cached root that dnf installed.
    Sandbox,
}

/// A repository that packages are installed from during a build.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Repository {
    /// Unique in the build; `[A-Za-z0-9_.:-]`.
    pub id: String,
    pub name: String,
    /// `http(s)://…`, or `file://…` from the operator's own chroot definitions.
    pub baseurl: String,
    /// DNF's priority: 1 is strongest, none means 99.
    pub priority: Option<i64>,
    pub module_hotfixes: Option<bool>,
    pub repo_gpgcheck: Option<bool>,
}

/// How the root of a chroot is made, before anything of the project is added: the operator's choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChrootDefinition {
    pub name: ChrootName,
    pub runner: Runner,
    /// The distribution's repositories. May be empty for Mock with a configuration file.
    #[serde(default)]
    pub repositories: Vec<Repository>,
    /// What every root holds, as DNF takes it: `@build` or package names.
    #[serde(default)]
    pub setup_packages: Vec<String>,
}

/// The environment of one build: the chroot and what project and build add to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    pub chroot: ChrootDefinition,
    /// The project's own and additional repositories, in the order of the contract's section 9.3.
    pub repositories: Vec<Repository>,
    #[serde(default)]
    pub additional_packages: Vec<String>,
    #[serde(default)]
    pub additional_modules: Vec<String>,
    #[serde(default)]
    pub with_opts: Vec<String>,
    #[serde(default)]
    pub without_opts: Vec<String>,
    /// Mock's isolation: `default`, `nspawn` or `simple`.
    pub isolation: String,
    /// Mock's bootstrap: `default`, `on`, `off`, `image` or `custom_image`.
    pub bootstrap: String,
    #[serde(default)]
    pub bootstrap_image: Option<String>,
    /// Whether %build may reach the network.
    pub enable_net: bool,
}
