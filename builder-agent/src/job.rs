//! The two kinds of work: make a source package, or build packages from DistGit.

use std::fs;

use coppice_model::{
    agent::{Assignment, Job},
    package::Nevra,
    work::{Limits, RpmWork},
};

use crate::{
    attempt::Task,
    distgit,
    ended::{Ended, OrBroken},
    record,
    runner::{AnyRunner, Order},
    source,
};

/// What a success tells besides its files.
#[derive(Debug, Default)]
pub struct Made {
    /// The packages of the buildroot, sorted.
    pub buildroot: Vec<Nevra>,
}

pub fn limits(job: &Job) -> &Limits {
    match job {
        Job::Source(work) => &work.limits,
        Job::Rpm(work) => &work.limits,
    }
}

pub async fn run(task: &Task, assignment: &Assignment) -> Result<Made, Ended> {
    match &assignment.job {
        Job::Source(work) => source::make(task, work, &assignment.allow).await.map(|()| Made::default()),
        Job::Rpm(work) => build(task, work, assignment).await,
    }
}

async fn build(task: &Task, work: &RpmWork, assignment: &Assignment) -> Result<Made, Ended> {
    task.log.stage(&format!("building {} for {}", work.package(), work.chroot()));
    let fetching = distgit::fetch(task, &work.source);
    let spec =
        distgit::spec_name(task, work.package(), fetching.await?).or_broken("finding the spec file")?;
    let order = Order {
        task,
        context: &work.context,
        environment: &work.environment,
        limits: &work.limits,
        allow: &assignment.allow,
        spec: &spec,
    };
    fs::copy(order.spec_path(), task.workspace.results().join(&spec)).or_broken("keeping the spec file")?;
    record::keep(&order).or_broken("recording the configuration")?;
    let mut runner = AnyRunner::ready(order).await?;
    let mut buildroot = runner.build(order).await?;
    buildroot.sort();
    Ok(Made { buildroot })
}
