//! Looking things up, with the answers that clients know when they are not there.

use coppice_model::{BuildId, ChrootName, DirName};
use coppice_store::{
    BuildChroot, BuildView, Conn, Project, ProjectChroot, builds, groups, project_chroots, project_dirs,
    projects,
};

use super::OpError;

pub fn find_project(conn: &mut Conn, owner: &str, name: &str) -> Result<Project, OpError> {
    match projects::find(conn, owner, name)? {
        Some(project) => Ok(project),
        None => missing_project(conn, owner, name),
    }
}

/// With the names of the chroots that it builds for.
pub fn find_project_with_chroots(
    conn: &mut Conn,
    owner: &str,
    name: &str,
) -> Result<(Project, Vec<ChrootName>), OpError> {
    match projects::find_with_chroots(conn, owner, name)? {
        Some(found) => Ok(found),
        None => missing_project(conn, owner, name),
    }
}

/// With the chroots that builds go to.
pub(super) fn find_project_to_build(
    conn: &mut Conn,
    owner: &str,
    name: &str,
) -> Result<(Project, Vec<ProjectChroot>), OpError> {
    match project_chroots::find_buildable_of(conn, owner, name)? {
        Some(found) => Ok(found),
        None => missing_project(conn, owner, name),
    }
}

fn missing_project<T>(conn: &mut Conn, owner: &str, name: &str) -> Result<T, OpError> {
    if let Some(group) = owner.strip_prefix('@')
        && groups::find_by_name(conn, group)?.is_none()
    {
        return Err(OpError::NotFound(format!("Group {group} does not exist.")));
    }
    Err(OpError::NotFound(format!("Project {owner}/{name} does not exist.")))
}

pub fn find_project_chroot(
    conn: &mut Conn,
    project: &Project,
    chroot: &str,
) -> Result<ProjectChroot, OpError> {
    let missing =
        || OpError::NotFound(format!("Chroot name {chroot} does not exist in Copr {}.", project.reference()));
    project_chroots::find(conn, project.id, chroot)?.ok_or_else(missing)
}

/// A directory of the project; an empty name is the main one's.
pub fn find_dir(conn: &mut Conn, project: &Project, name: &str) -> Result<DirName, OpError> {
    let wanted = if name.is_empty() { project.name.as_str() } else { name };
    let dirs = project_dirs::list(conn, project.id)?;
    let found = dirs.into_iter().map(|dir| dir.name).find(|dir| dir.as_str() == wanted);
    found.ok_or_else(|| {
        OpError::NotFound(format!("Directory {wanted} does not exist in {}", project.reference()))
    })
}

pub fn find_build(conn: &mut Conn, id: BuildId) -> Result<BuildView, OpError> {
    builds::find(conn, id)?.ok_or_else(|| OpError::NotFound(format!("Build {id} does not exist.")))
}

pub fn find_build_chroot(
    conn: &mut Conn,
    id: BuildId,
    chroot: &str,
) -> Result<(BuildView, BuildChroot), OpError> {
    let view = find_build(conn, id)?;
    let found = view.chroots.iter().find(|own| own.chroot.as_str() == chroot).cloned();
    let found = found
        .ok_or_else(|| OpError::NotFound(format!("Build {id} was not submitted to {chroot} chroot.")))?;
    Ok((view, found))
}
