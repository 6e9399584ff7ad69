//! Batches: builds that wait until the builds of another batch have ended.

use coppice_model::BuildId;
use coppice_store::{BuildView, Conn, batches, builds, projects};

use super::{BuildRequest, Caller, Context, OpError, Problem, order, rights};

/// What a submission says about batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BatchWish {
    None,
    /// Join the batch of this build.
    With(BuildId),
    /// A new batch that waits for the batch of this build.
    After(BuildId),
}

pub(super) fn wish(
    conn: &mut Conn,
    by: &Caller,
    request: &BuildRequest,
    problems: &mut Vec<Problem>,
) -> Result<BatchWish, OpError> {
    let (field, id, wish) = match (request.after_build_id, request.with_build_id) {
        (None, None) => return Ok(BatchWish::None),
        (Some(_), Some(_)) => {
            for field in ["after_build_id", "with_build_id"] {
                problems.push(Problem::new(field, "Only one batch option can be specified"));
            }
            return Ok(BatchWish::None);
        }
        (Some(id), None) => ("after_build_id", id, BatchWish::After(BuildId(id))),
        (None, Some(id)) => ("with_build_id", id, BatchWish::With(BuildId(id))),
    };
    match builds::find(conn, BuildId(id))? {
        None => problems.push(Problem::new(field, format!("Build {id} not found"))),
        Some(view) => {
            let project = projects::get(conn, view.build.project_id)?;
            if !rights::can_build(conn, by, &project)? {
                let text = format!("Build {id} is in a project that you are not allowed to build in");
                problems.push(Problem::new(field, text));
            }
        }
    }
    Ok(wish)
}

/// The batch for new builds.
pub(super) fn join(tx: &mut Conn, cx: &Context, wish: BatchWish) -> Result<Option<i64>, OpError> {
    match wish {
        BatchWish::None => Ok(None),
        BatchWish::With(id) => Ok(Some(batch_of(tx, cx, id)?)),
        BatchWish::After(id) => {
            let first = batch_of(tx, cx, id)?;
            Ok(Some(batches::insert(tx, Some(first), cx.now)?))
        }
    }
}

fn batch_of(tx: &mut Conn, cx: &Context, id: BuildId) -> Result<i64, OpError> {
    builds::lock(tx, id, cx.now)?;
    let view = super::find_build(tx, id)?;
    if let Some(batch) = view.build.batch {
        return Ok(batch);
    }
    let batch = batches::insert(tx, None, cx.now)?;
    builds::update_batch(tx, id, batch)?;
    Ok(batch)
}

/// Whether a build's batch waits for another that has not ended.
pub(super) fn is_blocked(conn: &mut Conn, view: &BuildView) -> Result<bool, OpError> {
    let Some(batch) = view.build.batch else { return Ok(false) };
    match batches::waits_for(conn, batch)? {
        None => Ok(false),
        Some(first) => Ok(!has_ended(conn, first)?),
    }
}

/// Builds that must end before this one begins.
pub fn waits_for_builds(conn: &mut Conn, view: &BuildView) -> Result<Vec<BuildId>, OpError> {
    let Some(batch) = view.build.batch else { return Ok(vec![]) };
    let Some(first) = batches::waits_for(conn, batch)? else { return Ok(vec![]) };
    let open = builds::list_of_batch(conn, first)?.into_iter().filter(|view| !view.state().is_final());
    Ok(open.map(|view| view.build.id).collect())
}

fn has_ended(conn: &mut Conn, batch: i64) -> Result<bool, OpError> {
    Ok(builds::list_of_batch(conn, batch)?.iter().all(|view| view.state().is_final()))
}

/// Orders what waited for this batch, if it has ended.
pub(super) fn release(tx: &mut Conn, cx: &Context, batch: Option<i64>) -> Result<(), OpError> {
    let Some(batch) = batch else { return Ok(()) };
    let waiting = batches::list_waiting(tx, batch)?;
    if waiting.is_empty() || !has_ended(tx, batch)? {
        return Ok(());
    }
    for next in waiting {
        for view in builds::list_of_batch(tx, next)? {
            order::everything_ready(tx, cx, &view)?;
        }
    }
    Ok(())
}
