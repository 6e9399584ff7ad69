//! What builders would be told of a task, and what waits: views that nobody works by (contract section 22).

use std::collections::BTreeSet;

use coppice_model::{
    ActionId, BuildId, ChrootName, UnixTime, chroot::Environment, messages::Import, state::SourceState,
    work::TaskId,
};
use coppice_store::{
    Action, BuildChroot, BuildView, Conn, Project, actions, builds, project_chroots, projects,
};

use super::{Context, OpError, batch, environment, order};

/// More are not told at once.
const MOST: i64 = 10_000;

/// A chroot of a build with all that its builder needs.
#[derive(Debug)]
pub struct RpmTask {
    pub view: BuildView,
    pub chroot: BuildChroot,
    pub project: Project,
    pub environment: Environment,
}

/// A source phase with the distributions that it is for.
#[derive(Debug)]
pub struct SourceTask {
    pub view: BuildView,
    pub project: Project,
    /// `fedora-43`; sorted.
    pub in_project: BTreeSet<String>,
    pub in_build: BTreeSet<String>,
}

/// `None` unless the chroot's source is known.
pub fn find_rpm_task(
    conn: &mut Conn,
    cx: &Context,
    build: BuildId,
    chroot: &ChrootName,
) -> Result<Option<RpmTask>, OpError> {
    let Some(view) = builds::find(conn, build)? else { return Ok(None) };
    let own = view.chroots.iter().find(|own| own.chroot == *chroot && own.commit.is_some()).cloned();
    let project = projects::get(conn, view.build.project_id)?;
    let set = project_chroots::find(conn, project.id, chroot.as_str())?;
    let (Some(chroot), Some(set)) = (own, set) else { return Ok(None) };
    let of = (&project, &set, &view.build.dir);
    let environment = environment::environment(conn, &cx.settings, of, &view.build.options)?;
    Ok(Some(RpmTask { view, chroot, project, environment }))
}

pub fn find_source_task(conn: &mut Conn, build: BuildId) -> Result<Option<SourceTask>, OpError> {
    let Some(view) = builds::find(conn, build)? else { return Ok(None) };
    let project = projects::get(conn, view.build.project_id)?;
    let enabled = project_chroots::list_buildable(conn, project.id)?;
    let release = |name: &ChrootName| name.name_release().to_owned();
    let in_project = enabled.iter().map(|chroot| release(chroot.name())).collect();
    let in_build = view.chroots.iter().map(|chroot| release(&chroot.chroot)).collect();
    Ok(Some(SourceTask { view, project, in_project, in_build }))
}

/// Tasks that wait for a builder or have one, as they are taken: foreground first, then the oldest.
pub fn list_tasks(conn: &mut Conn) -> Result<Vec<(BuildView, TaskId)>, OpError> {
    let mut tasks = Vec::new();
    for view in builds::list_silent(conn, UnixTime(i64::MAX), BuildId(0), MOST)? {
        if !batch::is_blocked(conn, &view)? {
            tasks.extend(view.open_tasks().into_iter().map(|task| (view.clone(), task)));
        }
    }
    tasks.sort_by_key(|(view, _)| (view.build.options.is_background, view.build.id));
    Ok(tasks)
}

/// Builds whose sources DistGit is to take, with what it is told; the oldest first.
pub fn list_imports(conn: &mut Conn, cx: &Context) -> Result<Vec<(BuildView, Import)>, OpError> {
    let mut imports = Vec::new();
    for view in builds::list_silent(conn, UnixTime(i64::MAX), BuildId(0), MOST)? {
        if view.build.source_state == SourceState::Importing {
            let import = order::import_of(conn, &cx.settings, &view)?;
            imports.push((view, import));
        }
    }
    Ok(imports)
}

/// `None` unless the build's sources are there.
pub fn find_import(
    conn: &mut Conn,
    cx: &Context,
    build: BuildId,
) -> Result<Option<(BuildView, Import)>, OpError> {
    let Some(view) = builds::find(conn, build)? else { return Ok(None) };
    if !matches!(view.build.source_state, SourceState::Importing | SourceState::Succeeded) {
        return Ok(None);
    }
    let import = order::import_of(conn, &cx.settings, &view)?;
    Ok(Some((view, import)))
}

/// Orders that are not done yet, the oldest first.
pub fn list_waiting_actions(conn: &mut Conn) -> Result<Vec<Action>, OpError> {
    Ok(actions::list_silent(conn, UnixTime(i64::MAX), ActionId(0), MOST)?)
}
