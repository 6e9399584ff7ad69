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

/// Two columns of one that has not ended.
macro_rules! record {
    ($conn:expr, $task:expr, $attempt:expr, $changes:expr) => {{
        let row = (
            attempts::build_id.eq($task.build().0),
            attempts::task.eq($task.to_string()),
            attempts::attempt.eq(i64::from($attempt.0)),
            $changes.0,
            $changes.1,
        );
        let new = diesel::insert_into(attempts::table).values(row);
        let known = new.on_conflict((attempts::task, attempts::attempt)).do_update().set($changes);
        let open = diesel::query_dsl::methods::FilterDsl::filter(known, attempts::ended_on.is_null());
        on_either!($conn, |c| open.execute(c)?);
        Ok(())
    }};
}

/// A machine took the task. Nothing is stored before: what only waits is no attempt yet.
pub fn record_taken(
    conn: &mut Conn,
    task: &TaskId,
    attempt: Attempt,
    builder: &str,
    at: UnixTime,
) -> Result<(), StoreError> {
    let changes = (attempts::builder.eq(builder), attempts::started_on.eq(at.0));
    record!(conn, task, attempt, changes)
}

/// It ended, also where nobody has told that it was taken; one that is closed stays as it is.
pub fn record_ended(
    conn: &mut Conn,
    task: &TaskId,
    attempt: Attempt,
    outcome: &str,
    at: UnixTime,
) -> Result<(), StoreError> {
    let changes = (attempts::ended_on.eq(at.0), attempts::outcome.eq(outcome));
    record!(conn, task, attempt, changes)
}

/// Closes an attempt if there is one.
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
