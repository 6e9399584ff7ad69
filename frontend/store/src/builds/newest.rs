//! The newest builds of packages.

use std::collections::HashMap;

use coppice_model::{BuildId, ChrootName, DirName, PackageName, ProjectId, state::ChrootState};
use diesel::prelude::*;

use super::{BuildView, list_by_id};
use crate::{
    Conn, StoreError, column,
    schema::{build_chroots as chroots, builds},
};

/// The newest build of each of these packages, or the newest that succeeded; three statements.
pub fn latest_of_packages(
    conn: &mut Conn,
    project: ProjectId,
    packages: &[PackageName],
    only_succeeded: bool,
) -> Result<HashMap<PackageName, BuildView>, StoreError> {
    let names: Vec<&str> = packages.iter().map(PackageName::as_str).collect();
    let of = builds::table.filter(builds::project_id.eq(project.0)).filter(builds::package.eq_any(names));
    let newest = diesel::dsl::max(builds::id);
    let ids: Vec<Option<i64>> = if only_succeeded {
        let succeeded = chroots::table.filter(chroots::state.eq("succeeded")).select(chroots::build_id);
        let others = ["running", "starting", "pending", "waiting", "failed", "canceled"];
        let spoiled = chroots::table.filter(chroots::state.eq_any(others)).select(chroots::build_id);
        of.filter(builds::source_state.eq("succeeded"))
            .filter(builds::id.eq_any(succeeded))
            .filter(builds::id.ne_all(spoiled))
            .group_by(builds::package)
            .select(newest)
            .load(conn)?
    } else {
        of.group_by(builds::package).select(newest).load(conn)?
    };
    let ids: Vec<BuildId> = ids.into_iter().flatten().map(BuildId).collect();
    let named = |view: BuildView| Some((view.build.package()?.clone(), view));
    Ok(list_by_id(conn, &ids)?.into_iter().filter_map(named).collect())
}

/// The newest build of each package in each of these chroots, or the newest that succeeded there, by package and
/// chroot; one statement.
pub fn newest_in_chroots(
    conn: &mut Conn,
    project: ProjectId,
    dir: &DirName,
    in_chroots: &[ChrootName],
    only_succeeded: bool,
) -> Result<Vec<(PackageName, ChrootName, BuildId)>, StoreError> {
    let names: Vec<&str> = in_chroots.iter().map(ChrootName::as_str).collect();
    let states: Vec<&str> = match only_succeeded {
        true => vec![ChrootState::Succeeded.as_str(), ChrootState::Forked.as_str()],
        false => ChrootState::ALL.iter().map(|state| state.as_str()).collect(),
    };
    let rows: Vec<(Option<String>, String, Option<i64>)> = chroots::table
        .inner_join(builds::table)
        .filter(chroots::state.eq_any(states))
        .filter(builds::project_id.eq(project.0))
        .filter(builds::dir.eq(dir.as_str()))
        .filter(builds::package.is_not_null())
        .filter(chroots::chroot.eq_any(names))
        .group_by((builds::package, chroots::chroot))
        .select((builds::package, chroots::chroot, diesel::dsl::max(chroots::build_id)))
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
