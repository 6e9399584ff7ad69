//! Who may do what with a project (contract section 8).

use coppice_model::{
    OwnerName,
    permission::{PermissionState, Role},
};
use coppice_store::{Conn, Project, User, groups, permissions};

use super::OpError;

/// Owner, member of the owning group, or server admin.
pub(super) fn is_owner(conn: &mut Conn, user: &User, owner: &OwnerName) -> Result<bool, OpError> {
    if user.is_admin || user.name == *owner {
        return Ok(true);
    }
    match owner.group() {
        Some(group) => Ok(groups::is_member(conn, group, user.id)?),
        None => Ok(false),
    }
}

/// Owner, approved builder or admin, server admin.
pub fn can_build(conn: &mut Conn, user: &User, project: &Project) -> Result<bool, OpError> {
    has_role(conn, user, project, &[Role::Builder, Role::Admin])
}

/// Owner, approved admin, server admin.
pub fn can_edit(conn: &mut Conn, user: &User, project: &Project) -> Result<bool, OpError> {
    has_role(conn, user, project, &[Role::Admin])
}

fn has_role(conn: &mut Conn, user: &User, project: &Project, any: &[Role]) -> Result<bool, OpError> {
    if is_owner(conn, user, &project.owner)? {
        return Ok(true);
    }
    let roles = permissions::of(conn, project.id, user.id)?;
    Ok(any.iter().any(|role| roles.of(*role) == PermissionState::Approved))
}

pub fn can_delete(conn: &mut Conn, user: &User, project: &Project) -> Result<bool, OpError> {
    is_owner(conn, user, &project.owner)
}

pub(super) fn ensure_can_build(conn: &mut Conn, user: &User, project: &Project) -> Result<(), OpError> {
    if can_build(conn, user, project)? {
        return Ok(());
    }
    Err(OpError::Forbidden(format!(
        "User '{}' is not allowed to build in '{}'",
        user.name,
        project.reference()
    )))
}

pub(super) fn ensure_can_edit(conn: &mut Conn, user: &User, project: &Project) -> Result<(), OpError> {
    if can_edit(conn, user, project)? {
        return Ok(());
    }
    Err(OpError::Forbidden("Only owners and admins may update their projects.".into()))
}

pub(super) fn ensure_can_delete(conn: &mut Conn, user: &User, project: &Project) -> Result<(), OpError> {
    if can_delete(conn, user, project)? {
        return Ok(());
    }
    Err(OpError::Forbidden("Only owners may delete their projects.".into()))
}

/// Whether `user` may make projects under `owner`.
pub(super) fn ensure_can_create(conn: &mut Conn, user: &User, owner: &OwnerName) -> Result<(), OpError> {
    if is_owner(conn, user, owner)? {
        return Ok(());
    }
    let by = &user.name;
    Err(OpError::Forbidden(match owner.group() {
        Some(group) => {
            format!("User '{by}' doesn't have access to the copr group '{group}' (fas_name='{group}')")
        }
        None => format!(
            "You were authorized as '{by}' user without permissions to access projects of user '{owner}'"
        ),
    }))
}
