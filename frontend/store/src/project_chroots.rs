//! The chroots of a project and their own settings.

use std::collections::HashMap;

use coppice_model::{ChrootName, ProjectId, UnixTime};
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
    pub settings: ChrootSettings,
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
}

fn domain(row: ProjectChrootRow, mock: MockChrootRow) -> Result<ProjectChroot, StoreError> {
    Ok(ProjectChroot {
        id: row.id,
        project: ProjectId(row.project_id),
        is_enabled: row.is_enabled,
        disabled_on: column::time(row.disabled_on),
        settings: column::from_json("a chroot's settings", &row.settings)?,
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

/// Chroots that projects dropped before `before`, with their projects; one statement.
pub fn list_dropped(conn: &mut Conn, before: UnixTime, limit: i64) -> Result<Vec<ProjectChroot>, StoreError> {
    let rows: Vec<(ProjectChrootRow, MockChrootRow)> = project_chroots::table
        .inner_join(mock_chroots::table)
        .filter(project_chroots::is_enabled.eq(false))
        .filter(project_chroots::disabled_on.lt(before.0))
        .order(project_chroots::id)
        .limit(limit)
        .load(conn)?;
    rows.into_iter().map(|(row, mock)| domain(row, mock)).collect()
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

pub fn update_enabled(
    conn: &mut Conn,
    id: i64,
    is_enabled: bool,
    disabled_on: Option<UnixTime>,
) -> Result<(), StoreError> {
    let changes = (
        project_chroots::is_enabled.eq(is_enabled),
        project_chroots::disabled_on.eq(column::seconds(disabled_on)),
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
