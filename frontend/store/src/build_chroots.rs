//! One build in one chroot.

mod good;
mod results;

use std::collections::HashMap;

use coppice_model::{
    Attempt, BuildId, ChrootName, UnixTime,
    state::{ChrootState, Stage},
    work::{DistGitCommit, TaskId},
};
use diesel::{
    dsl::{count_star, sql},
    prelude::*,
    sql_types::Bool,
};

use crate::{BuildFailure, Conn, StoreError, changes, column, conn::on_either, schema::build_chroots};

pub use good::{Good, list_good};
pub use results::{
    StoredResults, Superseded, forget_results, list_results, list_superseded, list_superseded_of,
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildChroot {
    pub id: i64,
    pub build: BuildId,
    pub chroot: ChrootName,
    pub state: ChrootState,
    /// The finer stage while it runs.
    pub stage: Option<Stage>,
    pub attempt: Attempt,
    pub started_on: Option<UnixTime>,
    pub ended_on: Option<UnixTime>,
    /// `<padded build id>-<package>`, once a builder has it.
    pub result_dir: Option<String>,
    pub commit: Option<DistGitCommit>,
    pub builder: Option<String>,
    pub failure: Option<BuildFailure>,
    /// Why the stage cannot go on yet; one sentence for the user.
    pub stage_note: Option<String>,
    /// When the packages had come from the builder and signing began.
    pub built_on: Option<UnixTime>,
    /// When all were signed and publishing began.
    pub signed_on: Option<UnixTime>,
    /// What its log says about its failure, once somebody looked; only pages read it.
    pub failure_log: Option<String>,
}

impl BuildChroot {
    pub fn task(&self) -> TaskId {
        TaskId::Rpm(self.build, self.chroot.clone())
    }
}

#[derive(Queryable)]
pub(crate) struct BuildChrootRow {
    id: i64,
    build_id: i64,
    chroot: String,
    state: String,
    stage: Option<String>,
    attempt: i64,
    started_on: Option<i64>,
    ended_on: Option<i64>,
    result_dir: Option<String>,
    git_commit: Option<String>,
    builder: Option<String>,
    failure: Option<String>,
    stage_note: Option<String>,
    built_on: Option<i64>,
    signed_on: Option<i64>,
    failure_log: Option<String>,
}

impl TryFrom<BuildChrootRow> for BuildChroot {
    type Error = StoreError;
    fn try_from(row: BuildChrootRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id,
            build: BuildId(row.build_id),
            chroot: column::word("a build's chroot", &row.chroot)?,
            state: column::word("a chroot's state", &row.state)?,
            stage: column::word_if_any("a chroot's stage", row.stage.as_deref())?,
            attempt: column::attempt(row.attempt),
            started_on: column::time(row.started_on),
            ended_on: column::time(row.ended_on),
            result_dir: row.result_dir,
            commit: column::from_json_if_any("a chroot's commit", row.git_commit.as_deref())?,
            builder: row.builder,
            failure: column::from_json_if_any("a chroot's failure", row.failure.as_deref())?,
            stage_note: row.stage_note,
            built_on: column::time(row.built_on),
            signed_on: column::time(row.signed_on),
            failure_log: row.failure_log,
        })
    }
}

/// Everything that changes while a chroot is built.
#[derive(AsChangeset)]
#[diesel(table_name = build_chroots, treat_none_as_null = true)]
struct Columns {
    state: String,
    stage: Option<String>,
    attempt: i64,
    started_on: Option<i64>,
    ended_on: Option<i64>,
    result_dir: Option<String>,
    git_commit: Option<String>,
    builder: Option<String>,
    failure: Option<String>,
    stage_note: Option<String>,
    built_on: Option<i64>,
    signed_on: Option<i64>,
}

impl TryFrom<&BuildChroot> for Columns {
    type Error = StoreError;
    fn try_from(chroot: &BuildChroot) -> Result<Self, StoreError> {
        let commit = chroot.commit.as_ref().map(|commit| column::to_json("a chroot's commit", commit));
        let failure = chroot.failure.as_ref().map(|failure| column::to_json("a chroot's failure", failure));
        Ok(Self {
            state: chroot.state.to_string(),
            stage: chroot.stage.map(|stage| stage.to_string()),
            attempt: i64::from(chroot.attempt.0),
            started_on: column::seconds(chroot.started_on),
            ended_on: column::seconds(chroot.ended_on),
            result_dir: chroot.result_dir.clone(),
            git_commit: commit.transpose()?,
            builder: chroot.builder.clone(),
            failure: failure.transpose()?,
            stage_note: chroot.stage_note.clone(),
            built_on: column::seconds(chroot.built_on),
            signed_on: column::seconds(chroot.signed_on),
        })
    }
}

/// The chroots of one build in the order they were added; one statement.
pub fn list(conn: &mut Conn, build: BuildId) -> Result<Vec<BuildChroot>, StoreError> {
    let query = build_chroots::table.filter(build_chroots::build_id.eq(build.0)).order(build_chroots::id);
    column::all(query.load::<BuildChrootRow>(conn)?)
}

/// The chroots of several builds; one statement.
pub fn list_of(
    conn: &mut Conn,
    builds: &[BuildId],
) -> Result<HashMap<BuildId, Vec<BuildChroot>>, StoreError> {
    let ids: Vec<i64> = builds.iter().map(|id| id.0).collect();
    let query = build_chroots::table.filter(build_chroots::build_id.eq_any(ids)).order(build_chroots::id);
    let mut by_build: HashMap<BuildId, Vec<BuildChroot>> = HashMap::new();
    for row in on_either!(conn, |c| query.load::<BuildChrootRow>(c)?) {
        by_build.entry(BuildId(row.build_id)).or_default().push(row.try_into()?);
    }
    Ok(by_build)
}

/// How many are in each unfinished state; one statement.
pub fn count_unfinished(conn: &mut Conn) -> Result<Vec<(String, i64)>, StoreError> {
    let unfinished = build_chroots::state.eq_any(["waiting", "pending", "starting", "running"]);
    let query = build_chroots::table.filter(unfinished).group_by(build_chroots::state);
    let query = query.select((build_chroots::state, diesel::dsl::count_star()));
    Ok(on_either!(conn, |c| query.load(c)?))
}

pub fn find(conn: &mut Conn, build: BuildId, chroot: &str) -> Result<Option<BuildChroot>, StoreError> {
    let query = build_chroots::table
        .filter(build_chroots::build_id.eq(build.0))
        .filter(build_chroots::chroot.eq(chroot));
    query.first::<BuildChrootRow>(conn).optional()?.map(BuildChroot::try_from).transpose()
}

/// A chroot that waits for the source phase.
pub fn insert(conn: &mut Conn, build: BuildId, chroot: &ChrootName) -> Result<BuildChroot, StoreError> {
    changes::touch(build);
    let row = diesel::insert_into(build_chroots::table)
        .values((
            build_chroots::build_id.eq(build.0),
            build_chroots::chroot.eq(chroot.as_str()),
            build_chroots::state.eq(ChrootState::Waiting.as_str()),
            build_chroots::attempt.eq(i64::from(Attempt::FIRST.0)),
        ))
        .returning(build_chroots::all_columns)
        .get_result::<BuildChrootRow>(conn)?;
    row.try_into()
}

/// Writes `after` if the row still has the state and attempt of `before`; `false` when somebody else moved it.
pub fn update(conn: &mut Conn, before: &BuildChroot, after: &BuildChroot) -> Result<bool, StoreError> {
    let row = build_chroots::table
        .find(before.id)
        .filter(build_chroots::state.eq(before.state.as_str()))
        .filter(build_chroots::attempt.eq(i64::from(before.attempt.0)));
    changes::touch(before.build);
    Ok(diesel::update(row).set(Columns::try_from(after)?).execute(conn)? == 1)
}

/// Keeps what the log of a failed chroot says; one statement, and no news.
pub fn keep_failure_log(conn: &mut Conn, id: i64, failure: &str) -> Result<(), StoreError> {
    let row = build_chroots::table.find(id).filter(build_chroots::state.eq("failed"));
    diesel::update(row).set(build_chroots::failure_log.eq(failure)).execute(conn)?;
    Ok(())
}

/// How many unfinished builds of chroots there are, by chroot and state; one statement.
pub fn count_open(conn: &mut Conn) -> Result<Vec<(ChrootName, ChrootState, i64)>, StoreError> {
    // As the index says it: a bound value would not be recognized.
    let unfinished = sql::<Bool>("state IN ('waiting', 'pending', 'starting', 'running')");
    let query = build_chroots::table
        .filter(unfinished)
        .group_by((build_chroots::chroot, build_chroots::state))
        .select((build_chroots::chroot, build_chroots::state, count_star()));
    let rows: Vec<(String, String, i64)> = on_either!(conn, |c| query.load(c)?);
    let count = |(chroot, state, count): (String, String, i64)| {
        let chroot = column::word("a build's chroot", &chroot)?;
        Ok((chroot, column::word("a chroot's state", &state)?, count))
    };
    rows.into_iter().map(count).collect()
}
