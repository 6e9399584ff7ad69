//! Packages and their default sources (contract section 12).

use coppice_model::{BuildId, PackageName, source_method::SourceMethod};
use coppice_store::{
    BuildFilter, BuildSource, BuildView, Conn, Package, PackageSettings, Page, Project, builds, mock_chroots,
    packages,
};

use super::{
    BuildRequest, Caller, Context, OpError, Problem, SourceForm, choose, delete_builds, find_project,
    problem, rights, submit_build,
};

const MOST_BUILDS: i64 = 100;
const LONGEST_TIMEOUT_S: i64 = 108_000;

/// What a form says of a package beside its source; `None` leaves what is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackageForm {
    pub webhook_rebuild: Option<bool>,
    pub max_builds: Option<i64>,
    pub timeout: Option<i64>,
    /// Shell patterns, separated by commas.
    pub chroot_denylist: Option<String>,
    pub source: SourceForm,
}

pub fn find_package(conn: &mut Conn, project: &Project, name: &str) -> Result<Package, OpError> {
    let missing = || OpError::NotFound(format!("No package with name {name} in copr {}", project.name));
    packages::find(conn, project.id, name)?.ok_or_else(missing)
}

pub fn add_package(
    tx: &mut Conn,
    cx: &Context,
    by: &Caller,
    project: &Project,
    (name, kind, form): (&str, &str, &PackageForm),
) -> Result<Package, OpError> {
    ensure_may_edit(tx, by, project)?;
    let mut problems = Vec::new();
    let name: Option<PackageName> = name.parse().ok();
    if name.is_none() {
        let text = "Please enter a valid package name in ^[-+_.a-zA-Z0-9]+$";
        problems.push(Problem::new("package_name", text));
    }
    let method = form.source.method(tx, cx, kind, None)?;
    let settings = form.settings(tx, &PackageSettings::default(), &mut problems)?;
    match (name, method) {
        (Some(name), Ok(method)) if problems.is_empty() => {
            if packages::find(tx, project.id, name.as_str())?.is_some() {
                let text = format!("Package {name} already exists in copr {}.", project.reference());
                return Err(OpError::Conflict(text));
            }
            let source = BuildSource::Method { method };
            Ok(packages::insert(tx, project.id, &name, (Some(&source), &settings), cx.now)?)
        }
        (_, method) => {
            problems.extend(method.err().into_iter().flatten());
            Err(OpError::Invalid(problems))
        }
    }
}

/// Without a kind the package keeps the one it has.
pub fn edit_package(
    tx: &mut Conn,
    cx: &Context,
    by: &Caller,
    project: &Project,
    (name, kind, form): (&str, Option<&str>, &PackageForm),
) -> Result<Package, OpError> {
    ensure_may_edit(tx, by, project)?;
    let missing =
        || OpError::NotFound(format!("Package {name} does not exists in copr {}.", project.reference()));
    let package = packages::find(tx, project.id, name)?.ok_or_else(missing)?;
    let old = match &package.source {
        Some(BuildSource::Method { method }) => Some(method),
        _ => None,
    };
    let mut problems = Vec::new();
    let settings = form.settings(tx, &package.settings, &mut problems)?;
    let source = match kind.or(old.map(SourceMethod::name)) {
        None => package.source.clone(),
        Some(kind) => match form.source.method(tx, cx, kind, old)? {
            Ok(method) => Some(BuildSource::Method { method }),
            Err(wrong) => {
                problems.extend(wrong);
                None
            }
        },
    };
    problem::ensure_none(problems)?;
    packages::update(tx, package.id, source.as_ref(), &settings)?;
    Ok(Package { source, settings, ..package })
}

/// Forgets the default source.
pub fn reset_package(tx: &mut Conn, by: &Caller, project: &Project, name: &str) -> Result<Package, OpError> {
    let package = find_package(tx, project, name)?;
    ensure_may_edit(tx, by, project)?;
    packages::update(tx, package.id, None, &package.settings)?;
    Ok(Package { source: None, ..package })
}

/// A build from the default source.
pub fn build_package(
    tx: &mut Conn,
    cx: &Context,
    by: &Caller,
    request: &BuildRequest,
    name: &str,
) -> Result<BuildView, OpError> {
    let project = find_project(tx, &request.ownername, &request.projectname)?;
    let package = find_package(tx, &project, name)?;
    // The file of an upload is gone once it was imported.
    let repeatable = |source: &BuildSource| source.uploaded().is_none();
    let source = package.source.clone().filter(repeatable).ok_or_else(|| {
        OpError::Refused(format!(
            "Package 'Unset default source for package {name}' doesn't have the default source method set, but it \
             is required for the rebuild request.  Please configure some source  method first"
        ))
    })?;
    let timeout = package.settings.timeout_s.and_then(|seconds| i64::try_from(seconds).ok());
    let request = BuildRequest { timeout: request.timeout.or(timeout), ..request.clone() };
    submit_build::submit_package(tx, cx, by, &request, (&package, source))
}

/// A build of each from its default source; all of them or none.
pub fn build_packages(
    tx: &mut Conn,
    cx: &Context,
    by: &Caller,
    request: &BuildRequest,
    names: &[String],
) -> Result<Vec<BuildView>, OpError> {
    if names.is_empty() {
        return Err(OpError::Invalid(vec![Problem::new("packages", "Choose at least one package.")]));
    }
    names.iter().map(|name| build_package(tx, cx, by, request, name)).collect()
}

/// The package with all its builds and their results.
pub fn delete_package(
    tx: &mut Conn,
    cx: &Context,
    by: &Caller,
    project: &Project,
    name: &str,
) -> Result<Package, OpError> {
    let package = find_package(tx, project, name)?;
    if !rights::can_build(tx, by, project)? {
        return Err(OpError::Forbidden(format!("You are not allowed to delete package `{}`.", package.id)));
    }
    let filter =
        BuildFilter { project: Some(project.id), package: Some(name.to_owned()), ..BuildFilter::default() };
    let mut ids: Vec<BuildId> = builds::list(tx, &filter, Page::ALL)?.iter().map(|line| line.id).collect();
    ids.sort();
    delete_builds::delete_builds(tx, cx, by, &ids)?;
    packages::delete(tx, package.id)?;
    Ok(package)
}

fn ensure_may_edit(conn: &mut Conn, by: &Caller, project: &Project) -> Result<(), OpError> {
    if rights::can_build(conn, by, project)? {
        return Ok(());
    }
    Err(OpError::Forbidden("You are not allowed to add or edit packages in this copr.".into()))
}

impl PackageForm {
    fn settings(
        &self,
        conn: &mut Conn,
        old: &PackageSettings,
        problems: &mut Vec<Problem>,
    ) -> Result<PackageSettings, OpError> {
        let mut bounded = |field: &str, value: Option<i64>, most: i64| {
            if value.is_some_and(|value| !(0..=most).contains(&value)) {
                problems.push(Problem::new(field, format!("Number must be between 0 and {most}.")));
            }
            value.filter(|value| (0..=most).contains(value))
        };
        let max_builds =
            bounded("max_builds", self.max_builds, MOST_BUILDS).and_then(|n| u32::try_from(n).ok());
        let timeout = bounded("timeout", self.timeout, LONGEST_TIMEOUT_S).and_then(|n| u64::try_from(n).ok());
        let denylist = match &self.chroot_denylist {
            None => old.chroot_denylist.clone(),
            Some(text) => denylist(conn, text, problems)?,
        };
        Ok(PackageSettings {
            webhook_rebuild: self.webhook_rebuild.unwrap_or(old.webhook_rebuild),
            max_builds: max_builds.unwrap_or(old.max_builds),
            timeout_s: timeout.map_or(old.timeout_s, |seconds| Some(seconds).filter(|seconds| *seconds > 0)),
            chroot_denylist: denylist,
        })
    }
}

/// Each pattern matches some active chroot, and some chroot is left.
fn denylist(conn: &mut Conn, text: &str, problems: &mut Vec<Problem>) -> Result<Vec<String>, OpError> {
    let split = |c: char| c == ',' || c.is_whitespace();
    let patterns: Vec<String> =
        text.split(split).filter(|pattern| !pattern.is_empty()).map(ToOwned::to_owned).collect();
    let active = mock_chroots::list_active(conn)?;
    let names: Vec<&str> = active.iter().map(|chroot| chroot.name.as_str()).collect();
    for pattern in &patterns {
        if !names.iter().any(|name| choose::matches(pattern, name)) {
            let text = format!("no chroot matched by pattern \"{pattern}\"");
            problems.push(Problem::new("chroot_denylist", text));
        }
    }
    let is_denied = |name: &str| patterns.iter().any(|pattern| choose::matches(pattern, name));
    if !patterns.is_empty() && names.iter().all(|name| is_denied(name)) {
        let text = "the denylist covers all chroots: leave one out";
        problems.push(Problem::new("chroot_denylist", text));
    }
    Ok(patterns)
}
