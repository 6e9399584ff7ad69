//! Every start of a task, with how it ended: none is forgotten.

use coppice_model::{Attempt, BuildId, UnixTime, work::TaskId};
use diesel::prelude::*;

use crate::{Conn, StoreError, column, conn::on_either, schema::attempts};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptRecord {
    pub task: TaskId,
    pub attempt: Attempt,
    /// The machine's name for people.
    pub builder: Option<String>,
    pub started_on: Option<UnixTime>,
    pub ended_on: Option<UnixTime>,
    /// One sentence or word: how it ended.
    pub outcome: Option<String>,
}

#[derive(Queryable)]
struct AttemptRow {
    _id: i64,
    _build_id: i64,
    task: String,
    attempt: i64,
    builder: Option<String>,
    started_on: Option<i64>,
    ended_on: Option<i64>,
    outcome: Option<String>,
}

impl TryFrom<AttemptRow> for AttemptRecord {
    type Error = StoreError;
    fn try_from(row: AttemptRow) -> Result<Self, StoreError> {
        Ok(Self {
            task: column::word("a task", &row.task)?,
            attempt: column::attempt(row.attempt),
            builder: row.builder,
            started_on: column::time(row.started_on),
            ended_on: column::time(row.ended_on),
            outcome: row.outcome,
        })
    }
}

/// In the order they were made; one statement.
pub fn list(conn: &mut Conn, build: BuildId) -> Result<Vec<AttemptRecord>, StoreError> {
    let query = attempts::table.filter(attempts::build_id.eq(build.0)).order(attempts::id);
    column::all(query.load::<AttemptRow>(conn)?)
}

/// A new attempt, ordered but not yet taken.
pub fn insert(conn: &mut Conn, task: &TaskId, attempt: Attempt) -> Result<(), StoreError> {
    let row = (
        attempts::build_id.eq(task.build().0),
        attempts::task.eq(task.to_string()),
        attempts::attempt.eq(i64::from(attempt.0)),
    );
    on_either!(conn, |c| diesel::insert_into(attempts::table).values(row).execute(c)?);
    Ok(())
}

pub fn update_taken(
    conn: &mut Conn,
    task: &TaskId,
    attempt: Attempt,
    builder: &str,
    at: UnixTime,
) -> Result<(), StoreError> {
    let changes = (attempts::builder.eq(builder), attempts::started_on.eq(at.0));
    let row = attempts::table
        .filter(attempts::task.eq(task.to_string()))
        .filter(attempts::attempt.eq(i64::from(attempt.0)));
    diesel::update(row).set(changes).execute(conn)?;
    Ok(())
}

/// Closes an attempt; one that is closed stays as it is.
pub fn update_ended(
    conn: &mut Conn,
    task: &TaskId,
    attempt: Attempt,
    outcome: &str,
    at: UnixTime,
) -> Result<(), StoreError> {
    let changes = (attempts::ended_on.eq(at.0), attempts::outcome.eq(outcome));
    let row = attempts::table
        .filter(attempts::task.eq(task.to_string()))
        .filter(attempts::attempt.eq(i64::from(attempt.0)))
        .filter(attempts::ended_on.is_null());
    diesel::update(row).set(changes).execute(conn)?;
    Ok(())
}
