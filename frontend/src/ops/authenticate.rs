//! Who asks: API logins and their tokens.

use coppice_model::{OwnerName, UnixTime, UserId};
use coppice_runtime::secret::hash_token;
use coppice_store::{ApiToken, Conn, NewApiToken, StoreError, TokenScope, User, tokens};
use rand::RngExt;

use super::{Caller, OpError, rights::ensure_unblocked};
use crate::calendar::date;

pub(super) const DAY_S: i64 = 86_400;
/// Contract section 2.
const LOGIN_LETTERS: usize = 20;
const TOKEN_LETTERS: usize = 30;
const TOKEN_DAYS: i64 = 180;

/// A login whose token was right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub caller: Caller,
    /// Of the token.
    pub id: i64,
    pub used_at: Option<UnixTime>,
}

impl Known {
    fn new(token: ApiToken, user: User) -> Self {
        Self { caller: Caller { user, scope: token.scope }, id: token.id, used_at: token.used_at }
    }
}

/// The user of an API login. `token_hash` is what `runtime::secret::hash_token` makes of the token; hashes are
/// compared, so the time it takes tells nothing.
pub fn authenticate(conn: &mut Conn, login: &str, token_hash: &str, now: UnixTime) -> Result<Known, OpError> {
    let (token, user) = tokens::find(conn, login)?.ok_or(OpError::Unauthenticated)?;
    if token.token_hash != token_hash || token.expires_at <= now {
        return Err(OpError::Unauthenticated);
    }
    ensure_unblocked(&user)?;
    Ok(Known::new(token, user))
}

/// A token that was just made; only its hash is stored.
pub struct NewToken {
    pub login: String,
    pub token: String,
    pub expires_at: UnixTime,
}

impl NewToken {
    pub(super) fn new(days: i64, now: UnixTime) -> Self {
        Self::lasting(days * DAY_S, now)
    }

    pub(super) fn lasting(seconds: i64, now: UnixTime) -> Self {
        let expires_at = now.plus_seconds(seconds);
        Self { login: letters(LOGIN_LETTERS), token: letters(TOKEN_LETTERS), expires_at }
    }

    /// What its user puts into `~/.config/copr`.
    pub fn client_config(&self, user: &OwnerName, public_url: &str) -> String {
        let mut text = format!(
            "[copr-cli]\nlogin = {}\nusername = {user}\ntoken = {}\ncopr_url = {public_url}\n",
            self.login, self.token
        );
        // The client refuses plain HTTP unless told so.
        if public_url.starts_with("http://") {
            text.push_str("encrypted = False\n");
        }
        text.push_str(&format!("# expiration date: {}\n", date(self.expires_at)));
        text
    }

    pub(super) fn row(&self, name: Option<String>, scope: TokenScope) -> NewApiToken {
        let (login, token_hash) = (self.login.clone(), hash_token(&self.token));
        NewApiToken { login, token_hash, expires_at: self.expires_at, name, scope }
    }
}

/// One more classic token beside those that the user has.
pub fn add_token(tx: &mut Conn, user: UserId, days: i64, now: UnixTime) -> Result<NewToken, StoreError> {
    let new = NewToken::new(days, now);
    tokens::insert(tx, user, &new.row(None, TokenScope::default()), now)?;
    Ok(new)
}

/// Replaces every classic token of the caller; the old ones stop working at once.
pub fn renew_token(tx: &mut Conn, by: &Caller, now: UnixTime) -> Result<NewToken, OpError> {
    super::rights::ensure_whole(by)?;
    tokens::delete_classic(tx, by.user.id)?;
    Ok(add_token(tx, by.user.id, TOKEN_DAYS, now)?)
}

fn letters(count: usize) -> String {
    let mut random = rand::rng();
    (0..count).map(|_| char::from(random.random_range(b'a'..=b'z'))).collect()
}
