//! Packages as lists and searches show them.

use coppice_model::{BuildId, PackageName, ProjectId, ProjectName};
use diesel::prelude::*;

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

/// The names, each with its package's newest build in the main directory; one statement.
pub fn list_with_newest(
    conn: &mut Conn,
    (id, dir): (ProjectId, &ProjectName),
    filter: &PackageFilter,
    limit: i64,
) -> Result<Vec<(PackageName, Option<BuildId>)>, StoreError> {
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
        query.select((packages::name, newest)).limit(limit).load::<(String, Option<i64>)>(c)?
    });
    let row = |(name, build): (String, Option<i64>)| {
        Ok((column::word("a package's name", &name)?, build.map(BuildId)))
    };
    let mut found: Vec<(PackageName, Option<BuildId>)> =
        rows.into_iter().map(row).collect::<Result<_, StoreError>>()?;
    if filter.before.is_some() {
        found.reverse();
    }
    Ok(found)
}
