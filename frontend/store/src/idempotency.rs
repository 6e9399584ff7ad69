//! Answers that are kept for clients who ask the same thing again (the header `Idempotency-Key`).

use coppice_model::{UnixTime, UserId};
use diesel::prelude::*;

use crate::{Conn, StoreError, conn::on_either, schema::idempotency};

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Method and address of the first request.
    pub request: String,
    /// Its answer; `None` while it is at work, or for ever when it was cut off.
    pub answer: Option<(u16, String)>,
}

/// Takes a key for a request; what is known when somebody did before.
pub fn take(
    conn: &mut Conn,
    user: UserId,
    key: &str,
    request: &str,
    now: UnixTime,
) -> Result<Option<Kept>, StoreError> {
    let row = (
        idempotency::user_id.eq(user.0),
        idempotency::key.eq(key),
        idempotency::request.eq(request),
        idempotency::created_at.eq(now.0),
    );
    let taken = on_either!(conn, |c| diesel::insert_into(idempotency::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(c)?);
    if taken == 1 {
        return Ok(None);
    }
    let (request, status, body): (String, Option<i64>, Option<String>) = idempotency::table
        .find((user.0, key))
        .select((idempotency::request, idempotency::status, idempotency::body))
        .first(conn)?;
    let answer = status.and_then(|status| u16::try_from(status).ok()).zip(body);
    Ok(Some(Kept { request, answer }))
}

pub fn keep(conn: &mut Conn, user: UserId, key: &str, answer: (u16, &str)) -> Result<(), StoreError> {
    let (status, body) = answer;
    diesel::update(idempotency::table.find((user.0, key)))
        .set((idempotency::status.eq(i64::from(status)), idempotency::body.eq(body)))
        .execute(conn)?;
    Ok(())
}

/// Gives a key back: nothing came of its request.
pub fn release(conn: &mut Conn, user: UserId, key: &str) -> Result<(), StoreError> {
    diesel::delete(idempotency::table.find((user.0, key))).execute(conn)?;
    Ok(())
}

pub fn delete_older(conn: &mut Conn, than: UnixTime) -> Result<usize, StoreError> {
    Ok(diesel::delete(idempotency::table.filter(idempotency::created_at.lt(than.0))).execute(conn)?)
}
