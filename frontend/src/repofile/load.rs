//! Reads a project and all that it needs at run time.

use std::collections::{HashMap, HashSet, VecDeque};

use coppice_model::{ChrootName, DirName, UnixTime};
use coppice_store::{Conn, Project, StoreError, project_dirs, projects};

use super::project::{Dependency, Options, Published, PublishedDir};
use crate::{
    api::days_until,
    ops::{Additional, days_of_pull_dir},
};

/// A chain of dependencies that is longer than this is somebody's joke.
const MOST_DEPENDENCIES: usize = 100;

/// One directory, for a repository file; `None` when there is none.
pub fn load_dir(
    conn: &mut Conn,
    owner: &str,
    dir: &DirName,
    now: UnixTime,
) -> Result<Option<Published>, StoreError> {
    let found = projects::find_with_chroots(conn, owner, dir.project())?;
    let Some((project, chroots)) = found else { return Ok(None) };
    // The main directory is as old as the project.
    let is_known = dir.is_main() || project_dirs::list(conn, project.id)?.iter().any(|own| own.name == *dir);
    if is_known { published(conn, &project, (chroots, Vec::new()), now).map(Some) } else { Ok(None) }
}

/// A project with its directories; `None` when there is no such project. Any directory of it may be named.
pub fn load_project(
    conn: &mut Conn,
    owner: &str,
    dir: &DirName,
    now: UnixTime,
) -> Result<Option<Published>, StoreError> {
    let found = projects::find_with_chroots(conn, owner, dir.project())?;
    let Some((project, chroots)) = found else { return Ok(None) };
    let dirs = dirs(conn, &project, now)?;
    published(conn, &project, (chroots, dirs), now).map(Some)
}

fn published(
    conn: &mut Conn,
    project: &Project,
    (chroots, dirs): (Vec<ChrootName>, Vec<PublishedDir>),
    now: UnixTime,
) -> Result<Published, StoreError> {
    let dependencies = dependencies(conn, project)?;
    Ok(Published {
        id: project.id,
        project: project.reference(),
        dirs,
        chroots,
        multilib: project.settings.multilib,
        options: options(project),
        delete_after_days: project.settings.delete_on.map(|time| days_until(time, now)),
        dependencies,
    })
}

fn dirs(conn: &mut Conn, project: &Project, now: UnixTime) -> Result<Vec<PublishedDir>, StoreError> {
    let all = project_dirs::list(conn, project.id)?;
    let last = match all.iter().any(|dir| dir.name.is_of_pull()) {
        true => project_dirs::last_builds_of_pulls(conn, project.id)?,
        false => HashMap::new(),
    };
    let published = |dir: project_dirs::ProjectDir| {
        let last = last.get(dir.name.as_str()).copied().unwrap_or(dir.created_at);
        let delete_after_days = dir.name.is_of_pull().then(|| days_of_pull_dir(last, now));
        PublishedDir { name: dir.name, delete_after_days }
    };
    Ok(all.into_iter().map(published).collect())
}

fn options(project: &Project) -> Options {
    Options { module_hotfixes: project.settings.module_hotfixes, priority: project.settings.repo_priority }
}

/// Breadth first, each one once.
fn dependencies(conn: &mut Conn, project: &Project) -> Result<Vec<Dependency>, StoreError> {
    let mut seen = HashSet::from([format!("copr://{}", project.reference())]);
    let mut waiting: VecDeque<String> = project.settings.runtime_dependencies.iter().cloned().collect();
    let mut found = Vec::new();
    while let Some(text) = waiting.pop_front() {
        let Additional { address, priority } = Additional::parse(&text);
        if found.len() == MOST_DEPENDENCIES || !seen.insert(address.clone()) {
            continue;
        }
        match hosted(conn, &address)? {
            Some(Hosted::Known(dir, project)) => {
                waiting.extend(project.settings.runtime_dependencies.iter().cloned());
                found.push(Dependency::Copr {
                    owner: project.owner.clone(),
                    dir,
                    options: options(&project),
                });
            }
            Some(Hosted::Gone) => found.push(Dependency::Missing { name: address }),
            None => found.push(Dependency::External { pattern: address, priority }),
        }
    }
    Ok(found)
}

enum Hosted {
    Known(DirName, Box<Project>),
    Gone,
}

/// What a `copr://` address names; `None` for other addresses.
fn hosted(conn: &mut Conn, address: &str) -> Result<Option<Hosted>, StoreError> {
    let Some(path) = address.strip_prefix("copr://") else { return Ok(None) };
    let named = path.trim_end_matches('/').split_once('/');
    let Some((owner, dir)) = named.and_then(|(owner, dir)| Some((owner, dir.parse::<DirName>().ok()?)))
    else {
        return Ok(Some(Hosted::Gone));
    };
    let project = projects::find(conn, owner, dir.project())?;
    Ok(Some(project.map_or(Hosted::Gone, |project| Hosted::Known(dir, Box::new(project)))))
}
