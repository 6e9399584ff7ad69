//! Orders given again: after a flush of Redis all that is not final, otherwise what went silent.

use coppice_model::{ActionId, BuildId, UnixTime, messages::BackendTask};
use coppice_store::{Conn, actions, builds, outbox};

use super::{Context, OpError, grant, order};

/// How many builds or actions one transaction takes.
const PORTION: i64 = 50;
/// No task lives longer: the longest allowed time of a build.
const LONGEST_TASK_S: i64 = 108_000;

/// Orders unfinished builds beyond `after` again that nobody spoke of since `before`. Returns the last one;
/// `None` when there are no more.
pub fn resend_builds(
    tx: &mut Conn,
    cx: &Context,
    before: UnixTime,
    after: BuildId,
) -> Result<Option<BuildId>, OpError> {
    let views = builds::list_silent(tx, before, after, PORTION)?;
    for view in &views {
        builds::lock(tx, view.build.id, cx.now)?;
        let current = super::find_build(tx, view.build.id)?;
        order::everything_ready(tx, cx, &current)?;
    }
    Ok(views.last().map(|view| view.build.id))
}

/// The same for actions.
pub fn resend_actions(
    tx: &mut Conn,
    cx: &Context,
    before: UnixTime,
    after: ActionId,
) -> Result<Option<ActionId>, OpError> {
    let waiting = actions::list_silent(tx, before, after, PORTION)?;
    for action in &waiting {
        actions::touch(tx, action.id, cx.now)?;
        grant::granted(cx, action.id, &action.message).push(tx, cx.now)?;
    }
    Ok(waiting.last().map(|action| action.id))
}

/// Tells again of every cancellation that a running task may not have heard of.
pub fn resend_cancels(tx: &mut Conn, cx: &Context) -> Result<(), OpError> {
    for build in builds::list_canceled(tx, cx.now.plus_seconds(-LONGEST_TASK_S))? {
        outbox::push(tx, &BackendTask::CancelV1 { build }, cx.now)?;
    }
    Ok(())
}
