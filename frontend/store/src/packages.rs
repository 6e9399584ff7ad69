//! Packages of projects: a row appears when somebody adds it, or when the first source of that name was imported.

mod lists;
mod words;

use coppice_model::{PackageId, PackageName, ProjectId, UnixTime};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{BuildSource, Conn, Page, StoreError, column, schema::packages};
pub use lists::{PackageFilter, list_with_newest};
pub use words::search;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    pub id: PackageId,
    pub project: ProjectId,
    pub name: PackageName,
    pub created_at: UnixTime,
    /// How it is built when nobody says otherwise.
    pub source: Option<BuildSource>,
    pub settings: PackageSettings,
}

/// One JSON text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PackageSettings {
    /// A forge's news starts a build.
    pub webhook_rebuild: bool,
    /// So many of its builds stay; 0: all.
    pub max_builds: u32,
    /// Of its builds, when none is said.
    pub timeout_s: Option<u64>,
    /// Shell patterns of chroots that it is not built for.
    pub chroot_denylist: Vec<String>,
}

#[derive(Queryable)]
struct PackageRow {
    id: i64,
    project_id: i64,
    name: String,
    created_at: i64,
    source: Option<String>,
    settings: String,
}

impl TryFrom<PackageRow> for Package {
    type Error = StoreError;
    fn try_from(row: PackageRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: PackageId(row.id),
            project: ProjectId(row.project_id),
            name: column::word("a package's name", &row.name)?,
            created_at: UnixTime(row.created_at),
            source: column::from_json_if_any("a package's source", row.source.as_deref())?,
            settings: column::from_json("a package's settings", &row.settings)?,
        })
    }
}

pub fn find(conn: &mut Conn, project: ProjectId, name: &str) -> Result<Option<Package>, StoreError> {
    let query = packages::table.filter(packages::project_id.eq(project.0)).filter(packages::name.eq(name));
    query.first::<PackageRow>(conn).optional()?.map(Package::try_from).transpose()
}

pub fn find_by_id(conn: &mut Conn, project: ProjectId, id: PackageId) -> Result<Option<Package>, StoreError> {
    let query = packages::table.filter(packages::project_id.eq(project.0)).filter(packages::id.eq(id.0));
    query.first::<PackageRow>(conn).optional()?.map(Package::try_from).transpose()
}

/// By id; one statement.
pub fn list(conn: &mut Conn, project: ProjectId, page: Page) -> Result<Vec<Package>, StoreError> {
    let query = packages::table
        .filter(packages::project_id.eq(project.0))
        .filter(packages::id.gt(page.after()))
        .order(packages::id);
    column::all(query.limit(page.limit()).offset(page.offset()).load::<PackageRow>(conn)?)
}

pub fn insert(
    conn: &mut Conn,
    project: ProjectId,
    name: &PackageName,
    (source, settings): (Option<&BuildSource>, &PackageSettings),
    now: UnixTime,
) -> Result<Package, StoreError> {
    let row = diesel::insert_into(packages::table)
        .values((
            packages::project_id.eq(project.0),
            packages::name.eq(name.as_str()),
            packages::created_at.eq(now.0),
            packages::source.eq(source_text(source)?),
            packages::settings.eq(column::to_json("a package's settings", settings)?),
        ))
        .returning(packages::all_columns)
        .get_result::<PackageRow>(conn)?;
    words::insert(conn, row.id, name)?;
    row.try_into()
}

/// Makes the package unless it exists; a new one is built as it came.
pub fn ensure(
    conn: &mut Conn,
    project: ProjectId,
    name: &PackageName,
    source: &BuildSource,
    now: UnixTime,
) -> Result<Package, StoreError> {
    match find(conn, project, name.as_str())? {
        Some(package) => Ok(package),
        None => insert(conn, project, name, (Some(source), &PackageSettings::default()), now),
    }
}

pub fn update(
    conn: &mut Conn,
    id: PackageId,
    source: Option<&BuildSource>,
    settings: &PackageSettings,
) -> Result<(), StoreError> {
    diesel::update(packages::table.find(id.0))
        .set((
            packages::source.eq(source_text(source)?),
            packages::settings.eq(column::to_json("a package's settings", settings)?),
        ))
        .execute(conn)?;
    Ok(())
}

pub fn delete(conn: &mut Conn, id: PackageId) -> Result<(), StoreError> {
    diesel::delete(packages::table.find(id.0)).execute(conn)?;
    Ok(())
}

fn source_text(source: Option<&BuildSource>) -> Result<Option<String>, StoreError> {
    source.map(|source| column::to_json("a package's source", source)).transpose()
}
