//! A new project: checked, stored, its key and its empty repositories ordered.

use coppice_model::{DirName, OwnerName, ProjectName, ProjectRef, signing::KeyAlgorithm};
use coppice_store::{
    Conn, MockChroot, Project, ProjectSettings, groups, mock_chroots, project_chroots, project_dirs,
    projects, users,
};

use super::{Caller, Context, OpError, Problem, ProjectChanges, order, problem, rights};

/// What the API takes to make a project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewProject {
    pub ownername: String,
    pub name: String,
    pub persistent: Option<bool>,
    pub storage: Option<String>,
    /// An existing project is returned unchanged.
    pub exist_ok: bool,
    /// Of the project's key; beyond Copr.
    pub key_algorithm: Option<KeyAlgorithm>,
    pub settings: ProjectChanges,
}

pub fn create_project(
    tx: &mut Conn,
    cx: &Context,
    by: &Caller,
    new: &NewProject,
) -> Result<Project, OpError> {
    let owner = find_own(tx, by, &new.ownername)?;
    let existing = projects::find(tx, owner.as_str(), &new.name)?;
    if let Some(project) = existing.as_ref().filter(|_| new.exist_ok) {
        return Ok(project.clone());
    }
    let mut problems = Vec::new();
    let name = checked_name(&owner, &new.name, existing.is_some(), &mut problems);
    let chroots = chosen(tx, new.settings.chroots.as_deref().unwrap_or_default(), &mut problems)?;
    new.settings.check(tx, &mut problems)?;
    problem::ensure_none(problems)?;
    let Some(name) = name else { return Err(OpError::Invalid(Vec::new())) };
    let settings = settings(cx, by, new)?;
    let key = new.key_algorithm.unwrap_or_default();
    store(tx, cx, &ProjectRef { owner, name }, (&settings, &chroots, key))
}

/// A user or group under whose name the caller may make projects.
pub fn find_own(conn: &mut Conn, by: &Caller, ownername: &str) -> Result<OwnerName, OpError> {
    let owner = find_owner(conn, ownername)?;
    rights::ensure_can_create(conn, by, &owner)?;
    Ok(owner)
}

pub(super) fn store(
    tx: &mut Conn,
    cx: &Context,
    reference: &ProjectRef,
    with: (&ProjectSettings, &[MockChroot], KeyAlgorithm),
) -> Result<Project, OpError> {
    let (settings, chroots, algorithm) = with;
    let project = projects::insert(tx, reference, settings, cx.now)?;
    project_dirs::ensure(tx, project.id, &DirName::from(&project.name), cx.now)?;
    for chroot in chroots {
        project_chroots::insert(tx, project.id, chroot)?;
    }
    order::key(tx, cx, &project, algorithm)?;
    order::publish_all(tx, cx, &project, false)?;
    Ok(project)
}

fn find_owner(conn: &mut Conn, raw: &str) -> Result<OwnerName, OpError> {
    let owner: Option<OwnerName> = raw.parse().ok();
    let group = owner.as_ref().and_then(|owner| owner.group());
    let known = match (&owner, group) {
        (None, _) => false,
        (Some(_), Some(group)) => groups::find_by_name(conn, group)?.is_some(),
        (Some(owner), None) => users::find_by_name(conn, owner.as_str())?.is_some(),
    };
    match owner {
        Some(owner) if known => Ok(owner),
        _ => Err(OpError::NotFound(match raw.strip_prefix('@') {
            Some(group) => format!("Group {group} does not exist."),
            None => format!("No such user `{raw}'"),
        })),
    }
}

pub(super) fn checked_name(
    owner: &OwnerName,
    raw: &str,
    is_taken: bool,
    problems: &mut Vec<Problem>,
) -> Option<ProjectName> {
    let message = if raw.is_empty() {
        "This field is required.".to_owned()
    } else if raw.bytes().all(|b| b.is_ascii_digit()) {
        "Project's name can not be just number.".to_owned()
    } else if is_taken {
        match owner.group() {
            Some(group) => format!("Group {group} (fas: {group}) already has a project named '{raw}'."),
            None => format!("You already have a project named '{raw}'."),
        }
    } else {
        match raw.parse() {
            Ok(name) => return Some(name),
            Err(_) => "Name must contain only letters, digits, underscores, dashes and dots.".to_owned(),
        }
    };
    problems.push(Problem::new("name", message));
    None
}

/// The active chroots of these names; exact names, at least one.
fn chosen(
    conn: &mut Conn,
    names: &[String],
    problems: &mut Vec<Problem>,
) -> Result<Vec<MockChroot>, OpError> {
    let active = mock_chroots::list_active(conn)?;
    if names.is_empty() {
        problems.push(Problem::no_choice("chroots", "[]"));
    }
    for name in names {
        if !active.iter().any(|chroot| chroot.name.as_str() == name) {
            problems.push(Problem::no_choice("chroots", name));
        }
    }
    Ok(active.into_iter().filter(|chroot| names.iter().any(|name| chroot.name.as_str() == name)).collect())
}

fn settings(cx: &Context, by: &Caller, new: &NewProject) -> Result<ProjectSettings, OpError> {
    let before =
        ProjectSettings { persistent: new.persistent.unwrap_or(false), ..ProjectSettings::default() };
    if before.persistent && !by.user.is_admin {
        return Err(OpError::Forbidden("Non-admin cannot create persistent project.".into()));
    }
    if new.storage.as_deref().is_some_and(|storage| !storage.is_empty()) && !by.user.is_admin {
        return Err(OpError::Forbidden("Non-admin cannot set storage".into()));
    }
    new.settings.ensure_allowed(by, &before)?;
    let settings = new.settings.apply(&before, cx.now);
    if settings.persistent && settings.delete_on.is_some() {
        let text = "A persistent project cannot be deleted after some days.";
        return Err(OpError::Invalid(vec![Problem::new("delete_after_days", text)]));
    }
    Ok(settings)
}
