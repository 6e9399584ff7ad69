//! Directories of projects: the main one and those that builds named.

use coppice_model::{DirName, ProjectId, UnixTime};
use diesel::prelude::*;

use crate::{Conn, StoreError, column, schema::project_dirs};

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
