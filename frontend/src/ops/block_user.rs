//! Admins stop an account: it can do nothing any more, while its projects stay as they are.

use coppice_model::UserId;
use coppice_store::{Block, Conn, User, builds, sessions, users};

use super::{Context, OpError, cancel_build::cancel_all_of};

const LONGEST_REASON: usize = 500;

/// What an admin decides about somebody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BlockWish {
    /// Whom the user is to ask; `None`: the operators.
    pub by: Option<String>,
    /// What the user is told.
    pub reason: String,
    /// What the user has at work is stopped too.
    pub cancels_builds: bool,
}

/// What ended with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blocked {
    pub sessions: usize,
    pub builds: usize,
}

/// Sessions are gone for ever; tokens sleep until the block is lifted.
pub fn block_user(tx: &mut Conn, cx: &Context, name: &str, wish: &BlockWish) -> Result<Blocked, OpError> {
    let user = find(tx, name)?;
    // Somebody must be left who can undo it.
    if wish.by.as_deref() == Some(name) {
        return Err(OpError::Refused(
            "You would be the one who is blocked. Another admin can do that.".into(),
        ));
    }
    let reason = wish.reason.trim().trim_end_matches('.');
    if reason.chars().count() > LONGEST_REASON {
        return Err(OpError::Refused(format!(
            "The reason is too long: {LONGEST_REASON} characters at most."
        )));
    }
    let block = Block { at: cx.now, by: wish.by.clone().unwrap_or_default(), reason: reason.to_owned() };
    users::update_block(tx, user.id, Some(&block))?;
    let sessions = sessions::delete_others(tx, user.id, None)?;
    let builds = if wish.cancels_builds { cancel_all_of(tx, cx, user.id)? } else { 0 };
    Ok(Blocked { sessions, builds })
}

/// Everything is as before, but for the sessions.
pub fn unblock_user(tx: &mut Conn, name: &str) -> Result<(), OpError> {
    let user = find(tx, name)?;
    if user.block.is_none() {
        return Err(OpError::Conflict(format!("{name} is not blocked.")));
    }
    Ok(users::update_block(tx, user.id, None)?)
}

/// How many builds of a user have not ended.
pub fn open_builds(conn: &mut Conn, user: UserId) -> Result<usize, OpError> {
    Ok(builds::list_unfinished_of(conn, user)?.len())
}

fn find(conn: &mut Conn, name: &str) -> Result<User, OpError> {
    users::find_by_name(conn, name)?.ok_or_else(|| OpError::NotFound(format!("There is no user {name}.")))
}
