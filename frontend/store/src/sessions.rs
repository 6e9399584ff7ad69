//! Browsers that are logged in. Only the hash of the secret in their cookie is stored.

use std::collections::HashMap;

use coppice_model::{UnixTime, UserId};
use diesel::prelude::*;

use crate::{
    Conn, StoreError, User,
    conn::on_either,
    schema::{sessions, users},
    users::UserRow,
};

/// A session to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSession {
    pub token_hash: String,
    /// How the user logged in, for example `password`.
    pub method: String,
    /// Where from, as the user will read it.
    pub address: String,
    /// What the browser calls itself.
    pub agent: String,
    pub expires_at: UnixTime,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub id: i64,
    pub method: String,
    pub address: String,
    pub agent: String,
    pub created_at: UnixTime,
    /// Not exact: it is written seldom.
    pub seen_at: UnixTime,
    pub expires_at: UnixTime,
}

#[derive(Queryable)]
struct SessionRow {
    id: i64,
    _user_id: i64,
    _token_hash: String,
    method: String,
    address: String,
    agent: String,
    created_at: i64,
    seen_at: i64,
    expires_at: i64,
}

impl From<SessionRow> for Session {
    fn from(row: SessionRow) -> Self {
        Self {
            id: row.id,
            method: row.method,
            address: row.address,
            agent: row.agent,
            created_at: UnixTime(row.created_at),
            seen_at: UnixTime(row.seen_at),
            expires_at: UnixTime(row.expires_at),
        }
    }
}

/// The session that has this secret, and its user; one statement.
pub fn find(conn: &mut Conn, token_hash: &str) -> Result<Option<(Session, User)>, StoreError> {
    let query = sessions::table
        .inner_join(users::table)
        .filter(sessions::token_hash.eq(token_hash))
        .select((sessions::all_columns, users::all_columns));
    let found = on_either!(conn, |c| query.first::<(SessionRow, UserRow)>(c).optional()?);
    let Some((session, user)) = found else { return Ok(None) };
    Ok(Some((session.into(), user.try_into()?)))
}

/// All of a user, the last seen first; one statement.
pub fn list(conn: &mut Conn, user: UserId) -> Result<Vec<Session>, StoreError> {
    let query = sessions::table
        .filter(sessions::user_id.eq(user.0))
        .order((sessions::seen_at.desc(), sessions::id.desc()));
    Ok(query.load::<SessionRow>(conn)?.into_iter().map(Session::from).collect())
}

/// How many sessions several users have; one statement.
pub fn count(conn: &mut Conn, users: &[UserId]) -> Result<HashMap<UserId, i64>, StoreError> {
    let ids: Vec<i64> = users.iter().map(|id| id.0).collect();
    let query = sessions::table
        .filter(sessions::user_id.eq_any(ids))
        .group_by(sessions::user_id)
        .select((sessions::user_id, diesel::dsl::count_star()));
    let rows: Vec<(i64, i64)> = on_either!(conn, |c| query.load(c)?);
    Ok(rows.into_iter().map(|(user, number)| (UserId(user), number)).collect())
}

pub fn insert(conn: &mut Conn, user: UserId, new: &NewSession, now: UnixTime) -> Result<i64, StoreError> {
    let id = diesel::insert_into(sessions::table)
        .values((
            sessions::user_id.eq(user.0),
            sessions::token_hash.eq(&new.token_hash),
            sessions::method.eq(&new.method),
            sessions::address.eq(&new.address),
            sessions::agent.eq(&new.agent),
            sessions::created_at.eq(now.0),
            sessions::seen_at.eq(now.0),
            sessions::expires_at.eq(new.expires_at.0),
        ))
        .returning(sessions::id)
        .get_result(conn)?;
    Ok(id)
}

/// It was used: it lives until then.
pub fn update_seen(conn: &mut Conn, id: i64, now: UnixTime, expires_at: UnixTime) -> Result<(), StoreError> {
    let changes = (sessions::seen_at.eq(now.0), sessions::expires_at.eq(expires_at.0));
    diesel::update(sessions::table.find(id)).set(changes).execute(conn)?;
    Ok(())
}

/// Whether the user had it.
pub fn delete(conn: &mut Conn, user: UserId, id: i64) -> Result<bool, StoreError> {
    let one = sessions::table.filter(sessions::user_id.eq(user.0)).filter(sessions::id.eq(id));
    Ok(diesel::delete(one).execute(conn)? == 1)
}

/// Ends all sessions of a user, but for the one that is to stay.
pub fn delete_others(conn: &mut Conn, user: UserId, stays: Option<i64>) -> Result<usize, StoreError> {
    let others =
        sessions::table.filter(sessions::user_id.eq(user.0)).filter(sessions::id.ne(stays.unwrap_or(0)));
    Ok(diesel::delete(others).execute(conn)?)
}

pub fn delete_expired(conn: &mut Conn, now: UnixTime) -> Result<usize, StoreError> {
    Ok(diesel::delete(sessions::table.filter(sessions::expires_at.le(now.0))).execute(conn)?)
}
