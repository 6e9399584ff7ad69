//! What builds produced.

use coppice_model::{BuildId, ChrootName, OwnerName, ProjectRef, package::Nevra};
use diesel::prelude::*;

use crate::{
    Conn, StoreError, column,
    conn::on_either,
    schema::{build_chroots, builds, built_packages, projects},
};

#[derive(Insertable)]
#[diesel(table_name = built_packages, treat_none_as_default_value = false)]
struct NewRow<'a> {
    build_chroot_id: i64,
    name: &'a str,
    epoch: Option<i64>,
    version: &'a str,
    release: &'a str,
    arch: &'a str,
}

#[derive(Queryable)]
struct PackageRow {
    chroot: String,
    name: String,
    epoch: Option<i64>,
    version: String,
    release: String,
    arch: String,
}

pub fn insert(conn: &mut Conn, build_chroot: i64, packages: &[Nevra]) -> Result<(), StoreError> {
    let rows: Vec<NewRow<'_>> = packages
        .iter()
        .map(|nevra| NewRow {
            build_chroot_id: build_chroot,
            name: &nevra.name,
            epoch: nevra.epoch.map(i64::from),
            version: &nevra.version,
            release: &nevra.release,
            arch: &nevra.arch,
        })
        .collect();
    // SQLite takes a bounded number of values in one statement.
    for some in rows.chunks(500) {
        on_either!(conn, |c| diesel::insert_into(built_packages::table).values(some).execute(c))?;
    }
    Ok(())
}

/// By chroot and order of arrival; one statement.
pub fn list(conn: &mut Conn, build: BuildId) -> Result<Vec<(ChrootName, Nevra)>, StoreError> {
    let rows: Vec<PackageRow> = built_packages::table
        .inner_join(build_chroots::table)
        .filter(build_chroots::build_id.eq(build.0))
        .order((build_chroots::id, built_packages::id))
        .select((
            build_chroots::chroot,
            built_packages::name,
            built_packages::epoch,
            built_packages::version,
            built_packages::release,
            built_packages::arch,
        ))
        .load(conn)?;
    rows.into_iter().map(domain).collect()
}

fn domain(row: PackageRow) -> Result<(ChrootName, Nevra), StoreError> {
    let nevra = Nevra {
        name: row.name,
        epoch: row.epoch.and_then(|epoch| u32::try_from(epoch).ok()),
        version: row.version,
        release: row.release,
        arch: row.arch,
    };
    Ok((column::word("a chroot's name", &row.chroot)?, nevra))
}

/// Which packages are looked for. Without an epoch: whatever it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    pub name: String,
    pub epoch: Option<u32>,
    pub version: Option<String>,
    pub release: Option<String>,
    pub arch: Option<String>,
    /// Goes on behind this [`Found::id`].
    pub before: Option<i64>,
}

/// A built package, and where it is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub id: i64,
    pub package: Nevra,
    pub chroot: ChrootName,
    pub build: BuildId,
    pub project: ProjectRef,
}

type FoundRow = (i64, String, Option<i64>, String, String, String, String, i64, String, String);

/// Of all projects, newest first; one statement.
pub fn search(conn: &mut Conn, wanted: &Search, limit: i64) -> Result<Vec<Found>, StoreError> {
    let mut query = built_packages::table
        .inner_join(build_chroots::table.inner_join(builds::table.inner_join(projects::table)))
        .filter(built_packages::name.eq(wanted.name.clone()))
        .select((
            built_packages::id,
            built_packages::name,
            built_packages::epoch,
            built_packages::version,
            built_packages::release,
            built_packages::arch,
            build_chroots::chroot,
            builds::id,
            projects::owner,
            projects::name,
        ))
        .into_boxed();
    if let Some(epoch) = wanted.epoch {
        query = query.filter(built_packages::epoch.eq(i64::from(epoch)));
    }
    if let Some(version) = &wanted.version {
        query = query.filter(built_packages::version.eq(version.clone()));
    }
    if let Some(release) = &wanted.release {
        query = query.filter(built_packages::release.eq(release.clone()));
    }
    if let Some(arch) = &wanted.arch {
        query = query.filter(built_packages::arch.eq(arch.clone()));
    }
    if let Some(before) = wanted.before {
        query = query.filter(built_packages::id.lt(before));
    }
    let rows: Vec<FoundRow> = query.order(built_packages::id.desc()).limit(limit).load(conn)?;
    rows.into_iter().map(found).collect()
}

fn found(row: FoundRow) -> Result<Found, StoreError> {
    let (id, name, epoch, version, release, arch, chroot, build, owner, project) = row;
    let epoch = epoch.and_then(|epoch| u32::try_from(epoch).ok());
    let owner: OwnerName = column::word("a project's owner", &owner)?;
    Ok(Found {
        id,
        package: Nevra { name, epoch, version, release, arch },
        chroot: column::word("a chroot's name", &chroot)?,
        build: BuildId(build),
        project: ProjectRef { owner, name: column::word("a project's name", &project)? },
    })
}
