//! Results that are to go.

use coppice_model::{BuildId, ChrootName, DirName, PackageName, ProjectId, UnixTime};
use diesel::{
    prelude::*,
    sql_types::{BigInt, Text},
};

use crate::{
    Conn, StoreError, column,
    conn::on_either,
    schema::{build_chroots, builds},
};

const SUPERSEDED: &str = include_str!("superseded.sql");
const SUPERSEDED_OF: &str = include_str!("superseded_of.sql");

/// Results of one build in one chroot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredResults {
    pub id: i64,
    pub project: ProjectId,
    pub build: BuildId,
    pub dir: DirName,
    pub package: PackageName,
    pub chroot: ChrootName,
}

#[derive(Queryable, QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = BigInt)]
    project_id: i64,
    #[diesel(sql_type = BigInt)]
    build_id: i64,
    #[diesel(sql_type = Text)]
    dir: String,
    #[diesel(sql_type = Text)]
    package: String,
    #[diesel(sql_type = Text)]
    chroot: String,
}

impl TryFrom<Row> for StoredResults {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id,
            project: ProjectId(row.project_id),
            build: BuildId(row.build_id),
            dir: column::word("a build's directory", &row.dir)?,
            package: column::word("a build's package", &row.package)?,
            chroot: column::word("a build's chroot", &row.chroot)?,
        })
    }
}

/// Results of a build in one chroot that a newer good build made useless.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Superseded {
    pub build: BuildId,
    pub package: PackageName,
    pub chroot: ChrootName,
    /// When the first newer good build ended.
    pub since: UnixTime,
}

#[derive(QueryableByName)]
struct SupersededRow {
    #[diesel(sql_type = BigInt)]
    build_id: i64,
    #[diesel(sql_type = Text)]
    package: String,
    #[diesel(sql_type = Text)]
    chroot: String,
    #[diesel(sql_type = BigInt)]
    since: i64,
}

impl TryFrom<SupersededRow> for Superseded {
    type Error = StoreError;
    fn try_from(row: SupersededRow) -> Result<Self, StoreError> {
        Ok(Self {
            build: BuildId(row.build_id),
            package: column::word("a build's package", &row.package)?,
            chroot: column::word("a build's chroot", &row.chroot)?,
            since: UnixTime(row.since),
        })
    }
}

/// Of one project, those that go first before the others; one statement.
pub fn list_superseded_of(
    conn: &mut Conn,
    project: ProjectId,
    limit: i64,
) -> Result<Vec<Superseded>, StoreError> {
    let query = diesel::sql_query(SUPERSEDED_OF).bind::<BigInt, _>(project.0).bind::<BigInt, _>(limit);
    column::all(on_either!(conn, |c| query.load::<SupersededRow>(c)?))
}

/// Of a project in one chroot; one statement.
pub fn list_results(
    conn: &mut Conn,
    project: ProjectId,
    chroot: &ChrootName,
) -> Result<Vec<StoredResults>, StoreError> {
    let query = build_chroots::table
        .inner_join(builds::table)
        .filter(builds::project_id.eq(project.0))
        .filter(build_chroots::chroot.eq(chroot.as_str()))
        .filter(build_chroots::result_dir.is_not_null())
        .filter(builds::package.is_not_null())
        .order(build_chroots::id)
        .select((
            build_chroots::id,
            builds::project_id,
            build_chroots::build_id,
            builds::dir,
            builds::package.assume_not_null(),
            build_chroots::chroot,
        ));
    column::all(on_either!(conn, |c| query.load::<Row>(c)?))
}

/// Beyond the row `after`, superseded before `before`; one statement.
pub fn list_superseded(
    conn: &mut Conn,
    after: i64,
    before: UnixTime,
    limit: i64,
) -> Result<Vec<StoredResults>, StoreError> {
    let query = diesel::sql_query(SUPERSEDED)
        .bind::<BigInt, _>(after)
        .bind::<BigInt, _>(before.0)
        .bind::<BigInt, _>(limit);
    column::all(on_either!(conn, |c| query.load::<Row>(c)?))
}

/// Notes that the results of these rows are gone; what became of the builds stays.
pub fn forget_results(conn: &mut Conn, ids: &[i64]) -> Result<(), StoreError> {
    let rows = build_chroots::table.filter(build_chroots::id.eq_any(ids));
    let none = build_chroots::result_dir.eq(None::<String>);
    on_either!(conn, |c| diesel::update(rows).set(none).execute(c)?);
    Ok(())
}
