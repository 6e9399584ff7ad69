//! Reports about the source phase.

use coppice_model::{
    Attempt, BuildId, UnixTime,
    messages::Progress,
    state::{ChrootEvent, SourceEvent, SourceState, Step},
    work::{TaskId, TaskOutcome},
};
use coppice_store::{Build, BuildChroot, BuildFailure, BuildView, Conn, attempts, build_chroots, builds};

use super::{inconsistent, is_current, moved, our_failure, package_failure};
use crate::ops::{Context, OpError, batch, find_build, order};

type Which = (BuildId, Attempt);

pub(super) fn progress(
    tx: &mut Conn,
    cx: &Context,
    which: Which,
    progress: &Progress,
    at: UnixTime,
) -> Result<(), OpError> {
    let Some(view) = current(tx, cx, which)? else { return Ok(()) };
    let build = &view.build;
    match progress {
        Progress::Taken { builder } => {
            let Some(next) = step(build, SourceEvent::Picked)? else { return Ok(()) };
            let after = Build { source_state: next, source_builder: Some(builder.clone()), ..build.clone() };
            moved(builds::update_source(tx, build, &after)?)?;
            Ok(attempts::record_taken(tx, &TaskId::Source(build.id), build.source_attempt, builder, at)?)
        }
        Progress::Delayed { .. } => Ok(()),
        Progress::Stage { .. } => {
            let Some(next) = step(build, SourceEvent::Started)? else { return Ok(()) };
            let after = Build { source_state: next, source_started_on: Some(at), ..build.clone() };
            moved(builds::update_source(tx, build, &after)?)
        }
    }
}

pub(super) fn finished(
    tx: &mut Conn,
    cx: &Context,
    which: Which,
    outcome: &TaskOutcome,
    at: UnixTime,
) -> Result<(), OpError> {
    let Some(view) = current(tx, cx, which)? else { return Ok(()) };
    match outcome {
        TaskOutcome::SourceMade { srpm_url } => made(tx, cx, view, srpm_url, at),
        TaskOutcome::Failed(failure) => fail(tx, cx, &view, package_failure(failure), at),
        TaskOutcome::Published { .. } => {
            Err(inconsistent(format!("source task {} published packages", view.build.id)))
        }
    }
}

/// The SRPM exists: it goes into DistGit.
fn made(tx: &mut Conn, cx: &Context, view: BuildView, srpm_url: &str, at: UnixTime) -> Result<(), OpError> {
    let build = &view.build;
    let Some(next) = step(build, SourceEvent::Made)? else { return Ok(()) };
    let after = Build {
        source_state: next,
        srpm_url: Some(srpm_url.to_owned()),
        source_started_on: build.source_started_on.or(Some(at)),
        ..build.clone()
    };
    moved(builds::update_source(tx, build, &after)?)?;
    attempts::record_ended(tx, &TaskId::Source(build.id), build.source_attempt, "succeeded", at)?;
    order::everything_ready(tx, cx, &BuildView { build: after, chroots: view.chroots })
}

/// Ends the build: there is nothing to build from.
pub(in crate::ops) fn fail(
    tx: &mut Conn,
    cx: &Context,
    view: &BuildView,
    failure: BuildFailure,
    at: UnixTime,
) -> Result<(), OpError> {
    let build = &view.build;
    let Some(next) = step(build, SourceEvent::Failed)? else { return Ok(()) };
    // Its sources were made before the import, or were there.
    if build.source_state != SourceState::Importing {
        let task = TaskId::Source(build.id);
        attempts::record_ended(tx, &task, build.source_attempt, &failure.message, at)?;
    }
    for chroot in &view.chroots {
        fail_chroot(tx, chroot, &failure, at)?;
    }
    let after =
        Build { source_state: next, source_ended_on: Some(at), failure: Some(failure), ..build.clone() };
    moved(builds::update_source(tx, build, &after)?)?;
    batch::release(tx, cx, build.batch)
}

fn fail_chroot(
    tx: &mut Conn,
    chroot: &BuildChroot,
    failure: &BuildFailure,
    at: UnixTime,
) -> Result<(), OpError> {
    if let Step::To(next) = chroot.state.on(ChrootEvent::SourceFailed).map_err(inconsistent)? {
        let after =
            BuildChroot { state: next, ended_on: Some(at), failure: Some(failure.clone()), ..chroot.clone() };
        moved(build_chroots::update(tx, chroot, &after)?)?;
    }
    Ok(())
}

/// Another attempt on another machine; after too many it was us.
pub(super) fn lost(
    tx: &mut Conn,
    cx: &Context,
    which: Which,
    reason: &str,
    at: UnixTime,
) -> Result<(), OpError> {
    let Some(view) = current(tx, cx, which)? else { return Ok(()) };
    let build = &view.build;
    let Some(next) = step(build, SourceEvent::BuilderLost)? else { return Ok(()) };
    let task = TaskId::Source(build.id);
    attempts::record_ended(tx, &task, build.source_attempt, &format!("lost: {reason}"), at)?;
    if build.source_attempt.0 >= cx.settings.max_attempts {
        return fail(tx, cx, &view, our_failure(build.source_attempt.0, reason), at);
    }
    let after = Build {
        source_state: next,
        source_attempt: build.source_attempt.next(),
        source_builder: None,
        source_started_on: None,
        ..build.clone()
    };
    moved(builds::update_source(tx, build, &after)?)?;
    order::everything_ready(tx, cx, &BuildView { build: after, chroots: view.chroots })
}

/// The build, locked; `None` when it is gone or the report is of an older attempt.
fn current(tx: &mut Conn, cx: &Context, (id, attempt): Which) -> Result<Option<BuildView>, OpError> {
    if !builds::lock(tx, id, cx.now)? {
        return Ok(None);
    }
    let view = find_build(tx, id)?;
    let is_current = is_current(&TaskId::Source(id), attempt, view.build.source_attempt)?;
    Ok(is_current.then_some(view))
}

fn step(build: &Build, event: SourceEvent) -> Result<Option<SourceState>, OpError> {
    match build.source_state.on(event).map_err(inconsistent)? {
        Step::To(next) => Ok(Some(next)),
        Step::Stay => Ok(None),
    }
}
