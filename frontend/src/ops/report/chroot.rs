//! Reports about one build in one chroot.

use coppice_model::{
    Attempt, BuildId, ChrootName, UnixTime,
    messages::{BuildResults, Progress},
    package::Nevra,
    state::{ChrootEvent, ChrootState, Outcome, Stage, Step},
    work::{TaskId, TaskOutcome},
};
use coppice_store::{
    BuildChroot, BuildFailure, BuildView, Conn, attempts, build_chroots, builds, built_packages,
};

use super::{inconsistent, is_current, moved, our_failure, package_failure};
use crate::ops::{Context, OpError, batch, delete_builds, find_build, order};

type Which<'a> = (BuildId, &'a ChrootName, Attempt);

pub(super) fn progress(
    tx: &mut Conn,
    cx: &Context,
    which: Which<'_>,
    progress: &Progress,
    at: UnixTime,
) -> Result<(), OpError> {
    let Some((view, chroot)) = current(tx, cx, which)? else { return Ok(()) };
    match progress {
        Progress::Taken { builder } => taken(tx, (&view, &chroot), builder, at),
        Progress::Stage { stage } => staged(tx, (&view, &chroot), *stage, at),
        Progress::Delayed { stage, reason } => delayed(tx, &chroot, *stage, reason),
    }
}

fn taken(tx: &mut Conn, of: (&BuildView, &BuildChroot), builder: &str, at: UnixTime) -> Result<(), OpError> {
    let (view, chroot) = of;
    if let Some(next) = step(chroot, ChrootEvent::Picked)? {
        let after = BuildChroot {
            state: next,
            builder: Some(builder.to_owned()),
            result_dir: result_dir(view),
            ..chroot.clone()
        };
        moved(build_chroots::update(tx, chroot, &after)?)?;
        attempts::record_taken(tx, &chroot.task(), chroot.attempt, builder, at)?;
    }
    Ok(())
}

/// Every stage means that it runs; stages only go forward.
fn staged(tx: &mut Conn, of: (&BuildView, &BuildChroot), stage: Stage, at: UnixTime) -> Result<(), OpError> {
    let (view, chroot) = of;
    let next = step(chroot, ChrootEvent::Started)?;
    let is_new = chroot.stage.is_none_or(|known| order_of(stage) > order_of(known));
    if chroot.state.is_final() || (next.is_none() && !is_new) {
        return Ok(());
    }
    let after = BuildChroot {
        state: next.unwrap_or(chroot.state),
        stage: if is_new { Some(stage) } else { chroot.stage },
        built_on: chroot.built_on.or((stage != Stage::Building).then_some(at)),
        signed_on: chroot.signed_on.or((stage == Stage::Publishing).then_some(at)),
        stage_note: None,
        started_on: chroot.started_on.or(Some(at)),
        result_dir: result_dir(view),
        ..chroot.clone()
    };
    moved(build_chroots::update(tx, chroot, &after)?)
}

/// The build stands still where it is, and says why.
fn delayed(tx: &mut Conn, chroot: &BuildChroot, stage: Stage, reason: &str) -> Result<(), OpError> {
    let is_old = chroot.stage.is_some_and(|known| order_of(stage) < order_of(known));
    if chroot.state != ChrootState::Running || is_old {
        return Ok(());
    }
    let after = BuildChroot { stage_note: Some(reason.to_owned()), ..chroot.clone() };
    moved(build_chroots::update(tx, chroot, &after)?)
}

fn order_of(stage: Stage) -> u8 {
    match stage {
        Stage::Building => 0,
        Stage::Signing => 1,
        Stage::Publishing => 2,
    }
}

pub(super) fn finished(
    tx: &mut Conn,
    cx: &Context,
    which: Which<'_>,
    outcome: &TaskOutcome,
    at: UnixTime,
) -> Result<(), OpError> {
    let Some((view, chroot)) = current(tx, cx, which)? else { return Ok(()) };
    match outcome {
        TaskOutcome::Published { .. } if chroot.state == ChrootState::Canceled => {
            remove_results(tx, cx, &view, &chroot)
        }
        TaskOutcome::Published { packages } => succeeded(tx, cx, (&view, &chroot), packages, at),
        TaskOutcome::Failed(failure) => {
            end(tx, cx, (&view, &chroot), Some(package_failure(failure)), at).map(drop)
        }
        TaskOutcome::SourceMade { .. } => {
            Err(inconsistent(format!("task {} made a source package", chroot.task())))
        }
    }
}

fn succeeded(
    tx: &mut Conn,
    cx: &Context,
    of: (&BuildView, &BuildChroot),
    packages: &[Nevra],
    at: UnixTime,
) -> Result<(), OpError> {
    if end(tx, cx, of, None, at)? {
        built_packages::insert(tx, of.1.id, packages)?;
    }
    Ok(())
}

/// Ends the chroot; `false` when it had ended before.
fn end(
    tx: &mut Conn,
    cx: &Context,
    of: (&BuildView, &BuildChroot),
    failure: Option<BuildFailure>,
    at: UnixTime,
) -> Result<bool, OpError> {
    let (view, chroot) = of;
    let outcome = if failure.is_none() { Outcome::Succeeded } else { Outcome::Failed };
    let Some(next) = step(chroot, ChrootEvent::Finished(outcome))? else { return Ok(false) };
    let text = failure.as_ref().map_or("succeeded".to_owned(), |failure| failure.message.clone());
    let after = BuildChroot {
        state: next,
        stage: None,
        stage_note: None,
        started_on: chroot.started_on.or(Some(at)),
        ended_on: Some(at),
        result_dir: result_dir(view),
        failure,
        ..chroot.clone()
    };
    moved(build_chroots::update(tx, chroot, &after)?)?;
    attempts::record_ended(tx, &chroot.task(), chroot.attempt, &text, at)?;
    batch::release(tx, cx, view.build.batch)?;
    Ok(true)
}

/// Another attempt on another machine; after too many it was us.
pub(super) fn lost(
    tx: &mut Conn,
    cx: &Context,
    which: Which<'_>,
    reason: &str,
    at: UnixTime,
) -> Result<(), OpError> {
    let Some((view, chroot)) = current(tx, cx, which)? else { return Ok(()) };
    let Some(next) = step(&chroot, ChrootEvent::BuilderLost)? else { return Ok(()) };
    attempts::record_ended(tx, &chroot.task(), chroot.attempt, &format!("lost: {reason}"), at)?;
    if chroot.attempt.0 >= cx.settings.max_attempts {
        let failure = our_failure(chroot.attempt.0, reason);
        return end(tx, cx, (&view, &chroot), Some(failure), at).map(drop);
    }
    let after = BuildChroot {
        state: next,
        stage: None,
        stage_note: None,
        attempt: chroot.attempt.next(),
        started_on: None,
        built_on: None,
        signed_on: None,
        builder: None,
        ..chroot.clone()
    };
    moved(build_chroots::update(tx, &chroot, &after)?)?;
    order::chroot(tx, cx, &view, &after)
}

/// The packages came out after the user had stopped the build: they go away again.
fn remove_results(
    tx: &mut Conn,
    cx: &Context,
    view: &BuildView,
    chroot: &BuildChroot,
) -> Result<(), OpError> {
    let results = BuildResults {
        build: view.build.id,
        dir: view.build.dir.clone(),
        package: view.build.package().cloned(),
        chroots: vec![chroot.chroot.clone()],
    };
    delete_builds::order_removal(tx, cx, &view.build.project, vec![results])
}

/// The build and the chroot, locked; `None` when they are gone or the report is of an older attempt.
fn current(
    tx: &mut Conn,
    cx: &Context,
    which: Which<'_>,
) -> Result<Option<(BuildView, BuildChroot)>, OpError> {
    let (build, name, attempt) = which;
    if !builds::lock(tx, build, cx.now)? {
        return Ok(None);
    }
    let view = find_build(tx, build)?;
    let task = TaskId::Rpm(build, name.clone());
    let chroot = view.chroots.iter().find(|chroot| chroot.chroot == *name).cloned();
    let chroot = chroot.ok_or_else(|| inconsistent(format!("task {task} was never ordered")))?;
    Ok(is_current(&task, attempt, chroot.attempt)?.then_some((view, chroot)))
}

fn step(chroot: &BuildChroot, event: ChrootEvent) -> Result<Option<ChrootState>, OpError> {
    match chroot.state.on(event).map_err(inconsistent)? {
        Step::To(next) => Ok(Some(next)),
        Step::Stay => Ok(None),
    }
}

fn result_dir(view: &BuildView) -> Option<String> {
    view.build.package().map(|package| format!("{}-{package}", view.build.id.padded()))
}
