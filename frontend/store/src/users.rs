//! People's accounts.

use coppice_model::{OwnerName, UnixTime, UserId};
use diesel::prelude::*;

use crate::{
    Conn, Page, StoreError, column,
    column::{escaped, lower},
    schema::users,
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub id: UserId,
    pub name: OwnerName,
    pub mail: Option<String>,
    pub is_admin: bool,
    pub created_at: UnixTime,
    /// Where they read times: an IANA name. `None`: as the browser says.
    pub zone: Option<String>,
    /// May do nothing any more.
    pub block: Option<Block>,
}

/// Why somebody may do nothing any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    pub at: UnixTime,
    /// The admin who decided it.
    pub by: String,
    /// What the user is told.
    pub reason: String,
}

#[derive(Queryable)]
pub(crate) struct UserRow {
    id: i64,
    name: String,
    mail: Option<String>,
    is_admin: bool,
    created_at: i64,
    zone: Option<String>,
    blocked_at: Option<i64>,
    blocked_by: Option<String>,
    blocked_reason: Option<String>,
}

impl TryFrom<UserRow> for User {
    type Error = StoreError;
    fn try_from(row: UserRow) -> Result<Self, StoreError> {
        let (by, reason) = (row.blocked_by.unwrap_or_default(), row.blocked_reason.unwrap_or_default());
        Ok(Self {
            id: UserId(row.id),
            name: column::word("a user's name", &row.name)?,
            mail: row.mail,
            is_admin: row.is_admin,
            created_at: UnixTime(row.created_at),
            zone: row.zone,
            block: row.blocked_at.map(|at| Block { at: UnixTime(at), by, reason }),
        })
    }
}

pub fn find_by_name(conn: &mut Conn, name: &str) -> Result<Option<User>, StoreError> {
    let query = users::table.filter(users::name.eq(name));
    query.first::<UserRow>(conn).optional()?.map(User::try_from).transpose()
}

/// Whom something in the database names.
pub fn get(conn: &mut Conn, id: UserId) -> Result<User, StoreError> {
    let row = users::table.find(id.0).first::<UserRow>(conn).optional()?;
    row.ok_or_else(|| StoreError::Absent(format!("user {}", id.0)))?.try_into()
}

/// Whether somebody has this name, written in whatever letters: names that differ in their case only would be mistaken
/// for each other.
pub fn is_taken(conn: &mut Conn, name: &OwnerName) -> Result<bool, StoreError> {
    let same = users::table.filter(lower(users::name).eq(name.as_str().to_lowercase()));
    Ok(same.select(users::id).first::<i64>(conn).optional()?.is_some())
}

/// By name; one statement.
pub fn list(conn: &mut Conn, page: Page) -> Result<Vec<User>, StoreError> {
    let query = users::table.order(users::name).limit(page.limit()).offset(page.offset());
    column::all(query.load::<UserRow>(conn)?)
}

/// Those whose names hold this, by name; one statement.
pub fn search(conn: &mut Conn, part: &str, page: Page) -> Result<Vec<User>, StoreError> {
    let pattern = format!("%{}%", escaped(&part.to_lowercase()));
    let query = users::table.filter(lower(users::name).like(pattern).escape('\\')).order(users::name);
    column::all(query.limit(page.limit()).offset(page.offset()).load::<UserRow>(conn)?)
}

pub fn insert(
    conn: &mut Conn,
    name: &OwnerName,
    mail: Option<&str>,
    is_admin: bool,
    now: UnixTime,
) -> Result<User, StoreError> {
    let row = diesel::insert_into(users::table)
        .values((
            users::name.eq(name.as_str()),
            users::mail.eq(mail),
            users::is_admin.eq(is_admin),
            users::created_at.eq(now.0),
        ))
        .returning(users::all_columns)
        .get_result::<UserRow>(conn)?;
    row.try_into()
}

pub fn update(conn: &mut Conn, id: UserId, mail: Option<&str>, is_admin: bool) -> Result<(), StoreError> {
    let changes = (users::mail.eq(mail), users::is_admin.eq(is_admin));
    diesel::update(users::table.find(id.0)).set(changes).execute(conn)?;
    Ok(())
}

/// `None`: as the browser says.
pub fn update_zone(conn: &mut Conn, id: UserId, zone: Option<&str>) -> Result<(), StoreError> {
    diesel::update(users::table.find(id.0)).set(users::zone.eq(zone)).execute(conn)?;
    Ok(())
}

/// `None`: the user is free again.
pub fn update_block(conn: &mut Conn, id: UserId, block: Option<&Block>) -> Result<(), StoreError> {
    let changes = (
        users::blocked_at.eq(block.map(|block| block.at.0)),
        users::blocked_by.eq(block.map(|block| block.by.as_str())),
        users::blocked_reason.eq(block.map(|block| block.reason.as_str())),
    );
    diesel::update(users::table.find(id.0)).set(changes).execute(conn)?;
    Ok(())
}
