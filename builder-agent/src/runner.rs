//! What can build: the unprivileged sandbox or the real Mock. Same inputs, same results.

use std::{future::Future, path::PathBuf};

use coppice_model::{
    chroot::{Environment, Runner as RunnerChoice},
    package::Nevra,
    work::{BuildContext, Limits},
};

use crate::{attempt::Task, ended::Ended, mock::Mock, sandbox::Sandbox};

/// One build for one environment. Sources and the spec file lie in the workspace's `sources`; results
/// (packages, logs) go to its `results`.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    pub task: &'a Task,
    pub context: &'a BuildContext,
    pub environment: &'a Environment,
    pub limits: &'a Limits,
    /// Hosts of repositories that need no look at the address policy.
    pub allow: &'a coppice_model::address::AllowList,
    /// File name of the spec file.
    pub spec: &'a str,
}

pub trait Runner: Sized {
    /// Makes the environment ready.
    fn ready(order: Order<'_>) -> impl Future<Output = Result<Self, Ended>> + Send;

    /// The spec file with its macros expanded.
    fn expand_spec(&mut self, order: Order<'_>) -> impl Future<Output = Result<String, Ended>> + Send;

    /// Makes the source package.
    fn make_srpm(&mut self, order: Order<'_>) -> impl Future<Output = Result<(), Ended>> + Send;

    /// Builds all packages and says what the buildroot held.
    fn build(&mut self, order: Order<'_>) -> impl Future<Output = Result<Vec<Nevra>, Ended>> + Send;
}

/// The two runners behind one face.
pub enum AnyRunner {
    Sandbox(Box<Sandbox>),
    Mock(Mock),
}

impl AnyRunner {
    pub async fn ready(order: Order<'_>) -> Result<Self, Ended> {
        match order.environment.chroot.runner {
            RunnerChoice::Sandbox => {
                Sandbox::ready(order).await.map(|sandbox| Self::Sandbox(Box::new(sandbox)))
            }
            RunnerChoice::Mock { .. } => Mock::ready(order).await.map(Self::Mock),
        }
    }

    pub async fn expand_spec(&mut self, order: Order<'_>) -> Result<String, Ended> {
        match self {
            Self::Sandbox(sandbox) => sandbox.expand_spec(order).await,
            Self::Mock(mock) => mock.expand_spec(order).await,
        }
    }

    pub async fn make_srpm(&mut self, order: Order<'_>) -> Result<(), Ended> {
        match self {
            Self::Sandbox(sandbox) => sandbox.make_srpm(order).await,
            Self::Mock(mock) => mock.make_srpm(order).await,
        }
    }

    pub async fn build(&mut self, order: Order<'_>) -> Result<Vec<Nevra>, Ended> {
        match self {
            Self::Sandbox(sandbox) => sandbox.build(order).await,
            Self::Mock(mock) => mock.build(order).await,
        }
    }
}

impl Order<'_> {
    pub fn spec_path(&self) -> PathBuf {
        self.task.workspace.sources().join(self.spec)
    }

    /// Macros that packagers know from Copr.
    pub fn macros(&self) -> Vec<(String, String)> {
        let project = &self.context.project;
        [
            ("copr_username", project.owner.to_string()),
            ("copr_projectname", project.name.to_string()),
            ("vendor", format!("Coppice - {project}")),
            ("buildtag", format!(".copr{}", self.context.build)),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
    }
}
