//! Disposal of results: of those that newer builds made useless, and of chroots that a project dropped.

use std::collections::BTreeMap;

use coppice_model::{BuildId, ProjectId, messages::BuildResults};
use coppice_store::{Conn, Project, build_chroots, build_chroots::StoredResults, project_chroots, projects};

use super::{Context, OpError, delete_builds};

/// Copr: a build's results stay so long after a newer good one.
pub(super) const KEPT_DAYS: i64 = 14;
const DAY_S: i64 = 86_400;
/// Contract section 9.1, `delete_after_days`: so long the results of a dropped chroot stay.
pub(super) const DROPPED_DAYS: i64 = 7;
/// How many rows one transaction takes.
const PORTION: i64 = 500;
/// And how many chroots, with all their results.
const CHROOTS: i64 = 20;

/// Orders the removal of results beyond the row `after`. Returns where to go on; `None` when that was all. The builds
/// themselves stay, without results.
pub fn prune_results(tx: &mut Conn, cx: &Context, after: i64) -> Result<Option<i64>, OpError> {
    let before = cx.now.plus_seconds(-KEPT_DAYS * DAY_S);
    let found = build_chroots::list_superseded(tx, after, before, PORTION)?;
    let next = found.last().map(|row| row.id).filter(|_| found.len() as i64 == PORTION);
    let mut by_project: BTreeMap<ProjectId, Vec<StoredResults>> = BTreeMap::new();
    for row in found {
        by_project.entry(row.project).or_default().push(row);
    }
    for (id, rows) in by_project {
        let project = projects::get(tx, id)?;
        if project.settings.auto_prune {
            remove(tx, cx, &project, rows)?;
        }
    }
    Ok(next)
}

/// Orders the removal of what chroots hold whose time is over: dropped long enough ago, or given up by their projects
/// after their end. The chroots leave their projects. Returns how many went.
pub fn expire_chroots(tx: &mut Conn, cx: &Context) -> Result<usize, OpError> {
    let dropped = cx.now.plus_seconds(-DROPPED_DAYS * DAY_S);
    let over = project_chroots::list_over(tx, (dropped, cx.now), CHROOTS)?;
    for chroot in &over {
        let project = projects::get(tx, chroot.project)?;
        let rows = build_chroots::list_results(tx, project.id, chroot.name())?;
        remove(tx, cx, &project, rows)?;
        project_chroots::delete(tx, chroot.id)?;
    }
    Ok(over.len())
}

fn remove(tx: &mut Conn, cx: &Context, project: &Project, rows: Vec<StoredResults>) -> Result<(), OpError> {
    if rows.is_empty() {
        return Ok(());
    }
    build_chroots::forget_results(tx, &rows.iter().map(|row| row.id).collect::<Vec<_>>())?;
    delete_builds::order_removal(tx, cx, &project.reference(), results(rows))
}

/// One entry for each build.
fn results(rows: Vec<StoredResults>) -> Vec<BuildResults> {
    let mut by_build: BTreeMap<BuildId, BuildResults> = BTreeMap::new();
    for StoredResults { build, dir, package, chroot, .. } in rows {
        let empty = || BuildResults { build, dir, package: Some(package), chroots: Vec::new() };
        by_build.entry(build).or_insert_with(empty).chroots.push(chroot);
    }
    by_build.into_values().collect()
}
