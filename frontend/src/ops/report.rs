//! What the other services say, applied to what is known: fenced by attempt, harmless when repeated or late.

mod action;
mod chroot;
mod downloads;
mod import;
mod source;

use coppice_model::{
    Attempt, BuildId,
    messages::Report,
    work::{Failure, TaskId},
};
use coppice_store::{BuildFailure, Conn, builds};

use super::{Context, OpError, expire};

pub(super) use source::fail as fail_source;

/// Applies one report in the transaction that also claims it in the inbox.
pub fn apply_report(tx: &mut Conn, cx: &Context, report: &Report) -> Result<(), OpError> {
    match report {
        Report::ProgressV1 { task: TaskId::Source(build), attempt, progress, at } => {
            source::progress(tx, cx, (*build, *attempt), progress, *at)
        }
        Report::ProgressV1 { task: TaskId::Rpm(build, chroot), attempt, progress, at } => {
            chroot::progress(tx, cx, (*build, chroot, *attempt), progress, *at)
        }
        Report::FinishedV1 { task: TaskId::Source(build), attempt, outcome, at } => {
            source::finished(tx, cx, (*build, *attempt), outcome, *at)
        }
        Report::FinishedV1 { task: TaskId::Rpm(build, chroot), attempt, outcome, at } => {
            chroot::finished(tx, cx, (*build, chroot, *attempt), outcome, *at)?;
            make_room(tx, cx, *build)
        }
        Report::LostV1 { task: TaskId::Source(build), attempt, reason, at } => {
            source::lost(tx, cx, (*build, *attempt), reason, *at)
        }
        Report::LostV1 { task: TaskId::Rpm(build, chroot), attempt, reason, at } => {
            chroot::lost(tx, cx, (*build, chroot, *attempt), reason, *at)
        }
        Report::ImportedV1(imported) => import::imported(tx, cx, imported),
        Report::ImportFailedV1 { build, failure, at } => import::failed(tx, cx, *build, failure, *at),
        Report::ActionDoneV1(done) => action::done(tx, cx, done),
        Report::DownloadsV1(fetched) => downloads::count(tx, fetched),
    }
}

/// A build that ended may be one more than its package keeps.
fn make_room(tx: &mut Conn, cx: &Context, build: BuildId) -> Result<(), OpError> {
    match builds::find(tx, build)? {
        Some(view) if view.state().is_final() => expire::prune_package(tx, cx, &view),
        _ => Ok(()),
    }
}

/// Whether a report's attempt is the current one; an older one is late news.
fn is_current(task: &TaskId, reported: Attempt, current: Attempt) -> Result<bool, OpError> {
    if reported > current {
        return Err(OpError::Inconsistent(format!(
            "task {task} is at attempt {current}, not yet at {reported}"
        )));
    }
    Ok(reported == current)
}

fn inconsistent(error: impl std::fmt::Display) -> OpError {
    OpError::Inconsistent(error.to_string())
}

/// The compare-and-set of the row that was read in this transaction.
pub(super) fn moved(written: bool) -> Result<(), OpError> {
    if written { Ok(()) } else { Err(OpError::moved()) }
}

fn package_failure(failure: &Failure) -> BuildFailure {
    BuildFailure { cause: Some(failure.cause), message: failure.message.clone() }
}

/// What a user reads when we gave up.
fn our_failure(attempts: u32, reason: &str) -> BuildFailure {
    let message = format!(
        "The build service lost {attempts} builders in a row and gave up (last: {reason}); \
         this is a fault of the service, not of the package."
    );
    BuildFailure { cause: None, message }
}
