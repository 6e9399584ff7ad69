//! Users and their API tokens.

use std::{
    fs,
    io::{self, Read},
    path::PathBuf,
};

use coppice_model::{OwnerName, UnixTime};
use coppice_store::{Conn, Page, User, users};

use super::ManageError;
use crate::{
    accounts::Passwords,
    ops::{self, BlockWish, Context, NewToken},
};

pub(super) fn add(
    tx: &mut Conn,
    name: &str,
    mail: Option<&str>,
    admin: bool,
    now: UnixTime,
) -> Result<String, ManageError> {
    let name: OwnerName = name.parse().map_err(|e| ManageError::Refused(format!("{e}")))?;
    if name.group().is_some() {
        return Err(ManageError::Refused(format!("{name} is a group's name: leave out the '@'")));
    }
    match users::find_by_name(tx, name.as_str())? {
        None => {
            users::insert(tx, &name, mail, admin, now)?;
            Ok(format!("user {name} was added\n"))
        }
        Some(user) => {
            users::update(tx, user.id, mail.or(user.mail.as_deref()), admin || user.is_admin)?;
            Ok(format!("user {name} exists and was updated\n"))
        }
    }
}

/// The hash of what was typed.
pub(super) async fn read_password(name: &str, file: Option<PathBuf>) -> Result<String, ManageError> {
    let text = match file {
        Some(path) => fs::read_to_string(&path).map_err(|source| ManageError::Read { path, source })?,
        None => io::read_to_string(io::stdin().take(4_096)).map_err(ManageError::Input)?,
    };
    let password = text.lines().next().unwrap_or_default();
    ops::check_password(name, password, password)?;
    Ok(Passwords::new()?.hash(password.to_owned()).await?)
}

pub(super) fn set_password(
    tx: &mut Conn,
    name: &str,
    hash: &str,
    now: UnixTime,
) -> Result<String, ManageError> {
    let user = find(tx, name)?;
    ops::set_password(tx, user.id, hash, now)?;
    Ok(format!("{name} has a new password and is logged out everywhere\n"))
}

pub(super) fn block(
    tx: &mut Conn,
    cx: &Context,
    name: &str,
    wish: &BlockWish,
) -> Result<String, ManageError> {
    let done = ops::block_user(tx, cx, name, wish)?;
    Ok(format!("{name} is blocked; sessions ended: {}; builds canceled: {}\n", done.sessions, done.builds))
}

pub(super) fn unblock(tx: &mut Conn, name: &str) -> Result<String, ManageError> {
    ops::unblock_user(tx, name)?;
    Ok(format!("{name} may log in again, and tokens work as before\n"))
}

fn find(conn: &mut Conn, name: &str) -> Result<User, ManageError> {
    let user = users::find_by_name(conn, name)?;
    user.ok_or_else(|| ManageError::Refused(format!("there is no user {name}: add it first")))
}

/// A token that was just made, with its user.
pub(super) struct Credentials {
    user: User,
    token: NewToken,
}

pub(super) fn token(tx: &mut Conn, name: &str, days: i64, now: UnixTime) -> Result<Credentials, ManageError> {
    let user = find(tx, name)?;
    if !(1..=3650).contains(&days) {
        return Err(ManageError::Refused("a token may live 1 to 3650 days".into()));
    }
    let token = ops::add_token(tx, user.id, days, now)?;
    Ok(Credentials { user, token })
}

impl Credentials {
    /// What a user puts into `~/.config/copr`.
    pub(super) fn config(&self, public_url: &str) -> String {
        self.token.client_config(&self.user.name, public_url)
    }
}

pub(super) fn list(conn: &mut Conn) -> Result<String, ManageError> {
    let line = |user: User| {
        let admin = match (user.is_admin, user.block.is_some()) {
            (_, true) => "blocked",
            (true, false) => "admin",
            (false, false) => "",
        };
        format!("{}\t{admin}\t{}\n", user.name, user.mail.unwrap_or_default())
    };
    Ok(users::list(conn, Page::ALL)?.into_iter().map(line).collect())
}
