//! What users tell of themselves and their groups, and which projects they show first.

use coppice_model::{OwnerName, ProjectId};
use coppice_store::{Conn, Page, Profile, Project, groups, profiles, projects};

use super::{Caller, OpError, Problem, rights};

/// Copr: so many projects may be pinned.
pub const MOST_PINNED: usize = 4;
const LONGEST_TEXT: usize = 20_000;
/// Of so many projects one may choose.
const CHOICE: i64 = 500;

/// The projects that may be pinned, newest first: those of the owner, and for a user also those of his groups.
pub fn pinnable(conn: &mut Conn, by: &Caller, owner: &OwnerName) -> Result<Vec<Project>, OpError> {
    ensure_own(conn, by, owner)?;
    let mut owners = match owner.group() {
        Some(_) => Vec::new(),
        None => groups::list_of(conn, by.user.id)?,
    };
    owners.push(owner.clone());
    Ok(projects::list_of_owners(conn, &owners, Page::first(CHOICE))?)
}

/// The profile of who is allowed to change it.
pub fn own_profile(conn: &mut Conn, by: &Caller, owner: &OwnerName) -> Result<Profile, OpError> {
    ensure_own(conn, by, owner)?;
    Ok(profiles::find(conn, owner)?)
}

pub fn describe_owner(tx: &mut Conn, by: &Caller, owner: &OwnerName, text: &str) -> Result<(), OpError> {
    let profile = own_profile(tx, by, owner)?;
    if text.chars().count() > LONGEST_TEXT {
        let message = format!("At most {LONGEST_TEXT} characters fit here.");
        return Err(OpError::Invalid(vec![Problem::new("text", &message)]));
    }
    Ok(profiles::put(tx, owner, &Profile { text: text.trim().to_owned(), ..profile })?)
}

pub fn pin_projects(
    tx: &mut Conn,
    by: &Caller,
    owner: &OwnerName,
    pinned: &[ProjectId],
) -> Result<(), OpError> {
    let mut chosen: Vec<ProjectId> = Vec::new();
    for id in pinned {
        if !chosen.contains(id) {
            chosen.push(*id);
        }
    }
    let known = pinnable(tx, by, owner)?;
    if chosen.len() > MOST_PINNED || chosen.iter().any(|id| known.iter().all(|project| project.id != *id)) {
        let text = format!("At most {MOST_PINNED} projects of {owner} can be pinned; one of these cannot.");
        return Err(OpError::Refused(text));
    }
    let profile = profiles::find(tx, owner)?;
    Ok(profiles::put(tx, owner, &Profile { pinned: chosen, ..profile })?)
}

fn ensure_own(conn: &mut Conn, by: &Caller, owner: &OwnerName) -> Result<(), OpError> {
    rights::ensure_whole(by)?;
    let is_own = match owner.group() {
        Some(group) => groups::is_member(conn, group, by.user.id)?,
        None => by.user.name == *owner,
    };
    if is_own {
        Ok(())
    } else {
        Err(OpError::Forbidden(format!("Only {owner} may change what is told of {owner}.")))
    }
}
