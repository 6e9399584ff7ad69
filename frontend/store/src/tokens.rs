//! API logins: a public login and the hash of its secret token.

use coppice_model::{ProjectId, UnixTime, UserId, permission::TokenAccess};
use diesel::prelude::*;

use crate::{
    Conn, StoreError, User, column,
    conn::on_either,
    schema::{api_tokens, users},
    users::UserRow,
};

/// How far a token goes; by default as far as its user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenScope {
    pub access: TokenAccess,
    /// Only there.
    pub project: Option<ProjectId>,
}

impl Default for TokenScope {
    fn default() -> Self {
        Self { access: TokenAccess::Admin, project: None }
    }
}

/// A token to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewApiToken {
    pub login: String,
    pub token_hash: String,
    pub expires_at: UnixTime,
    /// `None`: the classic one, of which a user has one.
    pub name: Option<String>,
    pub scope: TokenScope,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    pub id: i64,
    pub login: String,
    pub token_hash: String,
    pub created_at: UnixTime,
    pub expires_at: UnixTime,
    pub name: Option<String>,
    pub scope: TokenScope,
    /// Not exact: it is written seldom.
    pub used_at: Option<UnixTime>,
}

#[derive(Queryable)]
struct TokenRow {
    id: i64,
    login: String,
    token_hash: String,
    _user_id: i64,
    created_at: i64,
    expires_at: i64,
    name: Option<String>,
    access: String,
    project_id: Option<i64>,
    used_at: Option<i64>,
}

impl TryFrom<TokenRow> for ApiToken {
    type Error = StoreError;
    fn try_from(row: TokenRow) -> Result<Self, StoreError> {
        let access = column::word("a token's access", &row.access)?;
        Ok(Self {
            id: row.id,
            login: row.login,
            token_hash: row.token_hash,
            created_at: UnixTime(row.created_at),
            expires_at: UnixTime(row.expires_at),
            name: row.name,
            scope: TokenScope { access, project: row.project_id.map(ProjectId) },
            used_at: row.used_at.map(UnixTime),
        })
    }
}

/// The token of a login and its user; one statement.
pub fn find(conn: &mut Conn, login: &str) -> Result<Option<(ApiToken, User)>, StoreError> {
    let query = api_tokens::table
        .inner_join(users::table)
        .filter(api_tokens::login.eq(login))
        .select((api_tokens::all_columns, users::all_columns));
    let found = on_either!(conn, |c| query.first::<(TokenRow, UserRow)>(c).optional()?);
    let Some((token, user)) = found else { return Ok(None) };
    Ok(Some((token.try_into()?, user.try_into()?)))
}

/// All of a user, the oldest first; one statement.
pub fn list(conn: &mut Conn, user: UserId) -> Result<Vec<ApiToken>, StoreError> {
    let query = api_tokens::table.filter(api_tokens::user_id.eq(user.0)).order(api_tokens::id);
    column::all(query.load::<TokenRow>(conn)?)
}

pub fn insert(conn: &mut Conn, user: UserId, token: &NewApiToken, now: UnixTime) -> Result<i64, StoreError> {
    let id = diesel::insert_into(api_tokens::table)
        .values((
            api_tokens::login.eq(&token.login),
            api_tokens::token_hash.eq(&token.token_hash),
            api_tokens::user_id.eq(user.0),
            api_tokens::created_at.eq(now.0),
            api_tokens::expires_at.eq(token.expires_at.0),
            api_tokens::name.eq(&token.name),
            api_tokens::access.eq(token.scope.access.as_str()),
            api_tokens::project_id.eq(token.scope.project.map(|project| project.0)),
        ))
        .returning(api_tokens::id)
        .get_result(conn)?;
    Ok(id)
}

/// Another secret for the same name and scope; the old one works no more. Whether the user had the token.
pub fn update_secret(
    conn: &mut Conn,
    user: UserId,
    id: i64,
    new: &NewApiToken,
    now: UnixTime,
) -> Result<bool, StoreError> {
    let one = api_tokens::table.filter(api_tokens::user_id.eq(user.0)).filter(api_tokens::id.eq(id));
    let changes = (
        api_tokens::login.eq(&new.login),
        api_tokens::token_hash.eq(&new.token_hash),
        api_tokens::created_at.eq(now.0),
        api_tokens::expires_at.eq(new.expires_at.0),
        api_tokens::used_at.eq(None::<i64>),
    );
    Ok(diesel::update(one).set(changes).execute(conn)? == 1)
}

/// It was used, if nobody wrote that since `before`. One statement.
pub fn update_used(conn: &mut Conn, id: i64, before: UnixTime, now: UnixTime) -> Result<(), StoreError> {
    let known = api_tokens::used_at.is_null().or(api_tokens::used_at.le(before.0));
    let one = api_tokens::table.filter(api_tokens::id.eq(id)).filter(known);
    on_either!(conn, |c| diesel::update(one).set(api_tokens::used_at.eq(now.0)).execute(c)?);
    Ok(())
}

/// Removes every classic token of a user; those with names stay.
pub fn delete_classic(conn: &mut Conn, user: UserId) -> Result<(), StoreError> {
    let classic = api_tokens::table.filter(api_tokens::user_id.eq(user.0)).filter(api_tokens::name.is_null());
    diesel::delete(classic).execute(conn)?;
    Ok(())
}

/// Whether the user had it.
pub fn delete(conn: &mut Conn, user: UserId, id: i64) -> Result<bool, StoreError> {
    let one = api_tokens::table.filter(api_tokens::user_id.eq(user.0)).filter(api_tokens::id.eq(id));
    Ok(diesel::delete(one).execute(conn)? == 1)
}

pub fn delete_expired(conn: &mut Conn, now: UnixTime) -> Result<usize, StoreError> {
    Ok(diesel::delete(api_tokens::table.filter(api_tokens::expires_at.le(now.0))).execute(conn)?)
}
