//! A user stops a build.

use coppice_model::{
    BuildId, UnixTime, UserId,
    messages::BackendTask,
    state::{ChrootEvent, SourceEvent, Step},
    work::TaskId,
};
use coppice_store::{Build, BuildChroot, BuildView, Conn, attempts, build_chroots, builds, outbox, projects};

use super::{Caller, Context, OpError, batch, find_build, rights};

/// Stops the source phase and every chroot that has not ended; what has ended stays as it is.
pub fn cancel_build(tx: &mut Conn, cx: &Context, by: &Caller, id: BuildId) -> Result<BuildView, OpError> {
    builds::lock(tx, id, cx.now)?;
    let view = find_build(tx, id)?;
    let project = projects::get(tx, view.build.project_id)?;
    if !rights::can_build(tx, by, &project)? {
        return Err(OpError::Forbidden("You are not allowed to cancel this build.".into()));
    }
    if view.state().is_final() {
        return Err(OpError::Conflict(format!("Cannot cancel build {id}")));
    }
    stop(tx, cx, &view)?;
    find_build(tx, id)
}

/// The build is locked, and not final.
fn stop(tx: &mut Conn, cx: &Context, view: &BuildView) -> Result<(), OpError> {
    let id = view.build.id;
    cancel_source(tx, &view.build, cx.now)?;
    for chroot in &view.chroots {
        cancel_chroot(tx, chroot, cx.now)?;
    }
    outbox::push(tx, &BackendTask::CancelV1 { build: id }, cx.now)?;
    batch::release(tx, cx, view.build.batch)
}

/// Everything that a user submitted and that has not ended, wherever it builds. How many there were.
pub(super) fn cancel_all_of(tx: &mut Conn, cx: &Context, user: UserId) -> Result<usize, OpError> {
    let mut canceled = 0;
    for id in builds::list_unfinished_of(tx, user)? {
        builds::lock(tx, id, cx.now)?;
        let view = find_build(tx, id)?;
        if !view.state().is_final() {
            stop(tx, cx, &view)?;
            canceled += 1;
        }
    }
    Ok(canceled)
}

/// Several at once; those that have ended stay as they are. Returns how many were canceled.
pub fn cancel_builds(tx: &mut Conn, cx: &Context, by: &Caller, ids: &[BuildId]) -> Result<usize, OpError> {
    let mut canceled = 0;
    for id in ids {
        match cancel_build(tx, cx, by, *id) {
            Ok(_) => canceled += 1,
            // Said before anything of the build was changed.
            Err(OpError::Conflict(_)) => {}
            Err(other) => return Err(other),
        }
    }
    Ok(canceled)
}

fn cancel_source(tx: &mut Conn, build: &Build, now: UnixTime) -> Result<(), OpError> {
    if let Ok(Step::To(next)) = build.source_state.on(SourceEvent::Canceled) {
        let after = Build { source_state: next, source_ended_on: Some(now), ..build.clone() };
        moved(builds::update_source(tx, build, &after)?)?;
        attempts::update_ended(tx, &TaskId::Source(build.id), build.source_attempt, "canceled", now)?;
    }
    Ok(())
}

fn cancel_chroot(tx: &mut Conn, chroot: &BuildChroot, now: UnixTime) -> Result<(), OpError> {
    if let Ok(Step::To(next)) = chroot.state.on(ChrootEvent::Canceled) {
        let after = BuildChroot { state: next, stage: None, ended_on: Some(now), ..chroot.clone() };
        moved(build_chroots::update(tx, chroot, &after)?)?;
        attempts::update_ended(tx, &chroot.task(), chroot.attempt, "canceled", now)?;
    }
    Ok(())
}

fn moved(written: bool) -> Result<(), OpError> {
    if written { Ok(()) } else { Err(OpError::moved()) }
}
