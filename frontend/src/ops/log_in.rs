//! A login that was proved: by a password, by another service, or by a ticket.

use coppice_model::{UnixTime, UserId};
use coppice_store::{Conn, Session, User, sessions, users};

use super::{AccountRules, Caller, Login, OpError, rights::ensure_unblocked, sessions::start_session};

/// Starts a session. `before` is the one that this browser had: it ends, so that nobody who planted or read the old
/// cookie is logged in with the new one.
pub fn log_in(
    tx: &mut Conn,
    user: &User,
    login: &Login,
    before: Option<(UserId, i64)>,
    (rules, now): (&AccountRules, UnixTime),
) -> Result<String, OpError> {
    rules.ensure_admitted(user.name.as_str())?;
    ensure_unblocked(user)?;
    if rules.is_admin(&user.name) && !user.is_admin {
        users::update(tx, user.id, user.mail.as_deref(), true)?;
    }
    if let Some((owner, session)) = before {
        sessions::delete(tx, owner, session)?;
    }
    Ok(start_session(tx, user.id, login, now)?)
}

/// The sessions of the caller, the last seen first.
pub fn list_sessions(conn: &mut Conn, by: &Caller) -> Result<Vec<Session>, OpError> {
    Ok(sessions::list(conn, by.user.id)?)
}

/// One browser less.
pub fn end_session(tx: &mut Conn, by: &Caller, id: i64) -> Result<(), OpError> {
    match sessions::delete(tx, by.user.id, id)? {
        true => Ok(()),
        false => Err(OpError::NotFound("That device is logged out already.".into())),
    }
}

/// All but the one that stays. How many there were.
pub fn end_other_sessions(tx: &mut Conn, by: &Caller, stays: Option<i64>) -> Result<usize, OpError> {
    Ok(sessions::delete_others(tx, by.user.id, stays)?)
}
