//! What goes away by itself: projects whose time is over, builds beyond what a package keeps.

use coppice_model::{
    BuildId, UnixTime,
    messages::{BackendTask, DeleteProject},
    state::BuildState,
};
use coppice_store::{
    ActionKind, ActionMessage, BuildFilter, BuildView, Conn, Page, builds, packages, project_dirs, projects,
};

use super::{Context, OpError, delete_builds, delete_project, order};

/// How many projects or directories one transaction takes.
const PORTION: i64 = 50;
/// Contract section 5: a directory of a pull request goes so long after its last build.
const PULL_DAYS: i64 = 40;
const DAY_S: i64 = 86_400;

/// Deletes projects whose time is over (contract section 7.3, `delete_after_days`); one with running builds stays until
/// they ended. Returns how many went.
pub fn expire_projects(tx: &mut Conn, cx: &Context) -> Result<usize, OpError> {
    let mut gone = 0;
    for project in projects::list_expired(tx, cx.now, PORTION)? {
        if !project.settings.persistent && delete_project::nothing_runs(tx, &project)? {
            delete_project::remove(tx, cx, &project)?;
            gone += 1;
        }
    }
    Ok(gone)
}

/// Deletes directories of pull requests that got no build for [`PULL_DAYS`]. Returns how many went.
pub fn expire_pull_dirs(tx: &mut Conn, cx: &Context) -> Result<usize, OpError> {
    let idle = project_dirs::list_idle_pulls(tx, cx.now.plus_seconds(-PULL_DAYS * DAY_S), PORTION)?;
    for (project, dir) in &idle {
        let reference = projects::get(tx, *project)?.reference();
        let message = |action| {
            let delete = DeleteProject { action, project: reference.clone(), dirs: vec![dir.clone()] };
            ActionMessage::Backend(BackendTask::DeleteProjectV1(delete))
        };
        order::act(tx, cx, ActionKind::DeleteProject, &reference, message)?;
        project_dirs::delete(tx, *project, dir)?;
    }
    Ok(idle.len())
}

/// Whole days until a directory of a pull request goes away, when its last build was then.
pub fn days_of_pull_dir(last_build: UnixTime, now: UnixTime) -> i64 {
    (last_build.plus_seconds(PULL_DAYS * DAY_S).0.saturating_sub(now.0) / DAY_S).max(0)
}

/// Deletes the oldest ended builds of the package of `ended` beyond its `max_builds`. Unlike Copr the newest one that
/// succeeded stays, so that failures never empty a repository.
pub(super) fn prune_package(tx: &mut Conn, cx: &Context, ended: &BuildView) -> Result<(), OpError> {
    let (build, Some(name)) = (&ended.build, ended.build.package()) else { return Ok(()) };
    let Some(package) = packages::find(tx, build.project_id, name.as_str())? else { return Ok(()) };
    let Some(kept) = usize::try_from(package.settings.max_builds).ok().filter(|kept| *kept > 0) else {
        return Ok(());
    };
    let filter = BuildFilter {
        project: Some(build.project_id),
        package: Some(name.to_string()),
        dir: Some(build.dir.to_string()),
        ..BuildFilter::default()
    };
    let newest_first = builds::list(tx, &filter, Page::ALL)?;
    let good = newest_first.iter().find(|line| line.state() == BuildState::Succeeded).map(|line| line.id);
    let surplus = newest_first.iter().skip(kept).filter(|line| line.state().is_final());
    let surplus: Vec<BuildId> = surplus.map(|line| line.id).filter(|id| Some(*id) != good).collect();
    let surplus = builds::list_by_id(tx, &surplus)?;
    delete_builds::delete_of_project(tx, cx, &surplus)
}
