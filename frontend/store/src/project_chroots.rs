//! The chroots of a project and their own settings.

use std::collections::HashMap;

use coppice_model::{ChrootName, ProjectId, ProjectRef, UnixTime};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    Conn, MockChroot, Project, StoreError, column,
    conn::on_either,
    mock_chroots::MockChrootRow,
    projects::ProjectRow,
    schema::{mock_chroots, project_chroots, projects},
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectChroot {
    pub id: i64,
    pub project: ProjectId,
    pub is_enabled: bool,
    /// When it was dropped from the project.
    pub disabled_on: Option<UnixTime>,
    /// When what it holds goes, where the project said so; counts while nothing is built for it.
    pub delete_on: Option<UnixTime>,
    pub settings: ChrootSettings,
    /// How often the repo file of its release was fetched.
    pub repo_downloads: i64,
    /// How many of its packages were fetched.
    pub package_downloads: i64,
    /// The catalogue's entry.
    pub mock: MockChroot,
}

impl ProjectChroot {
    pub fn name(&self) -> &ChrootName {
        &self.mock.name
    }

    /// Whether builds go here: enabled in the project and active in the catalogue.
    pub fn is_buildable(&self) -> bool {
        self.is_enabled && self.mock.is_active
    }

    /// Whether it still holds what was built, though nothing is built for it any more: dropped by the project, or
    /// at its end in the catalogue.
    pub fn is_outdated(&self) -> bool {
        if self.is_enabled { !self.mock.is_active } else { self.disabled_on.is_some() }
    }
}

/// What a project sets for one chroot (contract section 9.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChrootSettings {
    pub additional_repos: Vec<String>,
    pub additional_packages: Vec<String>,
    pub additional_modules: Vec<String>,
    pub with_opts: Vec<String>,
    pub without_opts: Vec<String>,
    pub isolation: String,
    pub bootstrap: String,
    pub bootstrap_image: Option<String>,
    pub comps_name: Option<String>,
    pub delete_on: Option<UnixTime>,
}

impl Default for ChrootSettings {
    fn default() -> Self {
        Self {
            additional_repos: Vec::new(),
            additional_packages: Vec::new(),
            additional_modules: Vec::new(),
            with_opts: Vec::new(),
            without_opts: Vec::new(),
            isolation: "unchanged".into(),
            bootstrap: "unchanged".into(),
            bootstrap_image: None,
            comps_name: None,
            delete_on: None,
        }
    }
}

#[derive(Queryable)]
struct ProjectChrootRow {
    id: i64,
    project_id: i64,
    _mock_chroot_id: i64,
    is_enabled: bool,
    disabled_on: Option<i64>,
    settings: String,
    delete_on: Option<i64>,
    repo_downloads: i64,
    package_downloads: i64,
}

fn domain(row: ProjectChrootRow, mock: MockChrootRow) -> Result<ProjectChroot, StoreError> {
    Ok(ProjectChroot {
        id: row.id,
        project: ProjectId(row.project_id),
        is_enabled: row.is_enabled,
        disabled_on: column::time(row.disabled_on),
        delete_on: column::time(row.delete_on),
        settings: column::from_json("a chroot's settings", &row.settings)?,
        repo_downloads: row.repo_downloads,
        package_downloads: row.package_downloads,
        mock: mock.try_into()?,
    })
}

/// All chroots a project ever had, in the catalogue's order; one statement.
pub fn list(conn: &mut Conn, project: ProjectId) -> Result<Vec<ProjectChroot>, StoreError> {
    let rows: Vec<(ProjectChrootRow, MockChrootRow)> = project_chroots::table
        .inner_join(mock_chroots::table)
        .filter(project_chroots::project_id.eq(project.0))
        .order(mock_chroots::id)
        .load(conn)?;
    rows.into_iter().map(|(row, mock)| domain(row, mock)).collect()
}

/// A project with the chroots that builds go to; one statement.
pub fn find_buildable_of(
    conn: &mut Conn,
    owner: &str,
    name: &str,
) -> Result<Option<(Project, Vec<ProjectChroot>)>, StoreError> {
    // Two joins side by side: SQLite would work out one in brackets for every project there is.
    let query = projects::table
        .left_join(project_chroots::table)
        .left_join(mock_chroots::table.on(mock_chroots::id.eq(project_chroots::mock_chroot_id)))
        .filter(projects::owner.eq(owner))
        .filter(projects::name.eq(name))
        .order(mock_chroots::id)
        .select((
            projects::all_columns,
            project_chroots::all_columns.nullable(),
            mock_chroots::all_columns.nullable(),
        ));
    type Row = (ProjectRow, Option<ProjectChrootRow>, Option<MockChrootRow>);
    let (mut project, mut chroots) = (None, Vec::new());
    for (row, own, mock) in on_either!(conn, |c| query.load::<Row>(c)?) {
        if project.is_none() {
            project = Some(Project::try_from(row)?);
        }
        chroots.extend(own.zip(mock).map(|(row, mock)| domain(row, mock)).transpose()?);
    }
    chroots.retain(ProjectChroot::is_buildable);
    Ok(project.map(|project| (project, chroots)))
}

/// Those that builds go to; one statement.
pub fn list_buildable(conn: &mut Conn, project: ProjectId) -> Result<Vec<ProjectChroot>, StoreError> {
    let mut chroots = list(conn, project)?;
    chroots.retain(ProjectChroot::is_buildable);
    Ok(chroots)
}

/// Chroots whose time is over: those that projects dropped before `dropped`, unless they said another time, and
/// those at their end that projects gave up; one statement.
pub fn list_over(
    conn: &mut Conn,
    (dropped, now): (UnixTime, UnixTime),
    limit: i64,
) -> Result<Vec<ProjectChroot>, StoreError> {
    use project_chroots::{delete_on, disabled_on, is_enabled};
    let week_is_over = delete_on.is_null().and(disabled_on.lt(dropped.0)).or(delete_on.lt(now.0));
    let is_dropped = is_enabled.eq(false).and(disabled_on.is_not_null()).and(week_is_over);
    let is_given_up = is_enabled.eq(true).and(mock_chroots::is_active.eq(false)).and(delete_on.lt(now.0));
    let query = project_chroots::table
        .inner_join(mock_chroots::table)
        .filter(is_dropped.or(is_given_up))
        .order(project_chroots::id)
        .limit(limit);
    let rows = on_either!(conn, |c| query.load::<(ProjectChrootRow, MockChrootRow)>(c)?);
    rows.into_iter().map(|(row, mock)| domain(row, mock)).collect()
}

/// What projects of these owners hold though nothing is built for it, by project and catalogue; one statement.
pub fn list_outdated(
    conn: &mut Conn,
    owners: &[String],
) -> Result<Vec<(ProjectRef, ProjectChroot)>, StoreError> {
    use project_chroots::{disabled_on, is_enabled};
    let is_dropped = is_enabled.eq(false).and(disabled_on.is_not_null());
    let is_ended = is_enabled.eq(true).and(mock_chroots::is_active.eq(false));
    let query = project_chroots::table
        .inner_join(projects::table)
        .inner_join(mock_chroots::table)
        .filter(projects::owner.eq_any(owners))
        .filter(is_dropped.or(is_ended))
        .order((projects::owner, projects::name, mock_chroots::id))
        .select((projects::owner, projects::name, project_chroots::all_columns, mock_chroots::all_columns));
    let rows = on_either!(conn, |c| query.load::<(String, String, ProjectChrootRow, MockChrootRow)>(c)?);
    let domain = |(owner, name, row, mock): (String, String, _, _)| {
        let owner = column::word("a project's owner", &owner)?;
        let project = ProjectRef { owner, name: column::word("a project's name", &name)? };
        Ok((project, domain(row, mock)?))
    };
    rows.into_iter().map(domain).collect()
}

pub fn update_end(conn: &mut Conn, id: i64, end: Option<UnixTime>) -> Result<(), StoreError> {
    let end = project_chroots::delete_on.eq(column::seconds(end));
    diesel::update(project_chroots::table.find(id)).set(end).execute(conn)?;
    Ok(())
}

/// Forgets what projects said of the end of a chroot that is built again.
pub fn forget_ends(conn: &mut Conn, mock: &MockChroot) -> Result<(), StoreError> {
    let enabled = project_chroots::table
        .filter(project_chroots::mock_chroot_id.eq(mock.id))
        .filter(project_chroots::is_enabled.eq(true));
    diesel::update(enabled).set(project_chroots::delete_on.eq(None::<i64>)).execute(conn)?;
    Ok(())
}

pub fn delete(conn: &mut Conn, id: i64) -> Result<(), StoreError> {
    diesel::delete(project_chroots::table.find(id)).execute(conn)?;
    Ok(())
}

/// The names of the enabled and active chroots of several projects; one statement.
pub fn names(
    conn: &mut Conn,
    projects: &[ProjectId],
) -> Result<HashMap<ProjectId, Vec<ChrootName>>, StoreError> {
    let ids: Vec<i64> = projects.iter().map(|id| id.0).collect();
    let query = project_chroots::table
        .inner_join(mock_chroots::table)
        .filter(project_chroots::project_id.eq_any(ids))
        .filter(project_chroots::is_enabled.eq(true))
        .filter(mock_chroots::is_active.eq(true))
        .order(mock_chroots::id)
        .select((project_chroots::project_id, mock_chroots::name));
    let rows: Vec<(i64, String)> = on_either!(conn, |c| query.load(c)?);
    let mut names: HashMap<ProjectId, Vec<ChrootName>> = HashMap::new();
    for (project, name) in rows {
        names.entry(ProjectId(project)).or_default().push(column::word("a chroot's name", &name)?);
    }
    Ok(names)
}

pub fn find(conn: &mut Conn, project: ProjectId, chroot: &str) -> Result<Option<ProjectChroot>, StoreError> {
    let row: Option<(ProjectChrootRow, MockChrootRow)> = project_chroots::table
        .inner_join(mock_chroots::table)
        .filter(project_chroots::project_id.eq(project.0))
        .filter(mock_chroots::name.eq(chroot))
        .first(conn)
        .optional()?;
    row.map(|(row, mock)| domain(row, mock)).transpose()
}

pub fn insert(conn: &mut Conn, project: ProjectId, mock: &MockChroot) -> Result<(), StoreError> {
    let settings = column::to_json("a chroot's settings", &ChrootSettings::default())?;
    diesel::insert_into(project_chroots::table)
        .values((
            project_chroots::project_id.eq(project.0),
            project_chroots::mock_chroot_id.eq(mock.id),
            project_chroots::is_enabled.eq(true),
            project_chroots::settings.eq(settings),
        ))
        .execute(conn)?;
    Ok(())
}

/// What was said of its end counts no more.
pub fn update_enabled(
    conn: &mut Conn,
    id: i64,
    is_enabled: bool,
    disabled_on: Option<UnixTime>,
) -> Result<(), StoreError> {
    let changes = (
        project_chroots::is_enabled.eq(is_enabled),
        project_chroots::disabled_on.eq(column::seconds(disabled_on)),
        project_chroots::delete_on.eq(None::<i64>),
    );
    diesel::update(project_chroots::table.find(id)).set(changes).execute(conn)?;
    Ok(())
}

pub fn update_settings(conn: &mut Conn, id: i64, settings: &ChrootSettings) -> Result<(), StoreError> {
    let settings = column::to_json("a chroot's settings", settings)?;
    diesel::update(project_chroots::table.find(id))
        .set(project_chroots::settings.eq(settings))
        .execute(conn)?;
    Ok(())
}

/// The chroots of these projects whose end is near, with when their results go; one statement.
pub fn list_ending(
    conn: &mut Conn,
    of: &[ProjectId],
) -> Result<Vec<(ProjectId, ChrootName, UnixTime)>, StoreError> {
    let ids: Vec<i64> = of.iter().map(|id| id.0).collect();
    let query = project_chroots::table
        .inner_join(mock_chroots::table)
        .filter(project_chroots::project_id.eq_any(ids))
        .filter(project_chroots::settings.like("%\"delete_on\":%"))
        .filter(project_chroots::settings.not_like("%\"delete_on\":null%"))
        .order(project_chroots::id)
        .select((project_chroots::project_id, mock_chroots::name, project_chroots::settings));
    let rows: Vec<(i64, String, String)> = on_either!(conn, |c| query.load(c)?);
    let mut ending = Vec::new();
    for (project, chroot, settings) in rows {
        let settings: ChrootSettings = column::from_json("a chroot's settings", &settings)?;
        if let Some(end) = settings.delete_on {
            ending.push((ProjectId(project), column::word("a chroot's name", &chroot)?, end));
        }
    }
    Ok(ending)
}

/// What was fetched of a chroot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fetched {
    RepoFile,
    Package,
}

/// Adds to what is counted; nothing where the project never had the chroot; one statement.
pub fn count(
    conn: &mut Conn,
    project: ProjectId,
    chroot: &ChrootName,
    (fetched, times): (Fetched, i64),
) -> Result<(), StoreError> {
    let named = mock_chroots::table.filter(mock_chroots::name.eq(chroot.as_str())).select(mock_chroots::id);
    let own = project_chroots::table
        .filter(project_chroots::project_id.eq(project.0))
        .filter(project_chroots::mock_chroot_id.eq_any(named));
    let (repo, package) = (project_chroots::repo_downloads, project_chroots::package_downloads);
    match fetched {
        Fetched::RepoFile => diesel::update(own).set(repo.eq(repo + times)).execute(conn)?,
        Fetched::Package => diesel::update(own).set(package.eq(package + times)).execute(conn)?,
    };
    Ok(())
}
