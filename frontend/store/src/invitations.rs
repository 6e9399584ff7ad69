//! Links that let somebody make an account, once.

use coppice_model::{UnixTime, UserId};
use diesel::prelude::*;

use crate::{Conn, Page, StoreError, column, schema::invitations};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    pub id: i64,
    /// Whom it is for, as its maker calls them.
    pub note: String,
    pub created_at: UnixTime,
    pub expires_at: UnixTime,
    pub used_at: Option<UnixTime>,
}

#[derive(Queryable)]
struct InvitationRow {
    id: i64,
    _token_hash: String,
    note: String,
    _made_by: Option<i64>,
    created_at: i64,
    expires_at: i64,
    _used_by: Option<i64>,
    used_at: Option<i64>,
}

impl From<InvitationRow> for Invitation {
    fn from(row: InvitationRow) -> Self {
        Self {
            id: row.id,
            note: row.note,
            created_at: UnixTime(row.created_at),
            expires_at: UnixTime(row.expires_at),
            used_at: column::time(row.used_at),
        }
    }
}

/// An invitation to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewInvitation {
    pub token_hash: String,
    pub note: String,
    pub made_by: Option<UserId>,
    pub expires_at: UnixTime,
}

pub fn insert(conn: &mut Conn, new: &NewInvitation, now: UnixTime) -> Result<i64, StoreError> {
    let id = diesel::insert_into(invitations::table)
        .values((
            invitations::token_hash.eq(&new.token_hash),
            invitations::note.eq(&new.note),
            invitations::made_by.eq(new.made_by.map(|user| user.0)),
            invitations::created_at.eq(now.0),
            invitations::expires_at.eq(new.expires_at.0),
        ))
        .returning(invitations::id)
        .get_result(conn)?;
    Ok(id)
}

pub fn find(conn: &mut Conn, token_hash: &str) -> Result<Option<Invitation>, StoreError> {
    let query = invitations::table.filter(invitations::token_hash.eq(token_hash));
    Ok(query.first::<InvitationRow>(conn).optional()?.map(Invitation::from))
}

/// The newest first; one statement.
pub fn list(conn: &mut Conn, page: Page) -> Result<Vec<Invitation>, StoreError> {
    let query = invitations::table.order(invitations::id.desc()).limit(page.limit()).offset(page.offset());
    Ok(query.load::<InvitationRow>(conn)?.into_iter().map(Invitation::from).collect())
}

/// Whether it was still unused: of two who come with the same link one gets in.
pub fn use_up(conn: &mut Conn, id: i64, user: UserId, now: UnixTime) -> Result<bool, StoreError> {
    let unused = invitations::table.find(id).filter(invitations::used_at.is_null());
    let used = (invitations::used_at.eq(now.0), invitations::used_by.eq(user.0));
    Ok(diesel::update(unused).set(used).execute(conn)? == 1)
}

/// Whether it was there and unused.
pub fn delete_unused(conn: &mut Conn, id: i64) -> Result<bool, StoreError> {
    let unused = invitations::table.find(id).filter(invitations::used_at.is_null());
    Ok(diesel::delete(unused).execute(conn)? == 1)
}
