//! What ended, was submitted and was ordered over time. Every function is one statement that an index answers.

use coppice_model::UnixTime;
use diesel::{
    prelude::*,
    sql_types::{BigInt, Text},
};

use crate::{Conn, StoreError, conn::on_either};

/// A stretch of time in equal parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slots {
    pub since: UnixTime,
    pub until: UnixTime,
    pub seconds: i64,
}

/// So many of that kind in one part.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Counted {
    /// From 0.
    #[diesel(sql_type = BigInt)]
    pub slot: i64,
    #[diesel(sql_type = Text)]
    pub word: String,
    #[diesel(sql_type = BigInt)]
    pub number: i64,
}

/// Chroots of builds that ended, by state.
pub fn ended(conn: &mut Conn, slots: Slots) -> Result<Vec<Counted>, StoreError> {
    let text = "SELECT (ended_on - $1) / $2 AS slot, state AS word, COUNT(*) AS number FROM build_chroots \
        WHERE ended_on >= $3 AND ended_on < $4 GROUP BY slot, word ORDER BY slot, word";
    load(conn, text, slots)
}

/// Builds that were submitted; the word is the number of people who did.
pub fn submitted(conn: &mut Conn, slots: Slots) -> Result<Vec<Counted>, StoreError> {
    let text = "SELECT (submitted_on - $1) / $2 AS slot, CAST(COUNT(DISTINCT submitter_id) AS TEXT) AS word, \
        COUNT(*) AS number FROM builds WHERE submitted_on >= $3 AND submitted_on < $4 GROUP BY slot ORDER BY slot";
    load(conn, text, slots)
}

/// The chroots that most builds ended in, all in slot 0.
pub fn chroots(conn: &mut Conn, slots: Slots) -> Result<Vec<Counted>, StoreError> {
    let text = "SELECT ($1 - $2) * 0 AS slot, chroot AS word, COUNT(*) AS number FROM build_chroots \
        WHERE ended_on >= $3 AND ended_on < $4 GROUP BY chroot ORDER BY COUNT(*) DESC, chroot LIMIT 20";
    load(conn, text, slots)
}

/// What was ordered, as `kind state`, all in slot 0.
pub fn actions(conn: &mut Conn, slots: Slots) -> Result<Vec<Counted>, StoreError> {
    let text = "SELECT ($1 - $2) * 0 AS slot, kind || ' ' || state AS word, COUNT(*) AS number FROM actions \
        WHERE created_at >= $3 AND created_at < $4 GROUP BY kind, state ORDER BY kind, state";
    load(conn, text, slots)
}

fn load(conn: &mut Conn, text: &str, slots: Slots) -> Result<Vec<Counted>, StoreError> {
    let query = diesel::sql_query(text)
        .bind::<BigInt, _>(slots.since.0)
        .bind::<BigInt, _>(slots.seconds.max(1))
        .bind::<BigInt, _>(slots.since.0)
        .bind::<BigInt, _>(slots.until.0);
    Ok(on_either!(conn, |c| query.load::<Counted>(c)?))
}
