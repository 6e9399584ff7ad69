//! Earlier builds that succeeded: how long they took, and what to compare with.

use coppice_model::{BuildId, ChrootName, DirName, PackageName, ProjectId, UnixTime};
use diesel::prelude::*;

use crate::{
    Conn, StoreError, column,
    conn::on_either,
    schema::{build_chroots, builds},
};

/// One that succeeded in one chroot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Good {
    pub build: BuildId,
    pub dir: DirName,
    pub chroot: ChrootName,
    pub started_on: Option<UnixTime>,
    pub built_on: Option<UnixTime>,
    pub ended_on: Option<UnixTime>,
    /// `None`: its results are gone.
    pub result_dir: Option<String>,
}

impl Good {
    /// How long a builder was busy.
    pub fn seconds(&self) -> Option<i64> {
        let ended = self.built_on.or(self.ended_on)?;
        Some(ended.0 - self.started_on?.0)
    }
}

type Row = (i64, String, String, Option<i64>, Option<i64>, Option<i64>, Option<String>);

/// Of a package in a project, before a build, newest first; one statement.
pub fn list_good(
    conn: &mut Conn,
    project: ProjectId,
    package: &PackageName,
    before: BuildId,
    limit: i64,
) -> Result<Vec<Good>, StoreError> {
    let query = build_chroots::table
        .inner_join(builds::table)
        .filter(builds::project_id.eq(project.0))
        .filter(builds::package.eq(package.as_str()))
        .filter(builds::id.lt(before.0))
        .filter(build_chroots::state.eq("succeeded"))
        .order(build_chroots::build_id.desc())
        .limit(limit)
        .select((
            builds::id,
            builds::dir,
            build_chroots::chroot,
            build_chroots::started_on,
            build_chroots::built_on,
            build_chroots::ended_on,
            build_chroots::result_dir,
        ));
    let rows: Vec<Row> = on_either!(conn, |c| query.load(c)?);
    rows.into_iter().map(good).collect()
}

fn good((build, dir, chroot, started_on, built_on, ended_on, result_dir): Row) -> Result<Good, StoreError> {
    Ok(Good {
        build: BuildId(build),
        dir: column::word("a build's directory", &dir)?,
        chroot: column::word("a build's chroot", &chroot)?,
        started_on: column::time(started_on),
        built_on: column::time(built_on),
        ended_on: column::time(ended_on),
        result_dir,
    })
}
