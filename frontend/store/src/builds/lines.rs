//! Lists of builds: of each what a list shows, and no more, because lists are long.

mod wanted;

use std::{collections::HashMap, fmt};

use coppice_model::{
    Attempt, BuildId, ChrootName, DirName, OwnerName, PackageName, ProjectId, ProjectRef, UnixTime, UserId,
    package::SourceHeader,
    state::{BuildState, ChrootState, SourceState, Stage},
};
use diesel::{
    dsl::{case_when, exists, not, sql},
    prelude::*,
    sql_types::Bool,
};
use serde::Deserialize;

use super::{BuildFailure, BuildSource, BuildView};
use crate::{
    Conn, Page, StoreError, column,
    conn::on_either,
    schema::{build_chroots as chroots, builds, projects, users},
};
use wanted::Wanted;

#[diesel::declare_sql_function]
extern "SQL" {
    #[sql_name = "lower"]
    fn lower_or_null(
        text: diesel::sql_types::Nullable<diesel::sql_types::Text>,
    ) -> diesel::sql_types::Nullable<diesel::sql_types::Text>;
}

/// A build as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildLine {
    pub id: BuildId,
    pub project: ProjectRef,
    pub dir: DirName,
    pub package: Option<PackageName>,
    /// `[EPOCH:]VERSION-RELEASE`, once the SRPM was read.
    pub version: Option<String>,
    pub submitter: Option<OwnerName>,
    pub submitted_on: UnixTime,
    pub is_background: bool,
    /// Only while nothing was made of it.
    pub source: Option<BuildSource>,
    /// Where the backend keeps an SRPM that a builder made.
    pub srpm_url: Option<String>,
    pub source_state: SourceState,
    pub source_attempt: Attempt,
    pub source_ended_on: Option<UnixTime>,
    /// Why the source phase failed.
    pub failure: Option<BuildFailure>,
    pub chroots: Vec<ChrootLine>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChrootLine {
    pub chroot: ChrootName,
    pub state: ChrootState,
    /// The finer stage while it runs.
    pub stage: Option<Stage>,
    pub attempt: Attempt,
    pub started_on: Option<UnixTime>,
    pub ended_on: Option<UnixTime>,
}

impl BuildLine {
    pub fn state(&self) -> BuildState {
        let states: Vec<_> = self.chroots.iter().map(|chroot| chroot.state).collect();
        BuildState::of(self.source_state, &states)
    }

    /// The earliest start of a chroot.
    pub fn started_on(&self) -> Option<UnixTime> {
        self.chroots.iter().filter_map(|chroot| chroot.started_on).min()
    }

    /// When the last chroot, or the source phase that nothing follows, ended.
    pub fn ended_on(&self) -> Option<UnixTime> {
        if !self.state().is_final() {
            return None;
        }
        let chroots = self.chroots.iter().filter_map(|chroot| chroot.ended_on).max();
        chroots.or(self.source_ended_on)
    }
}

impl From<&BuildView> for BuildLine {
    fn from(view: &BuildView) -> Self {
        let build = &view.build;
        let chroot = |chroot: &crate::BuildChroot| ChrootLine {
            chroot: chroot.chroot.clone(),
            state: chroot.state,
            stage: chroot.stage,
            attempt: chroot.attempt,
            started_on: chroot.started_on,
            ended_on: chroot.ended_on,
        };
        Self {
            id: build.id,
            project: build.project.clone(),
            dir: build.dir.clone(),
            package: build.package().cloned(),
            version: build.header.as_ref().map(SourceHeader::evr),
            submitter: build.submitter.clone(),
            submitted_on: build.submitted_on,
            is_background: build.options.is_background,
            source: Some(build.source.clone()).filter(|_| build.srpm_url.is_none()),
            srpm_url: build.srpm_url.clone(),
            source_state: build.source_state,
            source_attempt: build.source_attempt,
            source_ended_on: build.source_ended_on,
            failure: build.failure.clone(),
            chroots: view.chroots.iter().map(chroot).collect(),
        }
    }
}

/// Which builds a list shows.
#[derive(Debug, Clone, Default)]
pub struct BuildFilter {
    pub project: Option<ProjectId>,
    pub package: Option<String>,
    pub submitter: Option<UserId>,
    pub dir: Option<String>,
    pub state: Option<BuildState>,
    /// Only older ones.
    pub before: Option<BuildId>,
    /// The next newer ones.
    pub after: Option<BuildId>,
    /// Only those that something is still to become of.
    pub is_active: bool,
    /// Each one is part of the package's or the submitter's name, or begins the version.
    pub words: Vec<String>,
    /// Only of projects that want to be seen in lists of everybody's.
    pub only_listed: bool,
}

#[derive(Queryable)]
pub(super) struct LineRow {
    id: i64,
    project: (String, String),
    dir: String,
    package: Option<String>,
    header: Option<String>,
    submitter: Option<String>,
    submitted_on: i64,
    options: String,
    source: Option<String>,
    srpm_url: Option<String>,
    source_state: String,
    source_attempt: i64,
    source_ended_on: Option<i64>,
    failure: Option<String>,
}

/// The part of a header that lists show.
#[derive(Deserialize)]
pub(super) struct Evr {
    epoch: Option<u32>,
    version: String,
    release: String,
}

impl fmt::Display for Evr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(epoch) = self.epoch {
            write!(f, "{epoch}:")?;
        }
        write!(f, "{}-{}", self.version, self.release)
    }
}

/// The part of the options that lists show.
#[derive(Deserialize)]
struct Options {
    is_background: bool,
}

impl TryFrom<LineRow> for BuildLine {
    type Error = StoreError;
    fn try_from(row: LineRow) -> Result<Self, StoreError> {
        let evr: Option<Evr> = column::from_json_if_any("a build's header", row.header.as_deref())?;
        let version = evr.map(|evr| evr.to_string());
        let options: Options = column::from_json("a build's options", &row.options)?;
        Ok(Self {
            id: BuildId(row.id),
            project: ProjectRef {
                owner: column::word("a build's owner", &row.project.0)?,
                name: column::word("a build's project", &row.project.1)?,
            },
            dir: column::word("a build's directory", &row.dir)?,
            package: column::word_if_any("a build's package", row.package.as_deref())?,
            version,
            submitter: column::word_if_any("a build's submitter", row.submitter.as_deref())?,
            submitted_on: UnixTime(row.submitted_on),
            is_background: options.is_background,
            source: column::from_json_if_any("a build's source", row.source.as_deref())?,
            srpm_url: row.srpm_url,
            source_state: column::word("a build's source state", &row.source_state)?,
            source_attempt: column::attempt(row.source_attempt),
            source_ended_on: column::time(row.source_ended_on),
            failure: column::from_json_if_any("a build's failure", row.failure.as_deref())?,
            chroots: Vec::new(),
        })
    }
}

/// Name, state, stage, attempt, start and end.
pub(super) type OwnRow = (String, String, Option<String>, i64, Option<i64>, Option<i64>);

impl TryFrom<OwnRow> for ChrootLine {
    type Error = StoreError;
    fn try_from(row: OwnRow) -> Result<Self, StoreError> {
        let (chroot, state, stage, attempt, started_on, ended_on) = row;
        Ok(Self {
            chroot: column::word("a build's chroot", &chroot)?,
            state: column::word("a chroot's state", &state)?,
            stage: column::word_if_any("a chroot's stage", stage.as_deref())?,
            attempt: column::attempt(attempt),
            started_on: column::time(started_on),
            ended_on: column::time(ended_on),
        })
    }
}

macro_rules! tables {
    () => {
        builds::table.inner_join(projects::table).left_join(users::table)
    };
}

/// What all lists select.
macro_rules! columns {
    () => {
        (
            builds::id,
            (projects::owner, projects::name),
            builds::dir,
            builds::package,
            builds::header,
            users::name.nullable(),
            builds::submitted_on,
            builds::options,
            case_when(builds::srpm_url.is_null(), builds::source),
            builds::srpm_url,
            builds::source_state,
            builds::source_attempt,
            builds::source_ended_on,
            builds::failure,
        )
    };
}

/// Adds the conditions of a filter.
macro_rules! filtered {
    ($query:ident, $filter:ident) => {
        if let Some(project) = $filter.project {
            $query = $query.filter(builds::project_id.eq(project.0));
        }
        if let Some(package) = &$filter.package {
            $query = $query.filter(builds::package.eq(package));
        }
        if let Some(submitter) = $filter.submitter {
            $query = $query.filter(builds::submitter_id.eq(submitter.0));
        }
        if let Some(dir) = &$filter.dir {
            $query = $query.filter(builds::dir.eq(dir));
        }
        if $filter.only_listed {
            $query = $query.filter(projects::is_unlisted.eq(false));
        }
        if let Some(before) = $filter.before {
            $query = $query.filter(builds::id.lt(before.0));
        }
        if let Some(after) = $filter.after {
            $query = $query.filter(builds::id.gt(after.0));
        }
        if $filter.is_active {
            let open = sql::<Bool>("build_chroots.state IN ('waiting', 'pending', 'starting', 'running')");
            let chroots = chroots::table.filter(open).select(chroots::build_id);
            let sources = ["pending", "starting", "running", "importing"];
            $query = $query.filter(builds::source_state.eq_any(sources).or(builds::id.eq_any(chroots)));
        }
        for word in &$filter.words {
            let part = format!("%{}%", column::literal(&word.to_lowercase()));
            let version = format!("%\"version\":\"{}%", column::literal(&word.to_lowercase()));
            $query = $query.filter(
                lower_or_null(builds::package)
                    .like(part.clone())
                    .escape('\\')
                    .or(lower_or_null(builds::header).like(version).escape('\\'))
                    .or(lower_or_null(users::name.nullable()).like(part).escape('\\')),
            );
        }
        if let Some(wanted) = $filter.state.map(Wanted::of) {
            let own = || chroots::table.filter(chroots::build_id.eq(builds::id));
            let phase = || builds::source_state.eq(wanted.phase);
            $query = $query.filter(phase().or(builds::source_state.eq(wanted.or_after)));
            if !wanted.has.is_empty() {
                $query = $query.filter(phase().or(exists(own().filter(chroots::state.eq_any(wanted.has)))));
            }
            let lacks = own().filter(chroots::state.eq_any(wanted.lacks));
            $query = $query.filter(phase().or(not(exists(lacks))));
            if wanted.is_not_canceled {
                let canceled = exists(own().filter(chroots::state.eq("canceled")));
                let waiting = exists(own().filter(chroots::state.eq("waiting")));
                $query = $query.filter(phase().or(not(canceled)).or(waiting));
            }
        }
    };
}

/// Newest first; two statements.
pub fn list(conn: &mut Conn, filter: &BuildFilter, page: Page) -> Result<Vec<BuildLine>, StoreError> {
    let rows = on_either!(conn, |c| {
        let mut query = tables!().select(columns!()).into_boxed();
        filtered!(query, filter);
        query = match filter.after {
            Some(_) => query.order(builds::id.asc()),
            None => query.order(builds::id.desc()),
        };
        query.limit(page.limit()).offset(page.offset()).load::<LineRow>(c)?
    });
    let mut lines = with_chroots(conn, rows)?;
    if filter.after.is_some() {
        lines.reverse();
    }
    Ok(lines)
}

/// Several by id, ascending; one statement. Unknown ids are left out.
pub fn list_lines_by_id(conn: &mut Conn, ids: &[BuildId]) -> Result<Vec<BuildLine>, StoreError> {
    let raw: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let of_chroots = (
        chroots::chroot,
        chroots::state,
        chroots::stage,
        chroots::attempt,
        chroots::started_on,
        chroots::ended_on,
    );
    let query = tables!()
        .left_join(chroots::table)
        .filter(builds::id.eq_any(raw))
        .order((builds::id, chroots::id))
        .select((columns!(), of_chroots.nullable()));
    folded(on_either!(conn, |c| query.load(c)?))
}

/// Of rows in which every build stands once for each of its chroots, one after the other, or once without any.
pub(super) fn folded(rows: Vec<(LineRow, Option<OwnRow>)>) -> Result<Vec<BuildLine>, StoreError> {
    let mut lines: Vec<BuildLine> = Vec::new();
    for (row, own) in rows {
        if lines.last().is_none_or(|line| line.id.0 != row.id) {
            lines.push(row.try_into()?);
        }
        if let (Some(line), Some(own)) = (lines.last_mut(), own) {
            line.chroots.push(ChrootLine::try_from(own)?);
        }
    }
    Ok(lines)
}

fn with_chroots(conn: &mut Conn, rows: Vec<LineRow>) -> Result<Vec<BuildLine>, StoreError> {
    let mut lines: Vec<BuildLine> = column::all(rows)?;
    let ids: Vec<i64> = lines.iter().map(|line| line.id.0).collect();
    let query = chroots::table.filter(chroots::build_id.eq_any(ids)).order(chroots::id).select((
        chroots::build_id,
        (
            chroots::chroot,
            chroots::state,
            chroots::stage,
            chroots::attempt,
            chroots::started_on,
            chroots::ended_on,
        ),
    ));
    let rows = on_either!(conn, |c| query.load::<(i64, OwnRow)>(c)?);
    let mut places: HashMap<i64, usize> = lines.iter().enumerate().map(|(n, line)| (line.id.0, n)).collect();
    for (build, own) in rows {
        let Some(line) = places.get_mut(&build).and_then(|place| lines.get_mut(*place)) else { continue };
        line.chroots.push(ChrootLine::try_from(own)?);
    }
    Ok(lines)
}
