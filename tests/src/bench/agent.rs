//! A builder for one measurement: it notes the moment its task arrives and gives the task back as failed.

use std::{fs, path::Path};

use coppice_model::{
    agent::{Assignment, AttemptOutcome, Enroll, Enrolled, Finish, MachineFacts},
    work::FailureCause,
};
use nix::time::{ClockId, clock_gettime};
use reqwest::{Client, StatusCode};

/// Nanoseconds of the clock that all processes of this machine share.
pub fn monotonic_ns() -> anyhow::Result<i64> {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC)?;
    Ok(now.tv_sec() * 1_000_000_000 + now.tv_nsec())
}

/// Writes `<notes>/<task>` with the time of arrival.
pub fn run(notes: &Path, backend: &str) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(one_task(notes, backend))
}

async fn one_task(notes: &Path, backend: &str) -> anyhow::Result<()> {
    let client = Client::builder().no_proxy().build()?;
    let facts = MachineFacts {
        arch: std::env::consts::ARCH.into(),
        cpus: 1,
        memory_mb: 1024,
        mock: None,
        agent: "bench".into(),
    };
    let enroll = Enroll { ticket: std::env::var("COPPICE_TICKET")?, facts };
    let answer =
        client.post(format!("{backend}/agent/v1/enroll")).json(&enroll).send().await?.error_for_status()?;
    let session: Enrolled = answer.json().await?;
    let answer =
        client.get(format!("{backend}/agent/v1/task")).bearer_auth(&session.session_token).send().await?;
    if answer.status() == StatusCode::NO_CONTENT {
        return Ok(());
    }
    let assignment: Assignment = answer.error_for_status()?.json().await?;
    let arrived = monotonic_ns()?;
    let task = assignment.job.task();
    let outcome =
        AttemptOutcome::Failed { cause: FailureCause::SourceFetch, message: "only measured".into() };
    let finish = Finish { outcome, files: vec![], buildroot: vec![] };
    let finished =
        client.post(format!("{backend}/agent/v1/tasks/{task}/finish")).bearer_auth(&assignment.task_token);
    finished.json(&finish).send().await?.error_for_status()?;
    // Written aside and renamed: the reader polls.
    let note = notes.join(task.to_string());
    fs::write(note.with_extension("new"), arrived.to_string())?;
    Ok(fs::rename(note.with_extension("new"), note)?)
}
