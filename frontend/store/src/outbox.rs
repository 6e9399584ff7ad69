//! Messages that leave with the transaction that decided them.

use coppice_model::{UnixTime, messages::Message};
use diesel::prelude::*;

use crate::{Conn, StoreError, column, conn::on_either, schema::outbox};

/// A message that waits to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    pub id: i64,
    pub stream: String,
    pub key: String,
    pub body: String,
}

pub fn push<M: Message>(conn: &mut Conn, message: &M, now: UnixTime) -> Result<(), StoreError> {
    let row = (
        outbox::stream.eq(M::STREAM),
        outbox::key.eq(message.key()),
        outbox::body.eq(column::to_json("a message", message)?),
        outbox::created_at.eq(now.0),
    );
    on_either!(conn, |c| diesel::insert_into(outbox::table).values(row).execute(c)?);
    Ok(())
}

/// The oldest ones in order; one statement.
pub fn list(conn: &mut Conn, limit: i64) -> Result<Vec<Waiting>, StoreError> {
    let query = outbox::table.order(outbox::id).limit(limit);
    let query = query.select((outbox::id, outbox::stream, outbox::key, outbox::body));
    let rows: Vec<(i64, String, String, String)> = on_either!(conn, |c| query.load(c)?);
    Ok(rows.into_iter().map(|(id, stream, key, body)| Waiting { id, stream, key, body }).collect())
}

pub fn delete(conn: &mut Conn, ids: &[i64]) -> Result<(), StoreError> {
    let sent = outbox::table.filter(outbox::id.eq_any(ids));
    on_either!(conn, |c| diesel::delete(sent).execute(c)?);
    Ok(())
}
