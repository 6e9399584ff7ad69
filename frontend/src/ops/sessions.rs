//! Browsers that are logged in.

use coppice_model::{UnixTime, UserId};
use coppice_runtime::secret::{hash_token, random_token};
use coppice_store::{Conn, NewSession, Session, StoreError, User, sessions};

use super::authenticate::DAY_S;

/// A session ends when it was not used for so long.
const IDLE_DAYS: i64 = 30;
/// Seeing a session again is written at most once in so long.
const SEEN_EVERY_S: i64 = 600;
/// A browser may call itself anything; nobody reads more of it.
const AGENT_CHARS: usize = 200;

/// Where and how somebody logs in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Login {
    /// For example `password` or `oidc:fedora`.
    pub method: String,
    pub address: String,
    pub agent: String,
}

/// Starts a session; the secret is for the cookie and is stored nowhere.
pub fn start_session(
    tx: &mut Conn,
    user: UserId,
    login: &Login,
    now: UnixTime,
) -> Result<String, StoreError> {
    let secret = random_token();
    let new = NewSession {
        token_hash: hash_token(&secret),
        method: login.method.clone(),
        address: login.address.clone(),
        agent: login.agent.chars().take(AGENT_CHARS).collect(),
        expires_at: now.plus_seconds(IDLE_DAYS * DAY_S),
    };
    sessions::insert(tx, user, &new, now)?;
    Ok(secret)
}

/// The living session of a cookie.
pub fn find_session(
    conn: &mut Conn,
    secret: &str,
    now: UnixTime,
) -> Result<Option<(Session, User)>, StoreError> {
    let found = sessions::find(conn, &hash_token(secret))?;
    Ok(found.filter(|(session, user)| session.expires_at > now && user.block.is_none()))
}

/// Whether it is time to write that a session was used again.
pub fn is_to_be_seen(session: &Session, now: UnixTime) -> bool {
    session.seen_at.plus_seconds(SEEN_EVERY_S) <= now
}

pub fn see_session(tx: &mut Conn, id: i64, now: UnixTime) -> Result<(), StoreError> {
    sessions::update_seen(tx, id, now, now.plus_seconds(IDLE_DAYS * DAY_S))
}

/// Compares hashes, so the time it takes tells nothing.
pub fn is_same_secret(given: &str, known: &str) -> bool {
    hash_token(given) == hash_token(known)
}
