//! Reports that were handled, so that a repeat changes nothing.

use coppice_model::UnixTime;
use diesel::prelude::*;

use crate::{Conn, StoreError, conn::on_either, schema::inbox};

/// Marks a report as handled; `false` when it was so before.
pub fn claim(conn: &mut Conn, key: &str, now: UnixTime) -> Result<bool, StoreError> {
    let rows = on_either!(conn, |c| {
        diesel::insert_into(inbox::table)
            .values((inbox::key.eq(key), inbox::handled_at.eq(now.0)))
            .on_conflict_do_nothing()
            .execute(c)
    })?;
    Ok(rows > 0)
}

/// Forgets what is too old to come again.
pub fn delete_older(conn: &mut Conn, than: UnixTime) -> Result<usize, StoreError> {
    Ok(diesel::delete(inbox::table.filter(inbox::handled_at.lt(than.0))).execute(conn)?)
}
