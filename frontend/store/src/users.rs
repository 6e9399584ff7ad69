//! People's accounts.

use coppice_model::{OwnerName, UnixTime, UserId};
use diesel::prelude::*;

use crate::{Conn, Page, StoreError, column, schema::users};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub id: UserId,
    pub name: OwnerName,
    pub mail: Option<String>,
    pub is_admin: bool,
    pub created_at: UnixTime,
}

#[derive(Queryable)]
pub(crate) struct UserRow {
    id: i64,
    name: String,
    mail: Option<String>,
    is_admin: bool,
    created_at: i64,
}

impl TryFrom<UserRow> for User {
    type Error = StoreError;
    fn try_from(row: UserRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: UserId(row.id),
            name: column::word("a user's name", &row.name)?,
            mail: row.mail,
            is_admin: row.is_admin,
            created_at: UnixTime(row.created_at),
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

#[diesel::declare_sql_function]
extern "SQL" {
    fn lower(text: diesel::sql_types::Text) -> diesel::sql_types::Text;
}
