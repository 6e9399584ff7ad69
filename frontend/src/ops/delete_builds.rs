//! Builds and their results go away; all of the asked ones or none.

use std::collections::BTreeMap;

use coppice_model::{
    BuildId, ProjectId, ProjectRef,
    messages::{BackendTask, BuildResults, DeleteBuilds},
};
use coppice_store::{ActionKind, ActionMessage, BuildView, Conn, builds, projects};

use super::{Caller, Context, OpError, batch, find_build, order, rights};

/// One build; returns what it was.
pub fn delete_build(tx: &mut Conn, cx: &Context, by: &Caller, id: BuildId) -> Result<BuildView, OpError> {
    let view = find_build(tx, id)?;
    delete_builds(tx, cx, by, &[id])?;
    Ok(view)
}

/// Copr: unknown, running and forbidden ones are all named in one answer.
pub fn delete_builds(tx: &mut Conn, cx: &Context, by: &Caller, ids: &[BuildId]) -> Result<(), OpError> {
    for id in ids {
        builds::lock(tx, *id, cx.now)?;
    }
    let views = builds::list_by_id(tx, ids)?;
    ensure_deletable(tx, by, ids, &views)?;
    let mut by_project: BTreeMap<ProjectId, Vec<BuildView>> = BTreeMap::new();
    for view in views {
        by_project.entry(view.build.project_id).or_default().push(view);
    }
    for views in by_project.values() {
        delete_of_project(tx, cx, views)?;
    }
    Ok(())
}

fn ensure_deletable(
    conn: &mut Conn,
    by: &Caller,
    ids: &[BuildId],
    views: &[BuildView],
) -> Result<(), OpError> {
    let unknown: Vec<BuildId> =
        ids.iter().copied().filter(|id| views.iter().all(|view| view.build.id != *id)).collect();
    let running: Vec<BuildId> =
        views.iter().filter(|view| !view.state().is_final()).map(|view| view.build.id).collect();
    let mut forbidden = Vec::new();
    for view in views {
        let project = projects::get(conn, view.build.project_id)?;
        if !rights::can_build(conn, by, &project)? {
            forbidden.push(view.build.id);
        }
    }
    let mut text = String::new();
    if !unknown.is_empty() {
        text.push_str(&format!("Build(s) {} don't exist.\n", joined(&unknown)));
    }
    if !forbidden.is_empty() {
        text.push_str(&format!("You don't have permissions to delete build(s) {}.\n", joined(&forbidden)));
    }
    if !running.is_empty() {
        text.push_str(&format!("Build(s) {} are still running.\n", joined(&running)));
    }
    if text.is_empty() { Ok(()) } else { Err(OpError::Refused(text)) }
}

pub(super) fn ensure_none_runs(running: &[BuildId]) -> Result<(), OpError> {
    if running.is_empty() {
        return Ok(());
    }
    Err(OpError::Refused(format!("Build(s) {} are still running.\n", joined(running))))
}

fn joined(ids: &[BuildId]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Whoever asked may.
pub(super) fn delete_of_project(tx: &mut Conn, cx: &Context, views: &[BuildView]) -> Result<(), OpError> {
    let Some(first) = views.first() else { return Ok(()) };
    order_removal(tx, cx, &first.build.project, views.iter().map(results).collect())?;
    let ids: Vec<BuildId> = views.iter().map(|view| view.build.id).collect();
    builds::delete(tx, &ids)?;
    for view in views {
        batch::release(tx, cx, view.build.batch)?;
    }
    Ok(())
}

/// Orders the removal of results.
pub(super) fn order_removal(
    tx: &mut Conn,
    cx: &Context,
    project: &ProjectRef,
    builds: Vec<BuildResults>,
) -> Result<(), OpError> {
    let message = |action| {
        let delete = DeleteBuilds { action, project: project.clone(), builds, grant: None };
        ActionMessage::Backend(BackendTask::DeleteBuildsV1(delete))
    };
    order::act(tx, cx, ActionKind::DeleteBuilds, project, message).map(drop)
}

fn results(view: &BuildView) -> BuildResults {
    BuildResults {
        build: view.build.id,
        dir: view.build.dir.clone(),
        package: view.build.package().cloned(),
        chroots: view.chroots.iter().map(|chroot| chroot.chroot.clone()).collect(),
    }
}
