//! Reports about actions.

use coppice_model::{
    UnixTime,
    messages::ActionDone,
    state::{ActionEvent, Step},
};
use coppice_store::{Action, Conn, actions, projects};

use super::{inconsistent, moved};
use crate::ops::{Context, OpError, keys, order, take_package};

pub(super) fn done(tx: &mut Conn, cx: &Context, done: &ActionDone) -> Result<(), OpError> {
    let Some(action) = actions::find(tx, done.action)? else { return Ok(()) };
    let event = if done.error.is_none() { ActionEvent::Done } else { ActionEvent::Failed };
    let Step::To(next) = action.state.on(event).map_err(inconsistent)? else { return Ok(()) };
    let error = done.error.as_deref();
    if let Some(take) = take_package::of_action(&action) {
        let ended = match (error, &done.taken) {
            (Some(reason), _) => Err(reason),
            (None, Some(taken)) => Ok(taken.as_ref()),
            (None, None) => return Err(inconsistent(format!("action {} published nothing", action.id))),
        };
        take_package::taken(tx, cx, take, ended, done.at)?;
    }
    moved(actions::update_state(tx, action.id, action.state, next, (error, done.at))?)?;
    match (error, &done.fingerprint) {
        (Some(reason), _) => {
            let kind = action.kind.as_str();
            tracing::error!(action.id = %action.id, project = %action.project, kind, reason, "an action failed");
            Ok(())
        }
        (None, Some(fingerprint)) => key_made(tx, cx, &action, (fingerprint, done.key_expires_on)),
        (None, None) => Ok(()),
    }
}

/// A new, renewed or rotated key: now `pubkey.gpg` and signed metadata can tell of it.
fn key_made(
    tx: &mut Conn,
    cx: &Context,
    action: &Action,
    (fingerprint, ends_on): (&str, Option<UnixTime>),
) -> Result<(), OpError> {
    let reference = &action.project;
    let found = projects::find(tx, reference.owner.as_str(), reference.name.as_str())?;
    let Some(project) = found else { return Ok(()) };
    let renew_on = keys::renewal(&project, cx.now, ends_on);
    projects::update_key(tx, project.id, fingerprint, renew_on)?;
    order::publish_all(tx, cx, &project, false)
}
