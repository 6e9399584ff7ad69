//! API logins: a public login and the hash of its secret token.

use coppice_model::{UnixTime, UserId};
use diesel::prelude::*;

use crate::{
    Conn, StoreError, User,
    schema::{api_tokens, users},
    users::UserRow,
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    pub login: String,
    pub token_hash: String,
    pub expires_at: UnixTime,
}

/// The token of a login and its user; one statement.
pub fn find(conn: &mut Conn, login: &str) -> Result<Option<(ApiToken, User)>, StoreError> {
    let query = api_tokens::table.inner_join(users::table).filter(api_tokens::login.eq(login)).select((
        api_tokens::token_hash,
        api_tokens::expires_at,
        users::all_columns,
    ));
    let Some((token_hash, expires_at, user)) = query.first::<(String, i64, UserRow)>(conn).optional()? else {
        return Ok(None);
    };
    let token = ApiToken { login: login.to_owned(), token_hash, expires_at: UnixTime(expires_at) };
    Ok(Some((token, user.try_into()?)))
}

pub fn insert(conn: &mut Conn, user: UserId, token: &ApiToken, now: UnixTime) -> Result<(), StoreError> {
    diesel::insert_into(api_tokens::table)
        .values((
            api_tokens::login.eq(&token.login),
            api_tokens::token_hash.eq(&token.token_hash),
            api_tokens::user_id.eq(user.0),
            api_tokens::created_at.eq(now.0),
            api_tokens::expires_at.eq(token.expires_at.0),
        ))
        .execute(conn)?;
    Ok(())
}

/// Removes every token of a user.
pub fn delete_of_user(conn: &mut Conn, user: UserId) -> Result<(), StoreError> {
    diesel::delete(api_tokens::table.filter(api_tokens::user_id.eq(user.0))).execute(conn)?;
    Ok(())
}

pub fn delete_expired(conn: &mut Conn, now: UnixTime) -> Result<usize, StoreError> {
    Ok(diesel::delete(api_tokens::table.filter(api_tokens::expires_at.le(now.0))).execute(conn)?)
}
