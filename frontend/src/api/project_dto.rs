//! A project as the API shows it (contract section 7.1).

use std::collections::HashMap;

use coppice_model::{ChrootName, ProjectId};
use coppice_store::{Conn, Project, StoreError, project_chroots};
use schemars::JsonSchema;
use serde::Serialize;

use super::shape::Ordered;
use crate::repofile::{Options, Site};

#[derive(Debug, Serialize, JsonSchema)]
pub struct ProjectDto {
    name: String,
    persistent: bool,
    additional_repos: Vec<String>,
    storage: &'static str,
    homepage: Option<String>,
    contact: Option<String>,
    description: String,
    instructions: String,
    devel_mode: bool,
    unlisted_on_hp: bool,
    auto_prune: bool,
    enable_net: bool,
    bootstrap: String,
    isolation: String,
    module_hotfixes: bool,
    appstream: bool,
    packit_forge_projects_allowed: Vec<String>,
    follow_fedora_branching: bool,
    repo_priority: Option<i64>,
    id: i64,
    ownername: String,
    full_name: String,
    chroot_repos: Ordered<String>,
    /// What the user should know of a choice; only then there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<&'static str>,
}

/// A project with the names of its enabled chroots.
#[derive(Debug, Clone)]
pub struct Listed {
    pub project: Project,
    pub chroots: Vec<ChrootName>,
}

impl Listed {
    /// Adds the chroots; one statement for all projects.
    pub fn all(conn: &mut Conn, projects: Vec<Project>) -> Result<Vec<Self>, StoreError> {
        let ids: Vec<ProjectId> = projects.iter().map(|project| project.id).collect();
        let mut names: HashMap<_, _> = project_chroots::names(conn, &ids)?;
        let with_chroots = |project: Project| {
            let chroots = names.remove(&project.id).unwrap_or_default();
            Self { project, chroots }
        };
        Ok(projects.into_iter().map(with_chroots).collect())
    }

    pub fn one(conn: &mut Conn, project: Project) -> Result<Self, StoreError> {
        let chroots = project_chroots::names(conn, &[project.id])?.remove(&project.id).unwrap_or_default();
        Ok(Self { project, chroots })
    }
}

impl ProjectDto {
    pub fn new(listed: Listed, site: &Site) -> Self {
        let Listed { project, chroots } = listed;
        let full_name = project.reference().to_string();
        let repo =
            |chroot: &ChrootName| (chroot.to_string(), format!("{}/{full_name}/{chroot}/", site.results_url));
        let chroot_repos = Ordered(chroots.iter().map(repo).collect());
        let settings = project.settings;
        let options = Options { module_hotfixes: settings.module_hotfixes, priority: settings.repo_priority };
        Self {
            name: project.name.into(),
            persistent: settings.persistent,
            additional_repos: settings.additional_repos,
            storage: "backend",
            homepage: settings.homepage,
            contact: settings.contact,
            description: settings.description,
            instructions: settings.instructions,
            devel_mode: settings.devel_mode,
            unlisted_on_hp: settings.unlisted_on_hp,
            auto_prune: settings.auto_prune,
            enable_net: settings.enable_net,
            bootstrap: settings.bootstrap,
            isolation: settings.isolation,
            module_hotfixes: settings.module_hotfixes,
            appstream: settings.appstream,
            packit_forge_projects_allowed: settings.packit_forge_projects_allowed,
            follow_fedora_branching: settings.follow_fedora_branching,
            repo_priority: options.shown_priority(),
            id: project.id.0,
            ownername: project.owner.into(),
            full_name,
            chroot_repos,
            warnings: Vec::new(),
        }
    }

    pub fn id(&self) -> i64 {
        self.id
    }

    pub fn with(self, warnings: Vec<&'static str>) -> Self {
        Self { warnings, ..self }
    }
}
