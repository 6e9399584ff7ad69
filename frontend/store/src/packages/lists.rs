//! Packages as lists and searches show them.

use coppice_model::{BuildId, ProjectId, ProjectName};
use diesel::prelude::*;

use super::{Package, PackageRow};
use crate::{
    Conn, StoreError, column,
    column::lower,
    conn::on_either,
    schema::{builds, packages},
};

/// Which packages of a project a list shows.
#[derive(Debug, Clone, Default)]
pub struct PackageFilter {
    /// Part of the name.
    pub part: String,
    /// The next ones behind this name.
    pub after: Option<String>,
    /// The ones before this name.
    pub before: Option<String>,
}

/// By name, each with its newest build in the main directory; one statement.
pub fn list_with_newest(
    conn: &mut Conn,
    (id, dir): (ProjectId, &ProjectName),
    filter: &PackageFilter,
    limit: i64,
) -> Result<Vec<(Package, Option<BuildId>)>, StoreError> {
    let newest = builds::table
        .filter(builds::project_id.eq(id.0))
        .filter(builds::package.eq(packages::name.nullable()))
        .filter(builds::dir.eq(dir.as_str()))
        .order(builds::id.desc())
        .select(builds::id)
        .limit(1)
        .single_value();
    let rows = on_either!(conn, |c| {
        let mut query = packages::table.filter(packages::project_id.eq(id.0)).into_boxed();
        if !filter.part.is_empty() {
            let part = format!("%{}%", column::literal(&filter.part.to_lowercase()));
            query = query.filter(lower(packages::name).like(part).escape('\\'));
        }
        if let Some(after) = &filter.after {
            query = query.filter(packages::name.gt(after));
        }
        query = match &filter.before {
            Some(before) => query.filter(packages::name.lt(before)).order(packages::name.desc()),
            None => query.order(packages::name),
        };
        query.select((packages::all_columns, newest)).limit(limit).load::<(PackageRow, Option<i64>)>(c)?
    });
    let row = |(row, build): (PackageRow, Option<i64>)| Ok((row.try_into()?, build.map(BuildId)));
    let mut found: Vec<(Package, Option<BuildId>)> =
        rows.into_iter().map(row).collect::<Result<_, StoreError>>()?;
    if filter.before.is_some() {
        found.reverse();
    }
    Ok(found)
}
