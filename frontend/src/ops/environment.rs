//! What a build happens in: the chroot and the repositories, packages and options that are added to it.

use coppice_model::{
    DirName,
    chroot::{Environment, Repository},
};
use coppice_store::{BuildOptions, Conn, Project, ProjectChroot};

use super::{OpError, Settings, additional_repos};

/// The repositories of a task, in the order of contract section 9.3.
pub(super) fn repositories(
    conn: &mut Conn,
    settings: &Settings,
    project: &Project,
    chroot: &ProjectChroot,
    dir: Option<&DirName>,
) -> Result<Vec<Repository>, OpError> {
    let mut repositories = own(settings, project, chroot, dir);
    for text in project.settings.additional_repos.iter().chain(&chroot.settings.additional_repos) {
        let repository = additional_repos::expand(conn, settings, text, chroot.name())?;
        if repositories.iter().all(|known| known.id != repository.id) {
            repositories.push(repository);
        }
    }
    Ok(repositories)
}

/// The project's own repositories.
fn own(
    settings: &Settings,
    project: &Project,
    chroot: &ProjectChroot,
    dir: Option<&DirName>,
) -> Vec<Repository> {
    let hotfixes = project.settings.module_hotfixes.then_some(true);
    let ours = |id: &str, name: &str, baseurl: String| Repository {
        id: id.to_owned(),
        name: name.to_owned(),
        baseurl,
        priority: project.settings.repo_priority,
        module_hotfixes: hotfixes,
        repo_gpgcheck: Some(false),
    };
    let url = |dir: &str| settings.chroot_url(project.owner.as_str(), dir, chroot.name().as_str());
    let base = url(project.name.as_str());
    let mut repositories = vec![ours("copr_base", "Copr repository", base.clone())];
    if project.settings.devel_mode {
        repositories.push(ours("copr_base_devel", "Copr buildroot", format!("{base}devel/")));
    }
    if let Some(dir) = dir.filter(|dir| !dir.is_main()) {
        repositories.push(ours("copr_coprdir", "Coprdir repository", url(dir.as_str())));
    }
    repositories
}

/// Everything of a task: what the build says wins over the chroot, the chroot over the project.
pub(super) fn environment(
    conn: &mut Conn,
    settings: &Settings,
    of: (&Project, &ProjectChroot, &DirName),
    options: &BuildOptions,
) -> Result<Environment, OpError> {
    let (project, chroot, dir) = of;
    let own = &chroot.settings;
    Ok(Environment {
        chroot: chroot.mock.definition.clone(),
        repositories: repositories(conn, settings, project, chroot, Some(dir))?,
        additional_packages: own.additional_packages.clone(),
        additional_modules: own.additional_modules.clone(),
        with_opts: own.with_opts.clone(),
        without_opts: own.without_opts.clone(),
        isolation: strongest([
            options.isolation.as_deref(),
            Some(&own.isolation),
            Some(&project.settings.isolation),
        ]),
        bootstrap: strongest([
            options.bootstrap.as_deref(),
            Some(&own.bootstrap),
            Some(&project.settings.bootstrap),
        ]),
        bootstrap_image: own.bootstrap_image.clone(),
        enable_net: options.enable_net.unwrap_or(project.settings.enable_net),
    })
}

/// The first choice that is not `unchanged`.
fn strongest(choices: [Option<&str>; 3]) -> String {
    let chosen = choices.into_iter().flatten().find(|choice| *choice != "unchanged");
    chosen.unwrap_or("default").to_owned()
}
