//! What builds produced.

use coppice_model::{BuildId, ChrootName, package::Nevra};
use diesel::prelude::*;

use crate::{
    Conn, StoreError, column,
    conn::on_either,
    schema::{build_chroots, built_packages},
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
