//! What a build in a chroot would use, for `copr-cli mock-config` and tools (contract sections 9.3 and 11).

use coppice_model::chroot::Repository;
use coppice_store::{BuildView, Conn, Project, ProjectChroot, projects};

use super::{OpError, Settings, environment, find_project_chroot};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildConfig {
    /// As the project and the chroot name them, with the project itself first.
    pub additional_repos: Vec<String>,
    pub additional_packages: Vec<String>,
    pub additional_modules: Vec<String>,
    pub with_opts: Vec<String>,
    pub without_opts: Vec<String>,
    pub isolation: String,
    pub bootstrap: String,
    pub bootstrap_image: Option<String>,
    pub chroot: String,
    pub enable_net: bool,
    pub repos: Vec<Repository>,
}

/// Of a chroot of a project.
pub fn build_config(
    conn: &mut Conn,
    settings: &Settings,
    project: &Project,
    chroot: &ProjectChroot,
) -> Result<BuildConfig, OpError> {
    let repos = environment::repositories(conn, settings, project, chroot, None)?;
    let own = &chroot.settings;
    let named = project.settings.additional_repos.iter().chain(&own.additional_repos).cloned();
    Ok(BuildConfig {
        additional_repos: std::iter::once(format!("copr://{}", project.reference())).chain(named).collect(),
        additional_packages: own.additional_packages.clone(),
        additional_modules: own.additional_modules.clone(),
        with_opts: own.with_opts.clone(),
        without_opts: own.without_opts.clone(),
        isolation: own.isolation.clone(),
        bootstrap: own.bootstrap.clone(),
        bootstrap_image: own.bootstrap_image.clone(),
        chroot: chroot.name().to_string(),
        enable_net: project.settings.enable_net,
        repos,
    })
}

/// Of one build in one chroot: what the build says is applied.
pub fn build_chroot_config(
    conn: &mut Conn,
    settings: &Settings,
    view: &BuildView,
    chroot: &str,
) -> Result<BuildConfig, OpError> {
    let project = projects::get(conn, view.build.project_id)?;
    let chroot = find_project_chroot(conn, &project, chroot)?;
    let mut config = build_config(conn, settings, &project, &chroot)?;
    let options = &view.build.options;
    let whole = environment::environment(conn, settings, (&project, &chroot, &view.build.dir), options)?;
    config.repos = whole.repositories;
    config.isolation = whole.isolation;
    config.bootstrap = whole.bootstrap;
    config.enable_net = whole.enable_net;
    Ok(config)
}
