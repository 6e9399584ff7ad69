//! The end of a project.

use coppice_model::messages::{BackendTask, DeleteProject};
use coppice_store::{ActionKind, ActionMessage, Conn, Project, builds, project_dirs, projects};

use super::{Caller, Context, OpError, order, rights};

/// Removes the project from the database and orders the removal of its results.
pub fn delete_project(tx: &mut Conn, cx: &Context, by: &Caller, project: &Project) -> Result<(), OpError> {
    rights::ensure_can_delete(tx, by, project)?;
    if project.settings.persistent {
        return Err(OpError::Forbidden("This project is protected against deletion.".into()));
    }
    ensure_nothing_runs(tx, project)?;
    remove(tx, cx, project)
}

/// Whoever asked may.
pub(super) fn remove(tx: &mut Conn, cx: &Context, project: &Project) -> Result<(), OpError> {
    let reference = project.reference();
    let dirs: Vec<_> = project_dirs::list(tx, project.id)?.into_iter().map(|dir| dir.name).collect();
    let message = |action| {
        let delete = DeleteProject { action, project: reference.clone(), dirs };
        ActionMessage::Backend(BackendTask::DeleteProjectV1(delete))
    };
    order::act(tx, cx, ActionKind::DeleteProject, &reference, message)?;
    Ok(projects::delete(tx, project.id)?)
}

fn ensure_nothing_runs(conn: &mut Conn, project: &Project) -> Result<(), OpError> {
    super::delete_builds::ensure_none_runs(&builds::list_unfinished(conn, project.id)?)
}

pub(super) fn nothing_runs(conn: &mut Conn, project: &Project) -> Result<bool, OpError> {
    Ok(builds::list_unfinished(conn, project.id)?.is_empty())
}
