//! Batches: builds that wait until another group of builds has ended.

use coppice_model::UnixTime;
use diesel::prelude::*;

use crate::{Conn, StoreError, schema::batches};

/// A new batch, perhaps one that waits for another.
pub fn insert(conn: &mut Conn, waits_for: Option<i64>, now: UnixTime) -> Result<i64, StoreError> {
    let values = (batches::waits_for.eq(waits_for), batches::created_at.eq(now.0));
    Ok(diesel::insert_into(batches::table).values(values).returning(batches::id).get_result(conn)?)
}

/// Whether there is such a batch.
pub fn exists(conn: &mut Conn, batch: i64) -> Result<bool, StoreError> {
    let found: Option<i64> = batches::table.find(batch).select(batches::id).first(conn).optional()?;
    Ok(found.is_some())
}

/// The batch that this one waits for.
pub fn waits_for(conn: &mut Conn, batch: i64) -> Result<Option<i64>, StoreError> {
    let found: Option<Option<i64>> =
        batches::table.find(batch).select(batches::waits_for).first(conn).optional()?;
    Ok(found.flatten())
}

/// The batches that wait for this one.
pub fn list_waiting(conn: &mut Conn, batch: i64) -> Result<Vec<i64>, StoreError> {
    let query = batches::table.filter(batches::waits_for.eq(batch)).order(batches::id);
    Ok(query.select(batches::id).load(conn)?)
}
