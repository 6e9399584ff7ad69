//! Disposal of results that newer builds made useless (contract section 26.2, `auto_prune`).

use std::collections::BTreeMap;

use coppice_model::{BuildId, ProjectId, messages::BuildResults};
use coppice_store::{Conn, build_chroots, build_chroots::Superseded, projects};

use super::{Context, OpError, delete_builds};

/// Copr: a build's results stay so long after a newer good one.
const KEPT_DAYS: i64 = 14;
const DAY_S: i64 = 86_400;
/// How many rows one transaction takes.
const PORTION: i64 = 500;

/// Orders the removal of results beyond the row `after`. Returns where to go on; `None` when that was all. The builds
/// themselves stay, without results.
pub fn prune_results(tx: &mut Conn, cx: &Context, after: i64) -> Result<Option<i64>, OpError> {
    let before = cx.now.plus_seconds(-KEPT_DAYS * DAY_S);
    let found = build_chroots::list_superseded(tx, after, before, PORTION)?;
    let next = found.last().map(|row| row.id).filter(|_| found.len() as i64 == PORTION);
    let mut by_project: BTreeMap<ProjectId, Vec<Superseded>> = BTreeMap::new();
    for row in found {
        by_project.entry(row.project).or_default().push(row);
    }
    for (id, rows) in by_project {
        let project = projects::get(tx, id)?;
        if project.settings.auto_prune {
            build_chroots::forget_results(tx, &rows.iter().map(|row| row.id).collect::<Vec<_>>())?;
            delete_builds::order_removal(tx, cx, &project.reference(), results(rows))?;
        }
    }
    Ok(next)
}

/// One entry for each build.
fn results(rows: Vec<Superseded>) -> Vec<BuildResults> {
    let mut by_build: BTreeMap<BuildId, BuildResults> = BTreeMap::new();
    for Superseded { build, dir, package, chroot, .. } in rows {
        let empty = || BuildResults { build, dir, package: Some(package), chroots: Vec::new() };
        by_build.entry(build).or_insert_with(empty).chroots.push(chroot);
    }
    by_build.into_values().collect()
}
