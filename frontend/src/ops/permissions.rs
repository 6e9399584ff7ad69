//! Roles in projects of others: asked for, granted, taken (contract section 8).

use coppice_model::{
    OwnerName, UserId,
    permission::{PermissionState, Role},
};
use coppice_store::{Conn, Project, Roles, User, permissions, users};

use super::{Caller, OpError, rights};

/// What each listed user has; only for those who may grant.
pub fn list_permissions(
    conn: &mut Conn,
    by: &Caller,
    project: &Project,
) -> Result<Vec<(OwnerName, Roles)>, OpError> {
    ensure_may_grant(conn, by, project)?;
    let all = permissions::list(conn, project.id)?;
    if all.is_empty() {
        return Err(OpError::NotFound(format!("No permissions set on {} project", project.reference())));
    }
    Ok(all)
}

/// Grants and takes; the names of those whose roles changed, in the order of the request. All or nothing.
pub fn set_permissions(
    tx: &mut Conn,
    by: &Caller,
    project: &Project,
    wishes: &[(String, Vec<(Role, PermissionState)>)],
) -> Result<Vec<String>, OpError> {
    ensure_may_grant(tx, by, project)?;
    if wishes.is_empty() {
        return Err(OpError::Refused("no permission change requested".into()));
    }
    let mut updated = Vec::new();
    for (name, roles) in wishes {
        let missing = || OpError::Refused(format!("user '{name}' doesn't exist in database"));
        let user = users::find_by_name(tx, name)?.ok_or_else(missing)?;
        ensure_no_owner(&user, project)?;
        if change(tx, project, user.id, roles)? {
            updated.push(name.clone());
        }
    }
    Ok(updated)
}

/// Asks for roles (`true`) or gives them up; whether anything changed.
pub fn request_permissions(
    tx: &mut Conn,
    by: &Caller,
    project: &Project,
    wishes: &[(Role, bool)],
) -> Result<bool, OpError> {
    if wishes.is_empty() {
        return Err(OpError::Refused("no permission requested".into()));
    }
    rights::ensure_whole(by)?;
    ensure_no_owner(&by.user, project)?;
    let roles = permissions::of(tx, project.id, by.user.id)?;
    let mut changes = Vec::new();
    for (role, wanted) in wishes {
        if *wanted && roles.of(*role) == PermissionState::Approved {
            return Err(OpError::Refused(format!("You already are '{role}' in '{}'", project.reference())));
        }
        changes.push((*role, if *wanted { PermissionState::Request } else { PermissionState::Nothing }));
    }
    change(tx, project, by.user.id, &changes)
}

/// Whether a user may build in a project.
pub fn can_build_in(conn: &mut Conn, who: &str, project: &Project) -> Result<bool, OpError> {
    let missing = || OpError::NotFound(format!("No such user `{who}'"));
    let user = users::find_by_name(conn, who)?.ok_or_else(missing)?;
    rights::can_build(conn, &Caller::whole(user), project)
}

fn change(
    tx: &mut Conn,
    project: &Project,
    user: UserId,
    wishes: &[(Role, PermissionState)],
) -> Result<bool, OpError> {
    let before = permissions::of(tx, project.id, user)?;
    let after = wishes.iter().fold(before, |roles, (role, state)| roles.with(*role, *state));
    if after == before {
        return Ok(false);
    }
    permissions::put(tx, project.id, user, after)?;
    Ok(true)
}

fn ensure_no_owner(user: &User, project: &Project) -> Result<(), OpError> {
    if user.name != project.owner {
        return Ok(());
    }
    Err(OpError::Refused(format!("user '{}' is owner of the '{}' project", user.name, project.reference())))
}

fn ensure_may_grant(conn: &mut Conn, by: &Caller, project: &Project) -> Result<(), OpError> {
    if rights::can_edit(conn, by, project)? {
        return Ok(());
    }
    Err(OpError::Forbidden(format!(
        "User '{}' can not see permissions for project '{}' (missing admin rights)",
        by.user.name,
        project.reference()
    )))
}
