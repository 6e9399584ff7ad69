//! Groups of people that own projects together; written `@name` as owners.

use coppice_model::{OwnerName, UnixTime, UserId};
use diesel::prelude::*;

use crate::{
    Conn, StoreError, column,
    schema::{groups, memberships, users},
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub id: i64,
    /// Without the `@`.
    pub name: String,
    pub created_at: UnixTime,
}

#[derive(Queryable)]
struct GroupRow {
    id: i64,
    name: String,
    created_at: i64,
}

impl From<GroupRow> for Group {
    fn from(row: GroupRow) -> Self {
        Self { id: row.id, name: row.name, created_at: UnixTime(row.created_at) }
    }
}

/// `name` without the `@`.
pub fn find_by_name(conn: &mut Conn, name: &str) -> Result<Option<Group>, StoreError> {
    let query = groups::table.filter(groups::name.eq(name));
    Ok(query.first::<GroupRow>(conn).optional()?.map(Group::from))
}

/// `owner` is the group with its `@`.
pub fn insert(conn: &mut Conn, owner: &OwnerName, now: UnixTime) -> Result<Group, StoreError> {
    let name = owner.group().ok_or_else(|| StoreError::Unreadable {
        what: "a group's name",
        reason: format!("{owner} has no '@'"),
    })?;
    let row = diesel::insert_into(groups::table)
        .values((groups::name.eq(name), groups::created_at.eq(now.0)))
        .returning(groups::all_columns)
        .get_result::<GroupRow>(conn)?;
    Ok(row.into())
}

pub fn insert_member(conn: &mut Conn, group: &Group, user: UserId) -> Result<(), StoreError> {
    let values = (memberships::group_id.eq(group.id), memberships::user_id.eq(user.0));
    diesel::insert_into(memberships::table).values(values).execute(conn)?;
    Ok(())
}

pub fn delete_member(conn: &mut Conn, group: &Group, user: UserId) -> Result<(), StoreError> {
    let row = memberships::table.find((group.id, user.0));
    diesel::delete(row).execute(conn)?;
    Ok(())
}

/// Groups with the names of their members, both by name; a group without members too. One statement.
pub fn list(conn: &mut Conn) -> Result<Vec<(String, Vec<String>)>, StoreError> {
    let rows: Vec<(String, Option<String>)> = groups::table
        .left_join(memberships::table.inner_join(users::table))
        .order((groups::name, users::name))
        .select((groups::name, users::name.nullable()))
        .load(conn)?;
    let mut all: Vec<(String, Vec<String>)> = Vec::new();
    for (group, member) in rows {
        if all.last().is_none_or(|(last, _)| *last != group) {
            all.push((group, Vec::new()));
        }
        if let Some((_, members)) = all.last_mut() {
            members.extend(member);
        }
    }
    Ok(all)
}

/// The names of the groups that a user is in, without their `@`, by name; one statement.
pub fn names_of_user(conn: &mut Conn, user: UserId) -> Result<Vec<String>, StoreError> {
    let own = memberships::table.inner_join(groups::table).filter(memberships::user_id.eq(user.0));
    Ok(own.order(groups::name).select(groups::name).load(conn)?)
}

/// `name` without the `@`.
pub fn is_member(conn: &mut Conn, name: &str, user: UserId) -> Result<bool, StoreError> {
    let count: i64 = memberships::table
        .inner_join(groups::table)
        .filter(groups::name.eq(name))
        .filter(memberships::user_id.eq(user.0))
        .count()
        .get_result(conn)?;
    Ok(count > 0)
}

/// The groups of a user, as owners; one statement.
pub fn list_of(conn: &mut Conn, user: UserId) -> Result<Vec<OwnerName>, StoreError> {
    let names: Vec<String> = memberships::table
        .inner_join(groups::table)
        .filter(memberships::user_id.eq(user.0))
        .order(groups::name)
        .select(groups::name)
        .load(conn)?;
    names.iter().map(|name| column::word("a group's name", &format!("@{name}"))).collect()
}
