//! Who asks: API logins and their tokens.

use coppice_model::{UnixTime, UserId};
use coppice_runtime::secret::hash_token;
use coppice_store::{ApiToken, Conn, StoreError, User, tokens};
use rand::RngExt;

use super::OpError;

const DAY_S: i64 = 86_400;
/// Contract section 2.
const LOGIN_LETTERS: usize = 20;
const TOKEN_LETTERS: usize = 30;
const TOKEN_DAYS: i64 = 180;

/// The user of an API login. `token_hash` is what `runtime::secret::hash_token` makes of the token; hashes are
/// compared, so the time it takes tells nothing.
pub fn authenticate(conn: &mut Conn, login: &str, token_hash: &str, now: UnixTime) -> Result<User, OpError> {
    let (token, user) = tokens::find(conn, login)?.ok_or(OpError::Unauthenticated)?;
    if token.token_hash != token_hash || token.expires_at <= now {
        return Err(OpError::Unauthenticated);
    }
    Ok(user)
}

/// A token that was just made; only its hash is stored.
pub struct NewToken {
    pub login: String,
    pub token: String,
    pub expires_at: UnixTime,
}

impl NewToken {
    fn new(days: i64, now: UnixTime) -> Self {
        let expires_at = now.plus_seconds(days * DAY_S);
        Self { login: letters(LOGIN_LETTERS), token: letters(TOKEN_LETTERS), expires_at }
    }

    fn row(&self) -> ApiToken {
        let (login, token_hash) = (self.login.clone(), hash_token(&self.token));
        ApiToken { login, token_hash, expires_at: self.expires_at }
    }
}

/// One more token beside those that the user has.
pub fn add_token(tx: &mut Conn, user: UserId, days: i64, now: UnixTime) -> Result<NewToken, StoreError> {
    let new = NewToken::new(days, now);
    tokens::insert(tx, user, &new.row(), now)?;
    Ok(new)
}

/// Replaces every token of a user; the old ones stop working at once.
pub fn renew_token(tx: &mut Conn, user: UserId, now: UnixTime) -> Result<NewToken, StoreError> {
    tokens::delete_of_user(tx, user)?;
    add_token(tx, user, TOKEN_DAYS, now)
}

fn letters(count: usize) -> String {
    let mut random = rand::rng();
    (0..count).map(|_| char::from(random.random_range(b'a'..=b'z'))).collect()
}
