//! The operator ends a build that stands still.

use coppice_model::{
    BuildId,
    messages::{BackendTask, Report},
    state::SourceState,
    work::{Failure, FailureCause, TaskId, TaskOutcome},
};
use coppice_store::{BuildView, Conn, outbox};

use super::{Context, OpError, find_build, report::apply_report};

/// Fails everything of it that has not ended, as if its builders had said so, and calls those off.
pub fn fail_build(tx: &mut Conn, cx: &Context, id: BuildId) -> Result<(), OpError> {
    let view = find_build(tx, id)?;
    if view.state().is_final() {
        return Err(OpError::Conflict(format!("Build {id} has ended.")));
    }
    let failure =
        || Failure { cause: FailureCause::Build, message: "an administrator ended this build".to_owned() };
    if view.build.source_state == SourceState::Importing {
        apply_report(tx, cx, &Report::ImportFailedV1 { build: id, failure: failure(), at: cx.now })?;
    }
    for task in view.open_tasks() {
        let attempt = attempt(&view, &task);
        let outcome = TaskOutcome::Failed(failure());
        apply_report(tx, cx, &Report::FinishedV1 { task, attempt, outcome, at: cx.now })?;
    }
    Ok(outbox::push(tx, &BackendTask::CancelV1 { build: id }, cx.now)?)
}

fn attempt(view: &BuildView, task: &TaskId) -> coppice_model::Attempt {
    let of_chroot = view.chroots.iter().find(|chroot| chroot.task() == *task).map(|chroot| chroot.attempt);
    of_chroot.unwrap_or(view.build.source_attempt)
}
