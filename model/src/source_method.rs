//! Ways to make sources that need more than an address: what a build is submitted with, what a package keeps as its
//! default, what a builder gets (contract of Copr's API, sections 10.7 and 12.1). Texts are empty when not given.

use serde::{Deserialize, Serialize};

use crate::state::words;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum SourceMethod {
    /// A repository of somebody's version control.
    Scm(ScmSource),
    /// A package of a distribution's DistGit.
    Distgit(DistgitSource),
    Pypi(PypiSource),
    Rubygems {
        gem_name: String,
    },
    /// A script of the user's.
    Custom(CustomSource),
}

impl SourceMethod {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Scm(_) => "scm",
            Self::Distgit(_) => "distgit",
            Self::Pypi(_) => "pypi",
            Self::Rubygems { .. } => "rubygems",
            Self::Custom(_) => "custom",
        }
    }
}

words! {
    ScmType {
        Git => "git",
        Svn => "svn",
    }
}

words! {
    /// What makes the SRPM in a checkout.
    ScmMethod {
        Rpkg => "rpkg",
        Tito => "tito",
        TitoTest => "tito_test",
        MakeSrpm => "make_srpm",
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScmSource {
    pub scm_type: ScmType,
    pub clone_url: String,
    /// Branch, tag or commit.
    pub committish: String,
    pub subdirectory: String,
    /// Path of the spec file in the subdirectory.
    pub spec: String,
    pub method: ScmMethod,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DistgitSource {
    /// Name of a DistGit that the operator configured.
    pub instance: String,
    pub clone_url: String,
    pub namespace: String,
    pub committish: String,
}

words! {
    SpecGenerator {
        Pyp2spec => "pyp2spec",
        Pyp2rpm => "pyp2rpm",
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PypiSource {
    pub package_name: String,
    /// The newest one without.
    pub version: Option<String>,
    pub generator: SpecGenerator,
    pub template: String,
    pub python_versions: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomSource {
    /// Ends with a line break.
    pub script: String,
    /// A chroot, or `fedora-latest-ARCH`.
    pub chroot: String,
    /// Packages that the script needs, separated by blanks.
    pub builddeps: String,
    /// Where the script leaves spec file and sources.
    pub resultdir: String,
    /// Repositories for the script, separated by blanks.
    pub repos: String,
}
