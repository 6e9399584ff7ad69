//! Groups and who is in them.

use coppice_model::{OwnerName, UnixTime};
use coppice_store::{Conn, Group, groups, users};

use super::ManageError;

/// With or without the `@`.
fn owner(raw: &str) -> Result<OwnerName, ManageError> {
    let name = format!("@{}", raw.trim_start_matches('@'));
    name.parse().map_err(|e| ManageError::Refused(format!("{e}")))
}

pub(super) fn add(tx: &mut Conn, raw: &str, now: UnixTime) -> Result<String, ManageError> {
    let owner = owner(raw)?;
    if groups::find_by_name(tx, owner.group().unwrap_or_default())?.is_some() {
        return Ok(format!("group {owner} exists\n"));
    }
    groups::insert(tx, &owner, now)?;
    Ok(format!("group {owner} was added\n"))
}

pub(super) fn member(tx: &mut Conn, raw: &str, user: &str, remove: bool) -> Result<String, ManageError> {
    let owner = owner(raw)?;
    let group: Option<Group> = groups::find_by_name(tx, owner.group().unwrap_or_default())?;
    let group =
        group.ok_or_else(|| ManageError::Refused(format!("there is no group {owner}: add it first")))?;
    let known = users::find_by_name(tx, user)?;
    let known =
        known.ok_or_else(|| ManageError::Refused(format!("there is no user {user}: add it first")))?;
    let is_member = groups::is_member(tx, &group.name, known.id)?;
    match (remove, is_member) {
        (true, true) => groups::delete_member(tx, &group, known.id)?,
        (false, false) => groups::insert_member(tx, &group, known.id)?,
        _ => {}
    }
    let state = if remove { "is no member" } else { "is a member" };
    Ok(format!("{user} {state} of {owner}\n"))
}

pub(super) fn list(conn: &mut Conn) -> Result<String, ManageError> {
    let line = |(name, members): (String, Vec<String>)| format!("@{name}\t{}\n", members.join(" "));
    Ok(groups::list(conn)?.into_iter().map(line).collect())
}
