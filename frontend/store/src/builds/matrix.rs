//! What became of the newest build of every package in every chroot.

use std::collections::HashMap;

use coppice_model::{
    Attempt, BuildId, ChrootName, DirName, PackageName, ProjectId, UnixTime,
    package::SourceHeader,
    state::{ChrootState, Stage},
};
use diesel::{
    prelude::*,
    sql_types::{BigInt, Nullable, Text},
};

use super::lines::Evr;
use crate::{
    Conn, StoreError, column,
    conn::on_either,
    schema::builds,
    statement::{Statement, Value},
};

/// The newest build of each package, whose chroots are nearly always all there is to know.
const OF_PACKAGES: &str = "
    SELECT packages.name AS package, (
        SELECT b.id FROM builds AS b
        WHERE b.project_id = $1 AND b.package = packages.name AND b.dir = $2
        ORDER BY b.id DESC LIMIT 1
    ) AS id
    FROM packages WHERE packages.project_id = $1";

/// The newest of each package and chroot by itself.
const OF_CHROOTS: &str = "
    SELECT packages.name AS package, (
        SELECT own.id FROM builds AS b
        JOIN build_chroots AS own ON own.build_id = b.id AND own.chroot = mock_chroots.name
        WHERE b.project_id = $1 AND b.package = packages.name AND b.dir = $2
        ORDER BY b.id DESC LIMIT 1
    ) AS id
    FROM packages
    CROSS JOIN project_chroots
    JOIN mock_chroots ON mock_chroots.id = project_chroots.mock_chroot_id
    WHERE packages.project_id = $1 AND project_chroots.project_id = $1
        AND project_chroots.is_enabled AND mock_chroots.is_active";

/// A column of `build_chroots` and the choice that it is found by.
type Choice = (&'static str, &'static str);

const BY_BUILD: Choice = ("build_id", OF_PACKAGES);
const BY_CHROOT: Choice = ("id", OF_CHROOTS);

/// How much is told of each.
#[derive(Debug, Clone, Copy)]
enum Told {
    /// Short rows, because there may be many thousands.
    States,
    Whole,
}

/// Both databases work out a materialized choice once.
fn text((column, choice): Choice, told: Told) -> String {
    let (more, builds) = match told {
        Told::States => ("CAST(NULL AS BIGINT), CAST(NULL AS TEXT), CAST(NULL AS TEXT)", ""),
        Told::Whole => {
            ("own.ended_on, own.result_dir, builds.header", "LEFT JOIN builds ON builds.id = own.build_id")
        }
    };
    format!(
        "WITH newest AS MATERIALIZED ({choice})
        SELECT newest.package, own.build_id, own.chroot, own.state, own.stage, own.attempt, {more}
        FROM newest LEFT JOIN build_chroots AS own ON own.{column} = newest.id {builds}
        WHERE newest.id IS NOT NULL
        ORDER BY newest.package, own.chroot"
    )
}

type Columns = (
    Text,
    Nullable<BigInt>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<BigInt>,
    Nullable<BigInt>,
    Nullable<Text>,
    Nullable<Text>,
);

#[derive(Queryable)]
struct Row {
    package: String,
    build: Option<i64>,
    chroot: Option<String>,
    state: Option<String>,
    stage: Option<String>,
    attempt: Option<i64>,
    ended_on: Option<i64>,
    result_dir: Option<String>,
    header: Option<String>,
}

/// The newest build of a package in a chroot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    pub package: String,
    pub chroot: String,
    pub build: BuildId,
    pub state: ChrootState,
    /// The finer stage while it runs.
    pub stage: Option<Stage>,
    pub attempt: Attempt,
}

/// The same with what the build left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newest {
    pub package: PackageName,
    pub chroot: ChrootName,
    pub build: BuildId,
    pub state: ChrootState,
    pub ended_on: Option<UnixTime>,
    /// `<padded build id>-<package>`, once a builder has it.
    pub result_dir: Option<String>,
    pub header: Option<SourceHeader>,
}

/// In these chroots, by package and chroot; one statement, or two where the newest build of a package left out a
/// chroot.
pub fn matrix(
    conn: &mut Conn,
    project: ProjectId,
    dir: &DirName,
    of: &[ChrootName],
) -> Result<Vec<Cell>, StoreError> {
    let mut cells = Vec::new();
    for row in rows(conn, (project, dir), of, Told::States)? {
        if let (Some(build), Some(chroot), Some(state)) = (row.build, row.chroot, &row.state) {
            cells.push(Cell {
                package: row.package,
                chroot,
                build: BuildId(build),
                state: column::word("a chroot's state", state)?,
                stage: column::word_if_any("a chroot's stage", row.stage.as_deref())?,
                attempt: row.attempt.map_or(Attempt::FIRST, column::attempt),
            });
        }
    }
    Ok(cells)
}

/// The same with all that the monitor of the API tells.
pub fn newest_in_chroots(
    conn: &mut Conn,
    project: ProjectId,
    dir: &DirName,
    of: &[ChrootName],
) -> Result<Vec<Newest>, StoreError> {
    let mut all = Vec::new();
    for row in rows(conn, (project, dir), of, Told::Whole)? {
        if let (Some(build), Some(chroot), Some(state)) = (row.build, &row.chroot, &row.state) {
            all.push(Newest {
                package: column::word("a package's name", &row.package)?,
                chroot: column::word("a build's chroot", chroot)?,
                build: BuildId(build),
                state: column::word("a chroot's state", state)?,
                ended_on: column::time(row.ended_on),
                result_dir: row.result_dir,
                header: column::from_json_if_any("a build's header", row.header.as_deref())?,
            });
        }
    }
    Ok(all)
}

fn rows(
    conn: &mut Conn,
    (project, dir): (ProjectId, &DirName),
    of: &[ChrootName],
    told: Told,
) -> Result<Vec<Row>, StoreError> {
    let mut load = |choice| -> Result<Vec<Row>, StoreError> {
        let values = vec![Value::Number(project.0), Value::Text(dir.to_string())];
        let statement = Statement::<Columns>::new(text(choice, told), values);
        Ok(on_either!(conn, |c| statement.load(c)?))
    };
    let is_wanted = |row: &Row| of.iter().any(|chroot| Some(chroot.as_str()) == row.chroot.as_deref());
    let mut rows = load(BY_BUILD)?;
    let has_all = |package: &[Row]| package.iter().filter(|row| is_wanted(row)).count() == of.len();
    if !rows.chunk_by(|a, b| a.package == b.package).all(has_all) {
        rows = load(BY_CHROOT)?;
    }
    rows.retain(is_wanted);
    Ok(rows)
}

/// `[EPOCH:]VERSION-RELEASE` of these builds, where it is known; one statement.
pub fn versions(conn: &mut Conn, ids: &[BuildId]) -> Result<HashMap<BuildId, String>, StoreError> {
    let raw: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let query = builds::table.filter(builds::id.eq_any(raw)).select((builds::id, builds::header));
    let rows: Vec<(i64, Option<String>)> = on_either!(conn, |c| query.load(c)?);
    let mut versions = HashMap::with_capacity(rows.len());
    for (id, header) in rows {
        let evr: Option<Evr> = column::from_json_if_any("a build's header", header.as_deref())?;
        versions.extend(evr.map(|evr| (BuildId(id), evr.to_string())));
    }
    Ok(versions)
}
