//! Who users are elsewhere: each identity is a way to log in.

use coppice_model::{UnixTime, UserId};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    Conn, StoreError, User,
    conn::on_either,
    schema::{identities, users},
    users::UserRow,
};

/// A person as a provider knows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewIdentity {
    pub provider: String,
    /// Never changes, unlike the label.
    pub subject: String,
    pub label: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub id: i64,
    pub provider: String,
    pub subject: String,
    pub label: String,
    pub created_at: UnixTime,
    pub used_at: UnixTime,
}

#[derive(Queryable)]
struct IdentityRow {
    id: i64,
    provider: String,
    subject: String,
    _user_id: i64,
    label: String,
    created_at: i64,
    used_at: i64,
}

impl From<IdentityRow> for Identity {
    fn from(row: IdentityRow) -> Self {
        Self {
            id: row.id,
            provider: row.provider,
            subject: row.subject,
            label: row.label,
            created_at: UnixTime(row.created_at),
            used_at: UnixTime(row.used_at),
        }
    }
}

/// The user of an identity; one statement.
pub fn find(conn: &mut Conn, provider: &str, subject: &str) -> Result<Option<(Identity, User)>, StoreError> {
    let query = identities::table
        .inner_join(users::table)
        .filter(identities::provider.eq(provider))
        .filter(identities::subject.eq(subject))
        .select((identities::all_columns, users::all_columns));
    let found = on_either!(conn, |c| query.first::<(IdentityRow, UserRow)>(c).optional()?);
    let Some((identity, user)) = found else { return Ok(None) };
    Ok(Some((identity.into(), user.try_into()?)))
}

/// All of a user, the oldest first; one statement.
pub fn list(conn: &mut Conn, user: UserId) -> Result<Vec<Identity>, StoreError> {
    let query = identities::table.filter(identities::user_id.eq(user.0)).order(identities::id);
    Ok(query.load::<IdentityRow>(conn)?.into_iter().map(Identity::from).collect())
}

pub fn insert(conn: &mut Conn, user: UserId, new: &NewIdentity, now: UnixTime) -> Result<(), StoreError> {
    let row = (
        identities::provider.eq(&new.provider),
        identities::subject.eq(&new.subject),
        identities::user_id.eq(user.0),
        identities::label.eq(&new.label),
        identities::created_at.eq(now.0),
        identities::used_at.eq(now.0),
    );
    diesel::insert_into(identities::table).values(row).execute(conn)?;
    Ok(())
}

/// It logged its user in, and the provider now calls the person so.
pub fn update_used(conn: &mut Conn, id: i64, label: &str, now: UnixTime) -> Result<(), StoreError> {
    let changes = (identities::label.eq(label), identities::used_at.eq(now.0));
    diesel::update(identities::table.find(id)).set(changes).execute(conn)?;
    Ok(())
}

/// Whether the user had it.
pub fn delete(conn: &mut Conn, user: UserId, id: i64) -> Result<bool, StoreError> {
    let one = identities::table.find(id).filter(identities::user_id.eq(user.0));
    Ok(diesel::delete(one).execute(conn)? == 1)
}

pub fn delete_all(conn: &mut Conn, user: UserId) -> Result<(), StoreError> {
    diesel::delete(identities::table.filter(identities::user_id.eq(user.0))).execute(conn)?;
    Ok(())
}
