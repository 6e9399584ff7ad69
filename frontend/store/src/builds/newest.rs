//! The newest builds of packages.

use std::collections::HashMap;

use coppice_model::{BuildId, ChrootName, DirName, PackageName, ProjectId, ProjectRef, state::ChrootState};
use diesel::{
    dsl::{exists, max, not},
    prelude::*,
};

use super::{BuildLine, list_lines_by_id};
use crate::{
    Conn, StoreError, column,
    conn::on_either,
    schema::{build_chroots as chroots, builds, projects},
};

/// The newest build of each of these packages, or the newest that succeeded; two statements.
pub fn latest_of_packages(
    conn: &mut Conn,
    project: ProjectId,
    packages: &[PackageName],
    only_succeeded: bool,
) -> Result<HashMap<PackageName, BuildLine>, StoreError> {
    let names: Vec<&str> = packages.iter().map(PackageName::as_str).collect();
    let of = builds::table.filter(builds::project_id.eq(project.0)).filter(builds::package.eq_any(names));
    let newest = max(builds::id);
    let ids: Vec<Option<i64>> = if only_succeeded {
        let own = || chroots::table.filter(chroots::build_id.eq(builds::id));
        let good = own().filter(chroots::state.eq("succeeded"));
        let others = ["running", "starting", "pending", "waiting", "failed", "canceled"];
        let spoiled = own().filter(chroots::state.eq_any(others));
        let query = of
            .filter(builds::source_state.eq("succeeded"))
            .filter(exists(good))
            .filter(not(exists(spoiled)))
            .group_by(builds::package)
            .select(newest);
        on_either!(conn, |c| query.load(c)?)
    } else {
        let query = of.group_by(builds::package).select(newest);
        on_either!(conn, |c| query.load(c)?)
    };
    let ids: Vec<BuildId> = ids.into_iter().flatten().map(BuildId).collect();
    let named = |line: BuildLine| Some((line.package.clone()?, line));
    Ok(list_lines_by_id(conn, &ids)?.into_iter().filter_map(named).collect())
}

/// The newest build of each of these projects; those without any are left out; two statements.
pub fn latest_of_projects(
    conn: &mut Conn,
    of: &[ProjectId],
) -> Result<HashMap<ProjectRef, BuildLine>, StoreError> {
    let ids: Vec<i64> = of.iter().map(|id| id.0).collect();
    let newest = builds::table
        .filter(builds::project_id.eq(projects::id))
        .order(builds::id.desc())
        .select(builds::id)
        .limit(1)
        .single_value();
    let query = projects::table.filter(projects::id.eq_any(ids)).select(newest);
    let ids: Vec<Option<i64>> = on_either!(conn, |c| query.load(c)?);
    let ids: Vec<BuildId> = ids.into_iter().flatten().map(BuildId).collect();
    Ok(list_lines_by_id(conn, &ids)?.into_iter().map(|line| (line.project.clone(), line)).collect())
}

/// Of which project each of the newest builds of all is, newest first; one statement.
pub fn recent_projects(conn: &mut Conn, limit: i64) -> Result<Vec<ProjectId>, StoreError> {
    let ids: Vec<i64> =
        builds::table.order(builds::id.desc()).limit(limit).select(builds::project_id).load(conn)?;
    Ok(ids.into_iter().map(ProjectId).collect())
}

/// The newest build of each package that succeeded in each of these chroots, by package and chroot; one statement.
pub fn newest_good_in_chroots(
    conn: &mut Conn,
    project: ProjectId,
    dir: &DirName,
    in_chroots: &[ChrootName],
) -> Result<Vec<(PackageName, ChrootName, BuildId)>, StoreError> {
    let names: Vec<&str> = in_chroots.iter().map(ChrootName::as_str).collect();
    let good = [ChrootState::Succeeded.as_str(), ChrootState::Forked.as_str()];
    let rows: Vec<(Option<String>, String, Option<i64>)> = chroots::table
        .inner_join(builds::table)
        .filter(chroots::state.eq_any(good))
        .filter(builds::project_id.eq(project.0))
        .filter(builds::dir.eq(dir.as_str()))
        .filter(builds::package.is_not_null())
        .filter(chroots::chroot.eq_any(names))
        .group_by((builds::package, chroots::chroot))
        .select((builds::package, chroots::chroot, max(chroots::build_id)))
        .load(conn)?;
    let mut newest: Vec<(PackageName, ChrootName, BuildId)> = Vec::with_capacity(rows.len());
    for (package, chroot, build) in rows {
        let (Some(package), Some(build)) = (package, build) else { continue };
        let package = column::word("a build's package", &package)?;
        newest.push((package, column::word("a build's chroot", &chroot)?, BuildId(build)));
    }
    newest.sort_by(|a, b| (a.0.as_str(), a.1.as_str()).cmp(&(b.0.as_str(), b.1.as_str())));
    Ok(newest)
}
