//! Changed settings of a project.

use coppice_model::{ChrootName, ProjectId};
use coppice_store::{
    Conn, MockChroot, Project, ProjectChroot, mock_chroots, project_chroots, project_dirs, projects,
};

use super::{Caller, Context, OpError, Problem, ProjectChanges, order, problem, rights};

/// Applies what is given; chroots that were enabled anew get their repositories.
pub fn edit_project(
    tx: &mut Conn,
    cx: &Context,
    by: &Caller,
    project: &Project,
    changes: &ProjectChanges,
) -> Result<Project, OpError> {
    rights::ensure_can_edit(tx, by, project)?;
    let before = projects::get(tx, project.id)?;
    let mut problems = Vec::new();
    let chroots = wanted_chroots(tx, project.id, changes, &mut problems)?;
    changes.check(tx, &mut problems)?;
    problem::ensure_none(problems)?;
    changes.ensure_allowed(by, &before.settings)?;
    let settings = changes.apply(&before.settings, cx.now);
    if settings.persistent && settings.delete_on.is_some() {
        let text = "A persistent project cannot be deleted after some days.";
        return Err(OpError::Invalid(vec![Problem::new("delete_after_days", text)]));
    }
    projects::update_settings(tx, project.id, &settings)?;
    let added = match chroots {
        Some(wanted) => replace_chroots(tx, cx, project.id, &wanted)?,
        None => Vec::new(),
    };
    let after = projects::get(tx, project.id)?;
    if before.settings.devel_mode != after.settings.devel_mode {
        order::publish_all(tx, cx, &after, false)?;
    } else {
        let dirs = project_dirs::list(tx, project.id)?.into_iter().map(|dir| dir.name).collect();
        order::publish(tx, cx, &after, dirs, added)?;
    }
    Ok(after)
}

/// What shall be enabled; `None` leaves it as it is. Chroots that are enabled may stay though they are inactive.
fn wanted_chroots(
    conn: &mut Conn,
    project: ProjectId,
    changes: &ProjectChanges,
    problems: &mut Vec<Problem>,
) -> Result<Option<Vec<MockChroot>>, OpError> {
    let Some(names) = changes.chroots.as_deref().filter(|names| !names.is_empty()) else { return Ok(None) };
    let own = project_chroots::list(conn, project)?;
    let is_enabled = |mock: &MockChroot| own.iter().any(|c| c.is_enabled && c.mock.id == mock.id);
    let mut offered = mock_chroots::list(conn)?;
    offered.retain(|mock| mock.is_active || is_enabled(mock));
    for name in names {
        if !offered.iter().any(|mock| mock.name.as_str() == name) {
            problems.push(Problem::no_choice("chroots", name));
        }
    }
    offered.retain(|mock| names.iter().any(|name| mock.name.as_str() == name));
    Ok(Some(offered))
}

/// Makes the enabled set what is wanted; returns those that are new or back.
fn replace_chroots(
    tx: &mut Conn,
    cx: &Context,
    project: ProjectId,
    wanted: &[MockChroot],
) -> Result<Vec<ChrootName>, OpError> {
    let own = project_chroots::list(tx, project)?;
    let is_wanted = |chroot: &ProjectChroot| wanted.iter().any(|mock| mock.id == chroot.mock.id);
    let mut added = Vec::new();
    for chroot in &own {
        match (chroot.is_enabled, is_wanted(chroot)) {
            (true, false) => project_chroots::update_enabled(tx, chroot.id, false, Some(cx.now))?,
            (false, true) => {
                project_chroots::update_enabled(tx, chroot.id, true, None)?;
                added.push(chroot.name().clone());
            }
            _ => {}
        }
    }
    for mock in wanted.iter().filter(|mock| own.iter().all(|chroot| chroot.mock.id != mock.id)) {
        project_chroots::insert(tx, project, mock)?;
        added.push(mock.name.clone());
    }
    Ok(added)
}
