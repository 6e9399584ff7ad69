//! Tokens with a name: as narrow and as short-lived as their use allows. Not in Copr.

use coppice_model::{UnixTime, permission::TokenAccess};
use coppice_store::{ApiToken, Conn, TokenScope, tokens};

use super::{
    Caller, OpError, Problem, authenticate::NewToken, find_project, problem::ensure_none,
    publishers::TOKEN_NAME, rights::ensure_whole,
};

const MOST_TOKENS: usize = 100;
const LONGEST_NAME: usize = 100;
const LONGEST_DAYS: i64 = 3_650;
const DEFAULT_DAYS: i64 = 90;

/// What the API takes to make a token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenWish {
    pub name: String,
    /// `read`, `build` or `admin`.
    pub scope: String,
    /// `OWNER/NAME`: only there.
    pub project: Option<String>,
    pub days: Option<i64>,
}

/// The tokens of the caller, the classic one too.
pub fn list_tokens(conn: &mut Conn, by: &Caller) -> Result<Vec<ApiToken>, OpError> {
    ensure_whole(by)?;
    Ok(tokens::list(conn, by.user.id)?)
}

/// Only a token with all rights makes others.
pub fn create_token(
    tx: &mut Conn,
    by: &Caller,
    wish: &TokenWish,
    now: UnixTime,
) -> Result<(i64, NewToken), OpError> {
    ensure_whole(by)?;
    let scope = scope(tx, wish)?;
    let mut known = tokens::list(tx, by.user.id)?;
    // Those of CI jobs end by themselves.
    known.retain(|token| token.name.is_none() || can_be_renewed(token));
    let name = wish.name.trim();
    let days = wish.days.unwrap_or(DEFAULT_DAYS);
    let mut problems = Vec::new();
    if name.chars().count() > LONGEST_NAME {
        problems.push(Problem::new("name", format!("At most {LONGEST_NAME} characters.")));
    }
    if known.iter().any(|token| token.name.as_deref() == Some(name)) {
        problems.push(Problem::new("name", format!("You have a token '{name}' already: revoke it first.")));
    }
    if !(1..=LONGEST_DAYS).contains(&days) {
        problems.push(Problem::new("days", format!("A token lives 1 to {LONGEST_DAYS} days.")));
    }
    if known.len() >= MOST_TOKENS {
        problems.push(Problem::new("name", format!("You have {MOST_TOKENS} tokens: revoke some first.")));
    }
    ensure_none(problems)?;
    let new = NewToken::new(days, now);
    let id = tokens::insert(tx, by.user.id, &new.row(Some(name.to_owned()), scope), now)?;
    Ok((id, new))
}

/// The classic one has a page of its own, and those of CI jobs are asked for anew.
pub fn can_be_renewed(token: &ApiToken) -> bool {
    token.name.as_deref().is_some_and(|name| !name.starts_with(TOKEN_NAME))
}

/// Another secret for a token with a name, which lives as long as the old one did; that one works no more.
pub fn renew_named_token(
    tx: &mut Conn,
    by: &Caller,
    id: i64,
    now: UnixTime,
) -> Result<(String, NewToken), OpError> {
    ensure_whole(by)?;
    let gone = || OpError::NotFound(format!("You have no token {id} that could be renewed."));
    let known = tokens::list(tx, by.user.id)?.into_iter().find(|token| token.id == id);
    let known = known.ok_or_else(gone)?;
    let name = known.name.clone().filter(|_| can_be_renewed(&known)).ok_or_else(gone)?;
    let new = NewToken::lasting(known.expires_at.0 - known.created_at.0, now);
    match tokens::update_secret(tx, by.user.id, id, &new.row(Some(name.clone()), known.scope), now)? {
        true => Ok((name, new)),
        false => Err(gone()),
    }
}

fn scope(conn: &mut Conn, wish: &TokenWish) -> Result<TokenScope, OpError> {
    let access: Result<TokenAccess, _> = wish.scope.parse();
    let wrong = |_| OpError::Invalid(vec![Problem::new("scope", "Use one of: read, build, admin.")]);
    let access = access.map_err(wrong)?;
    let Some(project) = &wish.project else { return Ok(TokenScope { access, project: None }) };
    let wrong = || OpError::Invalid(vec![Problem::new("project", "Use OWNER/NAME.")]);
    let (owner, name) = project.split_once('/').ok_or_else(wrong)?;
    Ok(TokenScope { access, project: Some(find_project(conn, owner, name)?.id) })
}

/// It stops working at once.
pub fn revoke_token(tx: &mut Conn, by: &Caller, id: i64) -> Result<(), OpError> {
    ensure_whole(by)?;
    match tokens::delete(tx, by.user.id, id)? {
        true => Ok(()),
        false => Err(OpError::NotFound(format!("You have no token {id}."))),
    }
}
