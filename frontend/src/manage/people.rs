//! Users and their API tokens.

use coppice_model::{OwnerName, UnixTime};
use coppice_store::{Conn, Page, User, users};

use super::ManageError;
use crate::{
    calendar::date,
    ops::{self, NewToken},
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

/// A token that was just made, with its user.
pub(super) struct Credentials {
    user: User,
    token: NewToken,
}

pub(super) fn token(tx: &mut Conn, name: &str, days: i64, now: UnixTime) -> Result<Credentials, ManageError> {
    let user = users::find_by_name(tx, name)?;
    let user = user.ok_or_else(|| ManageError::Refused(format!("there is no user {name}: add it first")))?;
    if !(1..=3650).contains(&days) {
        return Err(ManageError::Refused("a token may live 1 to 3650 days".into()));
    }
    let token = ops::add_token(tx, user.id, days, now)?;
    Ok(Credentials { user, token })
}

impl Credentials {
    /// What a user puts into `~/.config/copr`.
    pub(super) fn config(&self, public_url: &str) -> String {
        let mut text = format!(
            "[copr-cli]\nlogin = {}\nusername = {}\ntoken = {}\ncopr_url = {public_url}\n",
            self.token.login, self.user.name, self.token.token
        );
        // The client refuses plain HTTP unless told so.
        if public_url.starts_with("http://") {
            text.push_str("encrypted = False\n");
        }
        text.push_str(&format!("# expiration date: {}\n", date(self.token.expires_at)));
        text
    }
}

pub(super) fn list(conn: &mut Conn) -> Result<String, ManageError> {
    let line = |user: User| {
        let admin = if user.is_admin { "admin" } else { "" };
        format!("{}\t{admin}\t{}\n", user.name, user.mail.unwrap_or_default())
    };
    Ok(users::list(conn, Page::ALL)?.into_iter().map(line).collect())
}
