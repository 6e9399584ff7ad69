//! Lists of projects that pages show, newest first.

use coppice_model::{OwnerName, ProjectId};
use diesel::{
    dsl::{count_star, sql},
    prelude::*,
    sql_types::{BigInt, Bool},
};

use super::{Project, ProjectRow};
use crate::{
    Conn, Page, StoreError, column,
    conn::on_either,
    schema::{project_chroots, projects},
};

/// One statement.
pub fn list_of_owners(conn: &mut Conn, owners: &[OwnerName], page: Page) -> Result<Vec<Project>, StoreError> {
    let owners: Vec<&str> = owners.iter().map(OwnerName::as_str).collect();
    let query = projects::table
        .filter(projects::owner.eq_any(owners))
        .order(projects::id.desc())
        .limit(page.limit())
        .offset(page.offset());
    column::all(on_either!(conn, |c| query.load::<ProjectRow>(c)?))
}

/// One statement.
pub fn count_of(conn: &mut Conn, owners: &[OwnerName]) -> Result<i64, StoreError> {
    let owners: Vec<&str> = owners.iter().map(OwnerName::as_str).collect();
    let query = projects::table.filter(projects::owner.eq_any(owners)).select(count_star());
    Ok(on_either!(conn, |c| query.get_result(c)?))
}

/// Copies of one project; one statement.
pub fn list_forks(conn: &mut Conn, of: ProjectId, page: Page) -> Result<Vec<Project>, StoreError> {
    let query = projects::table
        .filter(projects::forked_from.eq(of.0))
        .order(projects::id.desc())
        .limit(page.limit())
        .offset(page.offset());
    column::all(query.load::<ProjectRow>(conn)?)
}

/// In no order; unknown ids are left out; one statement.
pub fn list_by_id(conn: &mut Conn, ids: &[ProjectId]) -> Result<Vec<Project>, StoreError> {
    let raw: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let query = projects::table.filter(projects::id.eq_any(raw));
    column::all(on_either!(conn, |c| query.load::<ProjectRow>(c)?))
}

/// Which projects have the most copies, and how many; one statement.
pub fn most_forked(conn: &mut Conn, limit: i64) -> Result<Vec<(ProjectId, i64)>, StoreError> {
    let query = projects::table
        .filter(projects::forked_from.is_not_null())
        .group_by(projects::forked_from)
        .select((projects::forked_from, count_star()))
        .order((count_star().desc(), projects::forked_from))
        .limit(limit);
    let rows: Vec<(Option<i64>, i64)> = on_either!(conn, |c| query.load(c)?);
    Ok(rows.into_iter().filter_map(|(id, copies)| Some((ProjectId(id?), copies))).collect())
}

/// Which projects people like most, and their scores; one statement.
pub fn most_upvoted(conn: &mut Conn, limit: i64) -> Result<Vec<(ProjectId, i64)>, StoreError> {
    let query = projects::table
        .filter(sql::<Bool>("score > 0"))
        .order((projects::score.desc(), projects::id))
        .select((projects::id, projects::score))
        .limit(limit);
    let rows: Vec<(i64, i64)> = on_either!(conn, |c| query.load(c)?);
    Ok(rows.into_iter().map(|(id, score)| (ProjectId(id), score)).collect())
}

/// Of which projects the most packages were fetched, and how many; one statement.
pub fn most_downloaded(conn: &mut Conn, limit: i64) -> Result<Vec<(ProjectId, i64)>, StoreError> {
    // The databases disagree on the type of a sum.
    let sum = || sql::<BigInt>("CAST(SUM(package_downloads) AS BIGINT)");
    let query = project_chroots::table
        .filter(project_chroots::package_downloads.gt(0))
        .group_by(project_chroots::project_id)
        .select((project_chroots::project_id, sum()))
        .order((sum().desc(), project_chroots::project_id))
        .limit(limit);
    let rows: Vec<(i64, i64)> = on_either!(conn, |c| query.load(c)?);
    Ok(rows.into_iter().map(|(id, fetched)| (ProjectId(id), fetched)).collect())
}
