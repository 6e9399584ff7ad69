//! What waits and runs at this moment, of everybody: for people who look, not for those who work.

use coppice_model::{
    Attempt, BuildId, ChrootName, OwnerName, PackageName, ProjectRef, UnixTime, state::Stage,
};
use diesel::{
    prelude::*,
    sql_types::{BigInt, Bool, Nullable, Text},
};

use crate::{BuildSource, Conn, Page, StoreError, column, conn::on_either};

mod work;

pub use work::{AtWork, Running, at_work};

/// A build whose batch waits for another is in no queue yet.
const NOT_HELD: &str = include_str!("queue/not_held.sql");

fn statement(text: &str) -> String {
    text.replace("{not_held}", NOT_HELD)
}

/// Open tasks that have all this in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenTasks {
    pub owner: OwnerName,
    /// `None`: source phases.
    pub chroot: Option<ChrootName>,
    /// `importing`, `pending`, `starting` or `running`.
    pub state: String,
    pub is_background: bool,
    pub tasks: i64,
}

#[derive(QueryableByName)]
struct CountRow {
    #[diesel(sql_type = Text)]
    owner: String,
    #[diesel(sql_type = Text)]
    chroot: String,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Bool)]
    is_background: bool,
    #[diesel(sql_type = BigInt)]
    tasks: i64,
}

fn chroot(raw: &str) -> Result<Option<ChrootName>, StoreError> {
    column::word_if_any("a task's chroot", Some(raw).filter(|raw| !raw.is_empty()))
}

impl TryFrom<CountRow> for OpenTasks {
    type Error = StoreError;
    fn try_from(row: CountRow) -> Result<Self, StoreError> {
        Ok(Self {
            owner: column::word("a task's owner", &row.owner)?,
            chroot: chroot(&row.chroot)?,
            state: row.state,
            is_background: row.is_background,
            tasks: row.tasks,
        })
    }
}

/// All that waits for a builder or has one; one statement.
pub fn count(conn: &mut Conn) -> Result<Vec<OpenTasks>, StoreError> {
    let query = diesel::sql_query(statement(include_str!("queue/counts.sql")));
    column::all(on_either!(conn, |c| query.load::<CountRow>(c)?))
}

/// One source phase, or one chroot of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedTask {
    pub build: BuildId,
    pub project: ProjectRef,
    /// `None`: the source phase.
    pub chroot: Option<ChrootName>,
    pub state: String,
    /// The finer stage while it runs.
    pub stage: Option<Stage>,
    pub attempt: Attempt,
    pub builder: Option<String>,
    pub started_on: Option<UnixTime>,
    pub is_background: bool,
    pub submitted_on: UnixTime,
    pub package: Option<PackageName>,
    /// Only while nobody knows the package.
    pub source: Option<BuildSource>,
    pub batch: Option<i64>,
}

#[derive(QueryableByName)]
struct TaskRow {
    #[diesel(sql_type = BigInt)]
    build: i64,
    #[diesel(sql_type = Text)]
    chroot: String,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Nullable<Text>)]
    stage: Option<String>,
    #[diesel(sql_type = BigInt)]
    attempt: i64,
    #[diesel(sql_type = Nullable<Text>)]
    builder: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    started_on: Option<i64>,
    #[diesel(sql_type = Bool)]
    is_background: bool,
    #[diesel(sql_type = BigInt)]
    submitted_on: i64,
    #[diesel(sql_type = Nullable<Text>)]
    package: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    batch: Option<i64>,
    #[diesel(sql_type = Text)]
    owner: String,
    #[diesel(sql_type = Text)]
    project: String,
    #[diesel(sql_type = Nullable<Text>)]
    source: Option<String>,
}

fn reference(owner: &str, project: &str) -> Result<ProjectRef, StoreError> {
    let owner = column::word("a task's owner", owner)?;
    Ok(ProjectRef { owner, name: column::word("a task's project", project)? })
}

impl TryFrom<TaskRow> for QueuedTask {
    type Error = StoreError;
    fn try_from(row: TaskRow) -> Result<Self, StoreError> {
        Ok(Self {
            build: BuildId(row.build),
            project: reference(&row.owner, &row.project)?,
            chroot: chroot(&row.chroot)?,
            state: row.state,
            stage: column::word_if_any("a task's stage", row.stage.as_deref())?,
            attempt: column::attempt(row.attempt),
            builder: row.builder,
            started_on: column::time(row.started_on),
            is_background: row.is_background,
            submitted_on: UnixTime(row.submitted_on),
            package: column::word_if_any("a task's package", row.package.as_deref())?,
            source: column::from_json_if_any("a task's source", row.source.as_deref())?,
            batch: row.batch,
        })
    }
}

/// Tasks in this state as they are taken: foreground first, then the older build; one statement.
pub fn list(
    conn: &mut Conn,
    state: &str,
    with_background: bool,
    page: Page,
) -> Result<Vec<QueuedTask>, StoreError> {
    let query = diesel::sql_query(statement(include_str!("queue/tasks.sql")))
        .bind::<Text, _>(state.to_owned())
        .bind::<Text, _>(state.to_owned())
        .bind::<Bool, _>(with_background)
        .bind::<BigInt, _>(page.limit())
        .bind::<BigInt, _>(page.offset());
    column::all(on_either!(conn, |c| query.load::<TaskRow>(c)?))
}

#[derive(QueryableByName)]
struct ProjectRow {
    #[diesel(sql_type = Text)]
    owner: String,
    #[diesel(sql_type = Text)]
    project: String,
    #[diesel(sql_type = BigInt)]
    tasks: i64,
}

/// The projects with the most background tasks in this state; one statement.
pub fn list_background(
    conn: &mut Conn,
    state: &str,
    limit: i64,
) -> Result<Vec<(ProjectRef, i64)>, StoreError> {
    let query = diesel::sql_query(statement(include_str!("queue/background.sql")))
        .bind::<Text, _>(state.to_owned())
        .bind::<Text, _>(state.to_owned())
        .bind::<BigInt, _>(limit);
    let rows = on_either!(conn, |c| query.load::<ProjectRow>(c)?);
    rows.into_iter().map(|row| Ok((reference(&row.owner, &row.project)?, row.tasks))).collect()
}

/// A batch of which something has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenBatch {
    pub id: i64,
    pub waits_for: Option<i64>,
    pub created_at: UnixTime,
    pub open_builds: i64,
    /// One of those that have builds in it.
    pub project: ProjectRef,
    pub projects: i64,
}

#[derive(QueryableByName)]
struct BatchRow {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    waits_for: Option<i64>,
    #[diesel(sql_type = BigInt)]
    created_at: i64,
    #[diesel(sql_type = BigInt)]
    open_builds: i64,
    #[diesel(sql_type = Text)]
    owner: String,
    #[diesel(sql_type = Text)]
    project: String,
    #[diesel(sql_type = BigInt)]
    projects: i64,
}

impl TryFrom<BatchRow> for OpenBatch {
    type Error = StoreError;
    fn try_from(row: BatchRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id,
            waits_for: row.waits_for,
            created_at: UnixTime(row.created_at),
            open_builds: row.open_builds,
            project: reference(&row.owner, &row.project)?,
            projects: row.projects,
        })
    }
}

/// The oldest first; one statement.
pub fn list_batches(conn: &mut Conn, limit: i64) -> Result<Vec<OpenBatch>, StoreError> {
    let query = diesel::sql_query(include_str!("queue/batches.sql")).bind::<BigInt, _>(limit);
    column::all(on_either!(conn, |c| query.load::<BatchRow>(c)?))
}
