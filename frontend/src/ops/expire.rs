//! What goes away by itself: projects whose time is over, builds beyond what a package keeps.

use coppice_model::state::BuildState;
use coppice_store::{BuildFilter, BuildView, Conn, Page, builds, packages, projects};

use super::{Context, OpError, delete_builds, delete_project};

/// How many projects one transaction takes.
const PORTION: i64 = 50;

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
    let good = newest_first.iter().find(|view| view.state() == BuildState::Succeeded);
    let good = good.map(|view| view.build.id);
    let surplus = newest_first.iter().skip(kept).filter(|view| view.state().is_final());
    let surplus: Vec<BuildView> = surplus.filter(|view| Some(view.build.id) != good).cloned().collect();
    delete_builds::delete_of_project(tx, cx, &surplus)
}
