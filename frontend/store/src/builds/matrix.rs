//! What became of the newest build of every package in every chroot: short rows, because there may be many thousands.

use std::collections::HashMap;

use coppice_model::{BuildId, ChrootName, DirName, ProjectId, state::ChrootState};
use diesel::{
    backend::Backend,
    prelude::*,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    serialize::ToSql,
    sql_types::{BigInt, HasSqlType, Text},
};
use serde::Deserialize;

use super::newest::walk;
use crate::{Conn, StoreError, column, conn::on_either, schema::builds};

// The same choice as in `newest.sql`, which says why it is written like this.
macro_rules! over_newest {
    ($select:literal, $end:literal) => {
        concat!(
            $select,
            " FROM (SELECT packages.name AS package, COALESCE(
                (SELECT own.id FROM build_chroots AS own
                WHERE own.chroot = mock_chroots.name AND own.build_id = (
                    SELECT b.id FROM builds AS b
                    WHERE b.project_id = $1 AND b.package = packages.name AND b.dir = $2
                    ORDER BY b.id DESC LIMIT 1)),
                (SELECT own.id FROM builds AS b
                JOIN build_chroots AS own ON own.build_id = b.id AND own.chroot = mock_chroots.name
                WHERE b.project_id = $1 AND b.package = packages.name AND b.dir = $2
                ORDER BY b.id DESC LIMIT 1)) AS id
            FROM packages
            CROSS JOIN project_chroots
            JOIN mock_chroots ON mock_chroots.id = project_chroots.mock_chroot_id
            WHERE packages.project_id = $1 AND project_chroots.project_id = $1
                AND project_chroots.is_enabled AND mock_chroots.is_active) AS newest
            JOIN build_chroots ON build_chroots.id = newest.id ",
            $end
        )
    };
}

const MATRIX: &str = over_newest!(
    "SELECT newest.package, build_chroots.chroot, build_chroots.build_id, build_chroots.state",
    "ORDER BY newest.package"
);
const TALLY: &str = over_newest!(
    "SELECT build_chroots.chroot, build_chroots.state, count(*)",
    "GROUP BY build_chroots.chroot, build_chroots.state"
);

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

query!(Cells, MATRIX, (Text, Text, BigInt, Text));
query!(Counts, TALLY, (Text, Text, BigInt));

/// The newest build of a package in a chroot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    pub package: String,
    pub chroot: String,
    pub build: BuildId,
    pub state: ChrootState,
}

/// By package; one statement.
pub fn matrix(conn: &mut Conn, project: ProjectId, dir: &DirName) -> Result<Vec<Cell>, StoreError> {
    let query = Cells { project: project.0, dir: dir.to_string() };
    let rows = on_either!(conn, |c| query.load::<(String, String, i64, String)>(c)?);
    let cell = |(package, chroot, build, state): (String, String, i64, String)| {
        let state = column::word("a chroot's state", &state)?;
        Ok(Cell { package, chroot, build: BuildId(build), state })
    };
    rows.into_iter().map(cell).collect()
}

/// In how many packages the newest build of a chroot has a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    pub chroot: ChrootName,
    pub state: ChrootState,
    pub packages: i64,
}

/// One statement, whose answer is short.
pub fn tally(conn: &mut Conn, project: ProjectId, dir: &DirName) -> Result<Vec<Tally>, StoreError> {
    let query = Counts { project: project.0, dir: dir.to_string() };
    let rows = on_either!(conn, |c| query.load::<(String, String, i64)>(c)?);
    let tally = |(chroot, state, packages): (String, String, i64)| {
        let chroot = column::word("a build's chroot", &chroot)?;
        Ok(Tally { chroot, state: column::word("a chroot's state", &state)?, packages })
    };
    rows.into_iter().map(tally).collect()
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
