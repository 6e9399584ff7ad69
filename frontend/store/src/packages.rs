//! Packages of projects: a row appears when the first source of that name was imported.

use coppice_model::{PackageId, PackageName, ProjectId, UnixTime};
use diesel::prelude::*;

use crate::{Conn, Page, StoreError, column, schema::packages};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    pub id: PackageId,
    pub project: ProjectId,
    pub name: PackageName,
    pub created_at: UnixTime,
}

#[derive(Queryable)]
struct PackageRow {
    id: i64,
    project_id: i64,
    name: String,
    created_at: i64,
}

impl TryFrom<PackageRow> for Package {
    type Error = StoreError;
    fn try_from(row: PackageRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: PackageId(row.id),
            project: ProjectId(row.project_id),
            name: column::word("a package's name", &row.name)?,
            created_at: UnixTime(row.created_at),
        })
    }
}

pub fn find(conn: &mut Conn, project: ProjectId, name: &str) -> Result<Option<Package>, StoreError> {
    let query = packages::table.filter(packages::project_id.eq(project.0)).filter(packages::name.eq(name));
    query.first::<PackageRow>(conn).optional()?.map(Package::try_from).transpose()
}

/// By id; one statement.
pub fn list(conn: &mut Conn, project: ProjectId, page: Page) -> Result<Vec<Package>, StoreError> {
    let query = packages::table.filter(packages::project_id.eq(project.0)).order(packages::id);
    column::all(query.limit(page.limit()).offset(page.offset()).load::<PackageRow>(conn)?)
}

/// Makes the package unless it exists.
pub fn ensure(
    conn: &mut Conn,
    project: ProjectId,
    name: &PackageName,
    now: UnixTime,
) -> Result<Package, StoreError> {
    if let Some(package) = find(conn, project, name.as_str())? {
        return Ok(package);
    }
    let row = diesel::insert_into(packages::table)
        .values((
            packages::project_id.eq(project.0),
            packages::name.eq(name.as_str()),
            packages::created_at.eq(now.0),
        ))
        .returning(packages::all_columns)
        .get_result::<PackageRow>(conn)?;
    row.try_into()
}
