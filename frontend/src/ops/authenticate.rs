//! Who asks: API logins and their tokens.

use coppice_model::{UnixTime, UserId};
use coppice_store::{ApiToken, Conn, User, tokens};

use super::OpError;

/// The user of an API login. `token_hash` is what `runtime::secret::hash_token` makes of the token; hashes are
/// compared, so the time it takes tells nothing.
pub fn authenticate(conn: &mut Conn, login: &str, token_hash: &str, now: UnixTime) -> Result<User, OpError> {
    let (token, user) = tokens::find(conn, login)?.ok_or(OpError::Unauthenticated)?;
    if token.token_hash != token_hash || token.expires_at <= now {
        return Err(OpError::Unauthenticated);
    }
    Ok(user)
}

/// Replaces every token of a user; the old ones stop working at once.
pub fn renew_token(tx: &mut Conn, user: UserId, token: &ApiToken, now: UnixTime) -> Result<(), OpError> {
    tokens::delete_of_user(tx, user)?;
    tokens::insert(tx, user, token, now)?;
    Ok(())
}
