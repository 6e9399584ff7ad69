//! Directories of projects: the main one and those that builds named.

use std::collections::HashMap;

use coppice_model::{DirName, ProjectId, UnixTime};
use diesel::prelude::*;

use crate::{
    Conn, StoreError, column,
    schema::{builds, project_dirs},
};

/// Names of directories of pull requests, as SQL has patterns.
const PULLS: &str = "%:pr:%";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectDir {
    pub name: DirName,
    pub created_at: UnixTime,
}

/// In the order they were made, the main one first; one statement.
pub fn list(conn: &mut Conn, project: ProjectId) -> Result<Vec<ProjectDir>, StoreError> {
    let rows: Vec<(String, i64)> = project_dirs::table
        .filter(project_dirs::project_id.eq(project.0))
        .order(project_dirs::id)
        .select((project_dirs::name, project_dirs::created_at))
        .load(conn)?;
    let domain = |(name, created_at): (String, i64)| {
        Ok(ProjectDir { name: column::word("a directory", &name)?, created_at: UnixTime(created_at) })
    };
    rows.into_iter().map(domain).collect()
}

/// When each directory of pull requests got its last build; those without any are left out; one statement.
pub fn last_builds_of_pulls(
    conn: &mut Conn,
    project: ProjectId,
) -> Result<HashMap<String, UnixTime>, StoreError> {
    let rows: Vec<(String, Option<i64>)> = builds::table
        .filter(builds::project_id.eq(project.0))
        .filter(builds::dir.like(PULLS))
        .group_by(builds::dir)
        .select((builds::dir, diesel::dsl::max(builds::submitted_on)))
        .load(conn)?;
    Ok(rows.into_iter().filter_map(|(dir, last)| Some((dir, UnixTime(last?)))).collect())
}

/// Directories of pull requests that are older than `before` and got no build since; one statement.
pub fn list_idle_pulls(
    conn: &mut Conn,
    before: UnixTime,
    limit: i64,
) -> Result<Vec<(ProjectId, DirName)>, StoreError> {
    let recent = builds::table
        .filter(builds::project_id.eq(project_dirs::project_id))
        .filter(builds::dir.eq(project_dirs::name))
        .filter(builds::submitted_on.ge(before.0));
    let rows: Vec<(i64, String)> = project_dirs::table
        .filter(project_dirs::name.like(PULLS))
        .filter(project_dirs::created_at.lt(before.0))
        .filter(diesel::dsl::not(diesel::dsl::exists(recent)))
        .order(project_dirs::id)
        .select((project_dirs::project_id, project_dirs::name))
        .limit(limit)
        .load(conn)?;
    let domain =
        |(project, name): (i64, String)| Ok((ProjectId(project), column::word("a directory", &name)?));
    rows.into_iter().map(domain).collect()
}

/// With its builds.
pub fn delete(conn: &mut Conn, project: ProjectId, dir: &DirName) -> Result<(), StoreError> {
    let of = builds::table.filter(builds::project_id.eq(project.0)).filter(builds::dir.eq(dir.as_str()));
    diesel::delete(of).execute(conn)?;
    let row = project_dirs::table
        .filter(project_dirs::project_id.eq(project.0))
        .filter(project_dirs::name.eq(dir.as_str()));
    diesel::delete(row).execute(conn)?;
    Ok(())
}

/// Makes the directory unless it exists; `true` when it is new.
pub fn ensure(conn: &mut Conn, project: ProjectId, dir: &DirName, now: UnixTime) -> Result<bool, StoreError> {
    let known: i64 = project_dirs::table
        .filter(project_dirs::project_id.eq(project.0))
        .filter(project_dirs::name.eq(dir.as_str()))
        .count()
        .get_result(conn)?;
    if known == 0 {
        diesel::insert_into(project_dirs::table)
            .values((
                project_dirs::project_id.eq(project.0),
                project_dirs::name.eq(dir.as_str()),
                project_dirs::created_at.eq(now.0),
            ))
            .execute(conn)?;
    }
    Ok(known == 0)
}
