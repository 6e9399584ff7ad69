//! Builds: one submission, its source phase and what was asked for.

mod find;
mod latest;
mod lines;
mod matrix;
mod newest;
mod row;

use coppice_model::{
    Attempt, BuildId, DirName, OwnerName, PackageName, ProjectId, ProjectRef, UnixTime, UserId,
    package::SourceHeader,
    source_method::SourceMethod,
    state::{BuildState, ChrootState, SourceState},
    work::{FailureCause, TaskId},
};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    BuildChroot, Conn, StoreError, build_chroots, changes, column,
    conn::on_either,
    schema::{build_chroots as chroots, builds, projects, users},
};
pub use find::{find, find_with_project};
pub use latest::latest;
pub use lines::{BuildFilter, BuildLine, ChrootLine, list, list_lines_by_id};
pub use matrix::{Cell, Newest, matrix, newest_in_chroots, versions};
pub use newest::{latest_of_packages, latest_of_projects, newest_good_in_chroots, recent_projects};
use row::{BuildRow, SourceColumns};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    pub id: BuildId,
    pub project_id: ProjectId,
    pub project: ProjectRef,
    pub dir: DirName,
    /// Known from the submit on when a package is built, otherwise once the SRPM was read.
    pub package: Option<PackageName>,
    /// Known once the SRPM was read.
    pub header: Option<SourceHeader>,
    pub submitter: Option<OwnerName>,
    pub submitted_on: UnixTime,
    pub source: BuildSource,
    pub source_state: SourceState,
    pub source_attempt: Attempt,
    pub source_builder: Option<String>,
    pub source_started_on: Option<UnixTime>,
    pub source_ended_on: Option<UnixTime>,
    /// Where the backend keeps an SRPM that a builder made.
    pub srpm_url: Option<String>,
    pub options: BuildOptions,
    /// Why the source phase failed.
    pub failure: Option<BuildFailure>,
    pub batch: Option<i64>,
    /// What the log of the source phase says about its failure, once somebody looked; only pages read it.
    pub failure_log: Option<String>,
}

impl Build {
    pub fn package(&self) -> Option<&PackageName> {
        self.header.as_ref().map(|header| &header.name).or(self.package.as_ref())
    }
}

/// What the user submitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum BuildSource {
    Link {
        url: String,
    },
    /// A file that lies at `/tmp/<path>` of the frontend.
    Upload {
        path: String,
        file_name: String,
    },
    Method {
        method: SourceMethod,
    },
    /// A finished package that lies at `/tmp/<path>` of the frontend; nothing is built.
    Package {
        path: String,
        file_name: String,
    },
}

impl BuildSource {
    /// The uploaded file, whatever it is.
    pub fn uploaded(&self) -> Option<&str> {
        match self {
            Self::Upload { path, .. } | Self::Package { path, .. } => Some(path),
            Self::Link { .. } | Self::Method { .. } => None,
        }
    }

    /// Whether the source phase has nothing to do: an SRPM was uploaded.
    pub fn is_uploaded_srpm(&self) -> bool {
        matches!(self, Self::Upload { file_name, .. } if file_name.ends_with(".src.rpm") || file_name.ends_with(".nosrc.rpm"))
    }
}

/// The options of contract section 10.3.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildOptions {
    pub timeout_s: u64,
    pub is_background: bool,
    pub enable_net: Option<bool>,
    pub bootstrap: Option<String>,
    pub isolation: Option<String>,
}

/// Why something failed. Without a cause it was our infrastructure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildFailure {
    pub cause: Option<FailureCause>,
    pub message: String,
}

/// A build with its chroots, as users see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildView {
    pub build: Build,
    /// Empty until the SRPM is known, unless chroots were chosen at submit.
    pub chroots: Vec<BuildChroot>,
}

impl BuildView {
    pub fn state(&self) -> BuildState {
        let states: Vec<_> = self.chroots.iter().map(|chroot| chroot.state).collect();
        BuildState::of(self.build.source_state, &states)
    }

    /// Tasks that wait for a builder or have one.
    pub fn open_tasks(&self) -> Vec<TaskId> {
        use SourceState::{Pending, Running, Starting};
        let is_open = |state: ChrootState| {
            matches!(state, ChrootState::Pending | ChrootState::Starting | ChrootState::Running)
        };
        match self.build.source_state {
            Pending | Starting | Running => vec![TaskId::Source(self.build.id)],
            _ => self.chroots.iter().filter(|c| is_open(c.state)).map(BuildChroot::task).collect(),
        }
    }

    /// See [`BuildLine::started_on`].
    pub fn started_on(&self) -> Option<UnixTime> {
        BuildLine::from(self).started_on()
    }

    /// See [`BuildLine::ended_on`].
    pub fn ended_on(&self) -> Option<UnixTime> {
        BuildLine::from(self).ended_on()
    }
}

/// What a new build begins with.
#[derive(Debug, Clone)]
pub struct NewBuildRow {
    pub project: ProjectId,
    pub dir: DirName,
    /// When it is known already.
    pub package: Option<PackageName>,
    pub submitter: UserId,
    pub source: BuildSource,
    pub source_state: SourceState,
    pub options: BuildOptions,
    pub batch: Option<i64>,
}

impl NewBuildRow {
    /// What was just stored under this id, without asking for it.
    pub fn into_build(self, id: BuildId, named: (ProjectRef, OwnerName), now: UnixTime) -> Build {
        let (project, submitter) = named;
        Build {
            id,
            project_id: self.project,
            project,
            dir: self.dir,
            package: self.package,
            header: None,
            submitter: Some(submitter),
            submitted_on: now,
            source: self.source,
            source_state: self.source_state,
            source_attempt: Attempt::FIRST,
            source_builder: None,
            source_started_on: None,
            source_ended_on: None,
            srpm_url: None,
            options: self.options,
            failure: None,
            batch: self.batch,
            failure_log: None,
        }
    }
}

type Joined = (BuildRow, (String, String), Option<String>);

/// The query of all lists: builds with their project's and submitter's names.
macro_rules! joined {
    () => {
        builds::table.inner_join(projects::table).left_join(users::table).select((
            builds::all_columns,
            (projects::owner, projects::name),
            users::name.nullable(),
        ))
    };
}

/// Several builds by id, ascending; two statements. Unknown ids are left out.
pub fn list_by_id(conn: &mut Conn, ids: &[BuildId]) -> Result<Vec<BuildView>, StoreError> {
    let raw: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let query = joined!().filter(builds::id.eq_any(raw)).order(builds::id);
    let rows: Vec<Joined> = on_either!(conn, |c| query.load(c)?);
    with_chroots(conn, rows)
}

fn with_chroots(conn: &mut Conn, rows: Vec<Joined>) -> Result<Vec<BuildView>, StoreError> {
    let builds: Vec<Build> = column::all(rows)?;
    let ids: Vec<BuildId> = builds.iter().map(|build| build.id).collect();
    let mut chroots = build_chroots::list_of(conn, &ids)?;
    let view = |build: Build| {
        let chroots = chroots.remove(&build.id).unwrap_or_default();
        BuildView { build, chroots }
    };
    Ok(builds.into_iter().map(view).collect())
}

pub fn insert(conn: &mut Conn, new: &NewBuildRow, now: UnixTime) -> Result<BuildId, StoreError> {
    let row = (
        builds::project_id.eq(new.project.0),
        builds::dir.eq(new.dir.as_str()),
        builds::package.eq(new.package.as_ref().map(PackageName::as_str)),
        builds::submitter_id.eq(new.submitter.0),
        builds::submitted_on.eq(now.0),
        builds::source.eq(column::to_json("a build's source", &new.source)?),
        builds::source_state.eq(new.source_state.as_str()),
        builds::source_attempt.eq(i64::from(Attempt::FIRST.0)),
        builds::options.eq(column::to_json("a build's options", &new.options)?),
        builds::batch_id.eq(new.batch),
        builds::touched_on.eq(now.0),
    );
    let insert = diesel::insert_into(builds::table).values(row).returning(builds::id);
    let id = BuildId(on_either!(conn, |c| insert.get_result(c)?));
    changes::touch(id);
    Ok(id)
}

/// Notes that something is said about the build and keeps every other transaction from changing it until
/// this one ends; `false` when there is no such build.
pub fn lock(conn: &mut Conn, id: BuildId, now: UnixTime) -> Result<bool, StoreError> {
    let set = builds::touched_on.eq(now.0);
    changes::touch(id);
    Ok(diesel::update(builds::table.find(id.0)).set(set).execute(conn)? == 1)
}

/// Keeps what the log of a failed source phase says; one statement, and no news.
pub fn keep_failure_log(conn: &mut Conn, id: BuildId, failure: &str) -> Result<(), StoreError> {
    let row = builds::table.find(id.0).filter(builds::source_state.eq("failed"));
    diesel::update(row).set(builds::failure_log.eq(failure)).execute(conn)?;
    Ok(())
}

/// Writes the source phase of `after` if the row still has the state and attempt of `before`; `false` when
/// somebody else moved it.
pub fn update_source(conn: &mut Conn, before: &Build, after: &Build) -> Result<bool, StoreError> {
    let row = builds::table
        .find(before.id.0)
        .filter(builds::source_state.eq(before.source_state.as_str()))
        .filter(builds::source_attempt.eq(i64::from(before.source_attempt.0)));
    changes::touch(before.id);
    Ok(diesel::update(row).set(SourceColumns::try_from(after)?).execute(conn)? == 1)
}

pub fn update_batch(conn: &mut Conn, id: BuildId, batch: i64) -> Result<(), StoreError> {
    diesel::update(builds::table.find(id.0)).set(builds::batch_id.eq(batch)).execute(conn)?;
    Ok(())
}

/// The builds of a batch, ascending; two statements.
pub fn list_of_batch(conn: &mut Conn, batch: i64) -> Result<Vec<BuildView>, StoreError> {
    let rows: Vec<Joined> = joined!().filter(builds::batch_id.eq(batch)).order(builds::id).load(conn)?;
    with_chroots(conn, rows)
}

/// The ids of builds of which something has not ended, ascending, among those that a condition holds for.
macro_rules! unfinished {
    ($conn:ident, $condition:expr) => {{
        let open = chroots::table
            .filter(chroots::state.eq_any(["waiting", "pending", "starting", "running"]))
            .select(chroots::build_id);
        let ids: Vec<i64> = builds::table
            .filter($condition)
            .filter(builds::source_state.ne_all(["failed", "canceled"]))
            .filter(builds::source_state.ne("succeeded").or(builds::id.eq_any(open)))
            .order(builds::id)
            .select(builds::id)
            .load($conn)?;
        Ok(ids.into_iter().map(BuildId).collect())
    }};
}

/// Builds of a project that are not finished, ascending; one statement.
pub fn list_unfinished(conn: &mut Conn, project: ProjectId) -> Result<Vec<BuildId>, StoreError> {
    unfinished!(conn, builds::project_id.eq(project.0))
}

/// Builds that a user submitted and that are not finished, ascending; one statement.
pub fn list_unfinished_of(conn: &mut Conn, submitter: UserId) -> Result<Vec<BuildId>, StoreError> {
    unfinished!(conn, builds::submitter_id.eq(submitter.0))
}

/// Unfinished builds beyond `after` that nobody spoke of since `before`, oldest first; two statements.
pub fn list_silent(
    conn: &mut Conn,
    before: UnixTime,
    after: BuildId,
    limit: i64,
) -> Result<Vec<BuildView>, StoreError> {
    let waiting = chroots::table
        .filter(chroots::state.eq_any(["waiting", "pending", "starting", "running"]))
        .select(chroots::build_id);
    let rows: Vec<Joined> = joined!()
        .filter(builds::id.gt(after.0))
        .filter(builds::touched_on.lt(before.0))
        .filter(
            builds::source_state
                .eq_any(["pending", "starting", "running", "importing"])
                .or(builds::id.eq_any(waiting)),
        )
        .order(builds::id)
        .limit(limit)
        .load(conn)?;
    with_chroots(conn, rows)
}

/// Builds that were canceled, wholly or in part, and touched since `since`; one statement.
pub fn list_canceled(conn: &mut Conn, since: UnixTime) -> Result<Vec<BuildId>, StoreError> {
    let canceled = chroots::table.filter(chroots::state.eq("canceled")).select(chroots::build_id);
    let ids: Vec<i64> = builds::table
        .filter(builds::touched_on.ge(since.0))
        .filter(builds::source_state.eq("canceled").or(builds::id.eq_any(canceled)))
        .order(builds::id)
        .select(builds::id)
        .load(conn)?;
    Ok(ids.into_iter().map(BuildId).collect())
}

/// The paths of uploaded files that are not yet taken over; one statement.
pub fn list_awaited_uploads(conn: &mut Conn) -> Result<Vec<String>, StoreError> {
    let sources: Vec<String> = builds::table
        .filter(builds::source_state.eq_any(["pending", "starting", "running", "importing"]))
        .select(builds::source)
        .load(conn)?;
    let mut paths = Vec::new();
    for source in &sources {
        let source: BuildSource = column::from_json("a build's source", source)?;
        paths.extend(source.uploaded().map(str::to_owned));
    }
    Ok(paths)
}

pub fn delete(conn: &mut Conn, ids: &[BuildId]) -> Result<(), StoreError> {
    let raw: Vec<i64> = ids.iter().map(|id| id.0).collect();
    ids.iter().for_each(|id| changes::touch(*id));
    diesel::delete(builds::table.filter(builds::id.eq_any(raw))).execute(conn)?;
    Ok(())
}
