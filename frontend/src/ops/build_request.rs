//! The options that every submission takes, and whether they are acceptable (contract sections 10.3 and 10.4).

use coppice_model::{ChrootName, DirName, PackageName};
use coppice_store::{BuildOptions, Conn, Project, ProjectChroot};

use super::{
    Caller, OpError, Problem,
    batch::{self, BatchWish},
    choose,
    find::find_project_to_build,
    problem, rights,
};

const MAX_TIMEOUT_S: i64 = 108_000;
const DEFAULT_TIMEOUT_S: u64 = 18_000;
const BOOTSTRAPS: [&str; 5] = ["default", "on", "off", "image", "unchanged"];
const ISOLATIONS: [&str; 4] = ["default", "nspawn", "simple", "unchanged"];

/// What a submission says besides its sources; `None` is "not given".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuildRequest {
    pub ownername: String,
    pub projectname: String,
    pub project_dirname: Option<String>,
    /// Names and shell patterns; none: all enabled ones.
    pub chroots: Option<Vec<String>>,
    pub exclude_chroots: Vec<String>,
    pub timeout: Option<i64>,
    pub background: bool,
    pub enable_net: Option<bool>,
    pub bootstrap: Option<String>,
    pub isolation: Option<String>,
    pub after_build_id: Option<i64>,
    pub with_build_id: Option<i64>,
    pub packit_forge_project: Option<String>,
}

/// A request that was found good.
#[derive(Debug, Clone)]
pub(super) struct Accepted {
    pub project: Project,
    pub dir: DirName,
    /// What it builds for now; never none.
    pub enabled: Vec<ProjectChroot>,
    /// When a package is built.
    pub package: Option<PackageName>,
    /// `None` when the user left the choice: then all that are enabled when the SRPM is known.
    pub chroots: Option<Vec<ChrootName>>,
    pub options: BuildOptions,
    pub batch: BatchWish,
}

/// Whether a submission with these options would be accepted; creates nothing.
pub fn check_before_build(conn: &mut Conn, by: &Caller, request: &BuildRequest) -> Result<(), OpError> {
    request.accept(conn, by, Vec::new()).map(drop)
}

impl BuildRequest {
    /// Checks everything; `problems` are those that the caller found with the sources.
    pub(super) fn accept(
        &self,
        conn: &mut Conn,
        by: &Caller,
        mut problems: Vec<Problem>,
    ) -> Result<Accepted, OpError> {
        let (project, enabled) = find_project_to_build(conn, &self.ownername, &self.projectname)?;
        let dir = self.dir(&project)?;
        rights::ensure_can_build(conn, by, &project)?;
        self.ensure_forge_project(&project)?;
        let chroots = choose::chroots(&enabled, self, &mut problems);
        self.check_values(&mut problems);
        let batch = batch::wish(conn, by, self, &mut problems)?;
        problem::ensure_none(problems)?;
        Ok(Accepted { project, dir, enabled, package: None, chroots, options: self.options(), batch })
    }

    /// The directory, legal for this project.
    fn dir(&self, project: &Project) -> Result<DirName, OpError> {
        let main = DirName::from(&project.name);
        let Some(raw) = self.project_dirname.as_deref().filter(|raw| !raw.is_empty()) else {
            return Ok(main);
        };
        if raw == main.as_str() {
            return Ok(main);
        }
        let name = &project.name;
        let format = || {
            OpError::Refused(format!(
                "Please use directory format {name}:custom:<SUFFIX_OF_CHOICE> or {name}:pr:<ID> \
                 (for automatically removed directories)"
            ))
        };
        let rest = raw.strip_prefix(name.as_str()).ok_or_else(format)?;
        if !rest.starts_with(":custom:") && !rest.starts_with(":pr:") {
            return Err(format());
        }
        if !rest.chars().all(|c| c.is_ascii_alphanumeric() || "-:".contains(c)) {
            return Err(OpError::Refused(format!(
                "Wrong directory '{raw}' specified.  Directory name can consist of alpha-numeric strings \
                 separated by colons."
            )));
        }
        raw.parse().map_err(|_| format())
    }

    fn ensure_forge_project(&self, project: &Project) -> Result<(), OpError> {
        match &self.packit_forge_project {
            Some(forge) if !project.settings.packit_forge_projects_allowed.contains(forge) => {
                Err(OpError::Forbidden(format!("Forge project {forge} can't build in this Copr via Packit.")))
            }
            _ => Ok(()),
        }
    }

    fn check_values(&self, problems: &mut Vec<Problem>) {
        if self.timeout.is_some_and(|seconds| !(0..=MAX_TIMEOUT_S).contains(&seconds)) {
            problems.push(Problem::new("timeout", format!("Number must be between 0 and {MAX_TIMEOUT_S}.")));
        }
        if self.bootstrap.as_deref().is_some_and(|choice| !BOOTSTRAPS.contains(&choice)) {
            problems.push(Problem::new("bootstrap", "Not a valid choice."));
        }
        if self.isolation.as_deref().is_some_and(|choice| !ISOLATIONS.contains(&choice)) {
            problems.push(Problem::new("isolation", "Not a valid choice."));
        }
    }

    fn options(&self) -> BuildOptions {
        let timeout =
            self.timeout.and_then(|seconds| u64::try_from(seconds).ok()).filter(|seconds| *seconds > 0);
        let set = |choice: &Option<String>| choice.clone().filter(|choice| choice != "unchanged");
        BuildOptions {
            timeout_s: timeout.unwrap_or(DEFAULT_TIMEOUT_S),
            is_background: self.background,
            enable_net: self.enable_net,
            bootstrap: set(&self.bootstrap),
            isolation: set(&self.isolation),
        }
    }
}
