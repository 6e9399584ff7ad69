//! Who may do what with a project (contract section 8). Every rule that changes something asks here, so that a token of
//! narrower scope is held everywhere.

use coppice_model::{
    OwnerName,
    permission::{PermissionState, Role, TokenAccess},
};
use coppice_store::{Conn, Project, TokenScope, User, groups, permissions};

use super::OpError;

/// A user, and how far the token goes that he came with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    pub user: User,
    pub scope: TokenScope,
}

impl Caller {
    /// With all rights that the user has.
    pub fn whole(user: User) -> Self {
        Self { user, scope: TokenScope::default() }
    }

    /// Nobody who is blocked reaches anything, whatever stands for him: a token, or a workflow that he trusted.
    fn reaches(&self, access: TokenAccess, project: &Project) -> bool {
        self.user.block.is_none()
            && self.scope.access.includes(access)
            && self.scope.project.is_none_or(|only| only == project.id)
    }

    fn too_narrow(&self, needed: TokenAccess) -> OpError {
        let of = if self.scope.project.is_some() { " of another project" } else { "" };
        OpError::Forbidden(format!(
            "This is a '{}' token{of}: use one with the scope '{needed}' that reaches here.",
            self.scope.access
        ))
    }
}

/// Asked wherever somebody comes in: by a login, a session, a token, or a workflow.
pub(super) fn ensure_unblocked(user: &User) -> Result<(), OpError> {
    let Some(block) = &user.block else { return Ok(()) };
    let reason = if block.reason.is_empty() { String::new() } else { format!(" Reason: {}.", block.reason) };
    let whom = match block.by.as_str() {
        "" => "the operators of this service".to_owned(),
        by => format!("{by}, an admin of this service"),
    };
    Err(OpError::Forbidden(format!("The account '{}' is blocked.{reason} Ask {whom}.", user.name)))
}

/// What belongs to no project: accounts, tokens, new projects.
pub(super) fn ensure_whole(by: &Caller) -> Result<(), OpError> {
    ensure_unblocked(&by.user)?;
    match (by.scope.access, by.scope.project) {
        (TokenAccess::Admin, None) => Ok(()),
        _ => Err(by.too_narrow(TokenAccess::Admin)),
    }
}

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
pub fn can_build(conn: &mut Conn, by: &Caller, project: &Project) -> Result<bool, OpError> {
    Ok(by.reaches(TokenAccess::Build, project)
        && has_role(conn, &by.user, project, &[Role::Builder, Role::Admin])?)
}

/// Owner, approved admin, server admin.
pub fn can_edit(conn: &mut Conn, by: &Caller, project: &Project) -> Result<bool, OpError> {
    Ok(by.reaches(TokenAccess::Admin, project) && has_role(conn, &by.user, project, &[Role::Admin])?)
}

fn has_role(conn: &mut Conn, user: &User, project: &Project, any: &[Role]) -> Result<bool, OpError> {
    if is_owner(conn, user, &project.owner)? {
        return Ok(true);
    }
    let roles = permissions::of(conn, project.id, user.id)?;
    Ok(any.iter().any(|role| roles.of(*role) == PermissionState::Approved))
}

pub fn can_delete(conn: &mut Conn, by: &Caller, project: &Project) -> Result<bool, OpError> {
    Ok(by.reaches(TokenAccess::Admin, project) && is_owner(conn, &by.user, &project.owner)?)
}

pub(super) fn ensure_can_build(conn: &mut Conn, by: &Caller, project: &Project) -> Result<(), OpError> {
    if can_build(conn, by, project)? {
        return Ok(());
    }
    let text = format!("User '{}' is not allowed to build in '{}'", by.user.name, project.reference());
    Err(refusal(by, TokenAccess::Build, project, text))
}

pub(super) fn ensure_can_edit(conn: &mut Conn, by: &Caller, project: &Project) -> Result<(), OpError> {
    if can_edit(conn, by, project)? {
        return Ok(());
    }
    let text = "Only owners and admins may update their projects.".into();
    Err(refusal(by, TokenAccess::Admin, project, text))
}

pub(super) fn ensure_can_delete(conn: &mut Conn, by: &Caller, project: &Project) -> Result<(), OpError> {
    if can_delete(conn, by, project)? {
        return Ok(());
    }
    let text = "Only owners may delete their projects.".into();
    Err(refusal(by, TokenAccess::Admin, project, text))
}

/// Says what to change: the token when that is what fails.
pub(super) fn refusal(by: &Caller, needed: TokenAccess, project: &Project, text: String) -> OpError {
    if let Err(blocked) = ensure_unblocked(&by.user) {
        return blocked;
    }
    if by.reaches(needed, project) { OpError::Forbidden(text) } else { by.too_narrow(needed) }
}

/// Whether `by` may make projects under `owner`.
pub(super) fn ensure_can_create(conn: &mut Conn, by: &Caller, owner: &OwnerName) -> Result<(), OpError> {
    ensure_whole(by)?;
    if is_owner(conn, &by.user, owner)? {
        return Ok(());
    }
    let by = &by.user.name;
    Err(OpError::Forbidden(match owner.group() {
        Some(group) => {
            format!("User '{by}' doesn't have access to the copr group '{group}' (fas_name='{group}')")
        }
        None => format!(
            "You were authorized as '{by}' user without permissions to access projects of user '{owner}'"
        ),
    }))
}
