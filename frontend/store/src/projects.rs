//! Projects and their settings.

mod lists;

use std::collections::HashMap;

use coppice_model::{ChrootName, OwnerName, ProjectId, ProjectName, ProjectRef, UnixTime};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    Conn, Page, StoreError, column,
    column::lower,
    conn::on_either,
    schema::{builds, mock_chroots, packages, project_chroots, project_dirs, projects},
};
pub use lists::{
    count_of, list_by_id, list_forks, list_of_owners, most_downloaded, most_forked, most_upvoted,
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    pub id: ProjectId,
    pub owner: OwnerName,
    pub name: ProjectName,
    pub settings: ProjectSettings,
    /// Known once the project's key was made.
    pub key_fingerprint: Option<String>,
    pub created_at: UnixTime,
    /// When the key is to be given a longer life; `None`: never by itself.
    pub key_renew_on: Option<UnixTime>,
    /// The project that this one is a copy of.
    pub forked_from: Option<ProjectId>,
    /// What its votes add up to.
    pub score: i64,
}

impl Project {
    pub fn reference(&self) -> ProjectRef {
        ProjectRef { owner: self.owner.clone(), name: self.name.clone() }
    }
}

/// Everything that can be set (contract section 7.3). One JSON text but for what lists filter by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProjectSettings {
    #[serde(skip)]
    pub description: String,
    #[serde(skip)]
    pub unlisted_on_hp: bool,
    /// When the project goes away by itself.
    #[serde(skip)]
    pub delete_on: Option<UnixTime>,
    pub instructions: String,
    pub homepage: Option<String>,
    pub contact: Option<String>,
    pub additional_repos: Vec<String>,
    pub devel_mode: bool,
    pub enable_net: bool,
    pub persistent: bool,
    pub auto_prune: bool,
    pub bootstrap: String,
    pub isolation: String,
    pub follow_fedora_branching: bool,
    pub multilib: bool,
    pub module_hotfixes: bool,
    pub appstream: bool,
    pub fedora_review: bool,
    pub runtime_dependencies: Vec<String>,
    pub packit_forge_projects_allowed: Vec<String>,
    pub repo_priority: Option<i64>,
    /// The owner chose when the key ends, so nobody lets it live longer by itself.
    pub key_end_is_chosen: bool,
}

impl Default for ProjectSettings {
    fn default() -> Self {
        Self {
            description: String::new(),
            unlisted_on_hp: false,
            delete_on: None,
            instructions: String::new(),
            homepage: None,
            contact: None,
            additional_repos: Vec::new(),
            devel_mode: false,
            enable_net: false,
            persistent: false,
            auto_prune: true,
            bootstrap: "default".into(),
            isolation: "default".into(),
            follow_fedora_branching: true,
            multilib: false,
            module_hotfixes: false,
            appstream: false,
            fedora_review: false,
            runtime_dependencies: Vec::new(),
            packit_forge_projects_allowed: Vec::new(),
            repo_priority: None,
            key_end_is_chosen: false,
        }
    }
}

#[derive(Queryable)]
pub(crate) struct ProjectRow {
    id: i64,
    owner: String,
    name: String,
    description: String,
    is_unlisted: bool,
    delete_on: Option<i64>,
    settings: String,
    key_fingerprint: Option<String>,
    created_at: i64,
    key_renew_on: Option<i64>,
    forked_from: Option<i64>,
    score: i64,
}

impl TryFrom<ProjectRow> for Project {
    type Error = StoreError;
    fn try_from(row: ProjectRow) -> Result<Self, StoreError> {
        let settings: ProjectSettings = column::from_json("a project's settings", &row.settings)?;
        Ok(Self {
            id: ProjectId(row.id),
            owner: column::word("a project's owner", &row.owner)?,
            name: column::word("a project's name", &row.name)?,
            settings: ProjectSettings {
                description: row.description,
                unlisted_on_hp: row.is_unlisted,
                delete_on: column::time(row.delete_on),
                ..settings
            },
            key_fingerprint: row.key_fingerprint,
            created_at: UnixTime(row.created_at),
            key_renew_on: column::time(row.key_renew_on),
            forked_from: row.forked_from.map(ProjectId),
            score: row.score,
        })
    }
}

pub fn find(conn: &mut Conn, owner: &str, name: &str) -> Result<Option<Project>, StoreError> {
    let query = projects::table.filter(projects::owner.eq(owner)).filter(projects::name.eq(name));
    query.first::<ProjectRow>(conn).optional()?.map(Project::try_from).transpose()
}

/// With the names of the chroots that are built for, in the order of the catalogue; one statement.
pub fn find_with_chroots(
    conn: &mut Conn,
    owner: &str,
    name: &str,
) -> Result<Option<(Project, Vec<ChrootName>)>, StoreError> {
    let enabled = project_chroots::project_id.eq(projects::id).and(project_chroots::is_enabled.eq(true));
    let active = mock_chroots::id.eq(project_chroots::mock_chroot_id).and(mock_chroots::is_active.eq(true));
    let query = projects::table
        .left_join(project_chroots::table.on(enabled))
        .left_join(mock_chroots::table.on(active))
        .filter(projects::owner.eq(owner))
        .filter(projects::name.eq(name))
        .order(mock_chroots::id)
        .select((projects::all_columns, mock_chroots::name.nullable()));
    let mut rows = on_either!(conn, |c| query.load::<(ProjectRow, Option<String>)>(c)?).into_iter();
    let Some((row, first)) = rows.next() else { return Ok(None) };
    let names = first.into_iter().chain(rows.filter_map(|(_, name)| name));
    let names = names.map(|name| column::word("a chroot's name", &name)).collect::<Result<_, _>>()?;
    Ok(Some((row.try_into()?, names)))
}

pub fn get(conn: &mut Conn, id: ProjectId) -> Result<Project, StoreError> {
    let row = projects::table.find(id.0).first::<ProjectRow>(conn).optional()?;
    row.ok_or_else(|| StoreError::Absent(format!("project {id}")))?.try_into()
}

/// What these projects are called; one statement.
pub fn references(conn: &mut Conn, ids: &[ProjectId]) -> Result<HashMap<ProjectId, ProjectRef>, StoreError> {
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let rows: Vec<(i64, String, String)> = projects::table
        .filter(projects::id.eq_any(ids))
        .select((projects::id, projects::owner, projects::name))
        .load(conn)?;
    let domain = |(id, owner, name): (i64, String, String)| {
        let owner = column::word("a project's owner", &owner)?;
        Ok((ProjectId(id), ProjectRef { owner, name: column::word("a project's name", &name)? }))
    };
    rows.into_iter().map(domain).collect()
}

/// By id; of one owner or of all; one statement.
pub fn list(conn: &mut Conn, owner: Option<&str>, page: Page) -> Result<Vec<Project>, StoreError> {
    let mut query = projects::table.into_boxed();
    if let Some(owner) = owner {
        query = query.filter(projects::owner.eq(owner.to_owned()));
    }
    let query = query.filter(projects::id.gt(page.after())).order(projects::id);
    column::all(query.limit(page.limit()).offset(page.offset()).load::<ProjectRow>(conn)?)
}

/// The newest ones; one statement.
pub fn list_newest(conn: &mut Conn, with_unlisted: bool, page: Page) -> Result<Vec<Project>, StoreError> {
    let mut query = projects::table.into_boxed();
    if !with_unlisted {
        query = query.filter(projects::is_unlisted.eq(false));
    }
    let query = query.order(projects::id.desc());
    column::all(query.limit(page.limit()).offset(page.offset()).load::<ProjectRow>(conn)?)
}

/// Substrings of owner and name (either one may be empty), or of name and description; one statement.
pub fn search(conn: &mut Conn, words: &str, page: Page) -> Result<Vec<Project>, StoreError> {
    let contains = |text: &str| format!("%{}%", column::literal(&text.to_lowercase()));
    let mut query = projects::table.into_boxed();
    if let Some((owner, name)) = words.split_once('/') {
        query = query
            .filter(lower(projects::owner).like(contains(owner)).escape('\\'))
            .filter(lower(projects::name).like(contains(name)).escape('\\'));
    } else {
        query = query.filter(
            lower(projects::name)
                .like(contains(words))
                .escape('\\')
                .or(lower(projects::owner).like(contains(words)).escape('\\'))
                .or(lower(projects::description).like(contains(words)).escape('\\')),
        );
    }
    let query = query.filter(projects::id.gt(page.after())).order(projects::id);
    column::all(query.limit(page.limit()).offset(page.offset()).load::<ProjectRow>(conn)?)
}

pub fn insert(
    conn: &mut Conn,
    project: &ProjectRef,
    settings: &ProjectSettings,
    now: UnixTime,
) -> Result<Project, StoreError> {
    let row = diesel::insert_into(projects::table)
        .values((
            projects::owner.eq(project.owner.as_str()),
            projects::name.eq(project.name.as_str()),
            projects::description.eq(&settings.description),
            projects::is_unlisted.eq(settings.unlisted_on_hp),
            projects::delete_on.eq(column::seconds(settings.delete_on)),
            projects::settings.eq(column::to_json("a project's settings", settings)?),
            projects::created_at.eq(now.0),
        ))
        .returning(projects::all_columns)
        .get_result::<ProjectRow>(conn)?;
    row.try_into()
}

pub fn update_settings(conn: &mut Conn, id: ProjectId, settings: &ProjectSettings) -> Result<(), StoreError> {
    diesel::update(projects::table.find(id.0))
        .set((
            projects::description.eq(&settings.description),
            projects::is_unlisted.eq(settings.unlisted_on_hp),
            projects::delete_on.eq(column::seconds(settings.delete_on)),
            projects::settings.eq(column::to_json("a project's settings", settings)?),
        ))
        .execute(conn)?;
    Ok(())
}

/// A new key, or the same with another end.
pub fn update_key(
    conn: &mut Conn,
    id: ProjectId,
    fingerprint: &str,
    renew_on: Option<UnixTime>,
) -> Result<(), StoreError> {
    diesel::update(projects::table.find(id.0))
        .set((
            projects::key_fingerprint.eq(fingerprint),
            projects::key_renew_on.eq(column::seconds(renew_on)),
        ))
        .execute(conn)?;
    Ok(())
}

/// Says that it is a copy.
pub fn update_origin(conn: &mut Conn, id: ProjectId, of: ProjectId) -> Result<(), StoreError> {
    diesel::update(projects::table.find(id.0)).set(projects::forked_from.eq(of.0)).execute(conn)?;
    Ok(())
}

pub fn update_renewal(conn: &mut Conn, id: ProjectId, on: UnixTime) -> Result<(), StoreError> {
    diesel::update(projects::table.find(id.0)).set(projects::key_renew_on.eq(on.0)).execute(conn)?;
    Ok(())
}

/// Projects whose keys are due for a longer life; one statement.
pub fn list_to_renew(conn: &mut Conn, now: UnixTime, limit: i64) -> Result<Vec<Project>, StoreError> {
    let query = projects::table.filter(projects::key_renew_on.le(now.0)).order(projects::key_renew_on);
    column::all(query.limit(limit).load::<ProjectRow>(conn)?)
}

/// Projects whose time is over; one statement.
pub fn list_expired(conn: &mut Conn, now: UnixTime, limit: i64) -> Result<Vec<Project>, StoreError> {
    let query = projects::table.filter(projects::delete_on.le(now.0)).order(projects::delete_on);
    column::all(query.limit(limit).load::<ProjectRow>(conn)?)
}

/// How much a project holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Extent {
    pub builds: i64,
    pub packages: i64,
    /// With the main one.
    pub dirs: i64,
}

/// Three statements.
pub fn extent(conn: &mut Conn, id: ProjectId) -> Result<Extent, StoreError> {
    Ok(Extent {
        builds: builds::table.filter(builds::project_id.eq(id.0)).count().get_result(conn)?,
        packages: packages::table.filter(packages::project_id.eq(id.0)).count().get_result(conn)?,
        dirs: project_dirs::table.filter(project_dirs::project_id.eq(id.0)).count().get_result(conn)?,
    })
}

/// With everything that hangs on it: chroots, packages, builds.
pub fn delete(conn: &mut Conn, id: ProjectId) -> Result<(), StoreError> {
    diesel::delete(projects::table.find(id.0)).execute(conn)?;
    Ok(())
}
