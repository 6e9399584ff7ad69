//! What became of the newest build of every package in every chroot: short rows, because there may be many thousands.

use std::collections::HashMap;

use coppice_model::{BuildId, ChrootName, DirName, ProjectId, state::ChrootState};
use diesel::{
    backend::Backend,
    prelude::*,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    serialize::ToSql,
    sql_types::{BigInt, HasSqlType, Nullable, Text},
};
use serde::Deserialize;

use super::newest::walk;
use crate::{Conn, StoreError, column, conn::on_either, schema::builds};

/// The chroots of the newest build of each package: nearly always that is all there is to know.
const NEWEST: &str = "SELECT newest.package, newest.build_id, build_chroots.chroot, build_chroots.state
    FROM (
        SELECT packages.name AS package, (
            SELECT b.id FROM builds AS b
            WHERE b.project_id = $1 AND b.package = packages.name AND b.dir = $2
            ORDER BY b.id DESC LIMIT 1
        ) AS build_id
        FROM packages WHERE packages.project_id = $1
    ) AS newest
    LEFT JOIN build_chroots ON build_chroots.build_id = newest.build_id
    ORDER BY newest.package";

/// For each package and chroot by itself; the same choice as in `newest.sql`.
const EACH: &str = "SELECT newest.package, build_chroots.build_id, build_chroots.chroot, build_chroots.state
    FROM (
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
            AND project_chroots.is_enabled AND mock_chroots.is_active
    ) AS newest
    JOIN build_chroots ON build_chroots.id = newest.id
    ORDER BY newest.package";

/// Several queries over the same choice.
macro_rules! query {
    ($name:ident, $text:expr, $columns:ty) => {
        #[derive(QueryId)]
        struct $name {
            project: i64,
            dir: String,
        }

        impl<DB> QueryFragment<DB> for $name
        where
            DB: Backend + HasSqlType<BigInt> + HasSqlType<Text>,
            i64: ToSql<BigInt, DB>,
            str: ToSql<Text, DB>,
        {
            fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, DB>) -> QueryResult<()> {
                walk($text, (&self.project, &self.dir), pass.reborrow())
            }
        }

        impl Query for $name {
            type SqlType = $columns;
        }

        impl<C> RunQueryDsl<C> for $name {}
    };
}

query!(Newest, NEWEST, (Text, Nullable<BigInt>, Nullable<Text>, Nullable<Text>));
query!(Each, EACH, (Text, Nullable<BigInt>, Nullable<Text>, Nullable<Text>));

/// The newest build of a package in a chroot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    pub package: String,
    pub chroot: String,
    pub build: BuildId,
    pub state: ChrootState,
}

/// The package, its newest build, and a chroot of that with its state.
type Row = (String, Option<i64>, Option<String>, Option<String>);

/// In these chroots, by package; one statement, or two where the newest build of a package left out a chroot.
pub fn matrix(
    conn: &mut Conn,
    project: ProjectId,
    dir: &DirName,
    of: &[ChrootName],
) -> Result<Vec<Cell>, StoreError> {
    let newest = Newest { project: project.0, dir: dir.to_string() };
    let mut rows = on_either!(conn, |c| newest.load::<Row>(c)?);
    rows.retain(|(_, build, ..)| build.is_some());
    let is_wanted = |row: &&Row| of.iter().any(|chroot| Some(chroot.as_str()) == row.2.as_deref());
    if rows.chunk_by(|a, b| a.0 == b.0).any(|package| package.iter().filter(is_wanted).count() < of.len()) {
        let each = Each { project: project.0, dir: dir.to_string() };
        rows = on_either!(conn, |c| each.load::<Row>(c)?);
    }
    let mut cells = Vec::with_capacity(rows.len());
    for row in rows {
        if let (package, Some(build), Some(chroot), Some(state)) = row {
            let state = column::word("a chroot's state", &state)?;
            cells.push(Cell { package, chroot, build: BuildId(build), state });
        }
    }
    cells.retain(|cell| of.iter().any(|chroot| chroot.as_str() == cell.chroot));
    Ok(cells)
}

#[derive(Deserialize)]
struct Evr {
    epoch: Option<u32>,
    version: String,
    release: String,
}

/// `[EPOCH:]VERSION-RELEASE` of these builds, where it is known; one statement.
pub fn versions(conn: &mut Conn, ids: &[BuildId]) -> Result<HashMap<BuildId, String>, StoreError> {
    let raw: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let query = builds::table.filter(builds::id.eq_any(raw)).select((builds::id, builds::header));
    let rows: Vec<(i64, Option<String>)> = on_either!(conn, |c| query.load(c)?);
    let mut versions = HashMap::with_capacity(rows.len());
    for (id, header) in rows {
        let evr: Option<Evr> = column::from_json_if_any("a build's header", header.as_deref())?;
        if let Some(Evr { epoch, version, release }) = evr {
            let epoch = epoch.map(|epoch| format!("{epoch}:")).unwrap_or_default();
            versions.insert(BuildId(id), format!("{epoch}{version}-{release}"));
        }
    }
    Ok(versions)
}
