//! Users and their API tokens.

use coppice_model::{OwnerName, UnixTime};
use coppice_runtime::secret;
use coppice_store::{ApiToken, Conn, User, tokens, users};
use rand::RngExt;

use super::ManageError;
use crate::calendar::date;

const DAY_S: i64 = 86_400;
/// Contract section 2.
const LOGIN_LETTERS: usize = 20;
const TOKEN_LETTERS: usize = 30;

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

/// A token that was just made; only its hash is stored.
pub(super) struct NewToken {
    user: User,
    login: String,
    token: String,
    expires_at: UnixTime,
}

pub(super) fn token(tx: &mut Conn, name: &str, days: i64, now: UnixTime) -> Result<NewToken, ManageError> {
    let user = users::find_by_name(tx, name)?;
    let user = user.ok_or_else(|| ManageError::Refused(format!("there is no user {name}: add it first")))?;
    if !(1..=3650).contains(&days) {
        return Err(ManageError::Refused("a token may live 1 to 3650 days".into()));
    }
    let expires_at = now.plus_seconds(days * DAY_S);
    let new = NewToken { login: letters(LOGIN_LETTERS), token: letters(TOKEN_LETTERS), user, expires_at };
    let row = ApiToken { login: new.login.clone(), token_hash: secret::hash_token(&new.token), expires_at };
    tokens::insert(tx, new.user.id, &row, now)?;
    Ok(new)
}

impl NewToken {
    /// What a user puts into `~/.config/copr`.
    pub(super) fn config(&self, public_url: &str) -> String {
        let mut text = format!(
            "[copr-cli]\nlogin = {}\nusername = {}\ntoken = {}\ncopr_url = {public_url}\n",
            self.login, self.user.name, self.token
        );
        // The client refuses plain HTTP unless told so.
        if public_url.starts_with("http://") {
            text.push_str("encrypted = False\n");
        }
        text.push_str(&format!("# expiration date: {}\n", date(self.expires_at)));
        text
    }
}

fn letters(count: usize) -> String {
    let mut random = rand::rng();
    (0..count).map(|_| char::from(random.random_range(b'a'..=b'z'))).collect()
}
