//! What is remembered of a repository's packages: one stored fragment for each placed build.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use coppice_model::UnixTime;
use coppice_runtime::files;

use super::fragment::{self, FragmentError, Summary};
use crate::tree::{RepoId, Tree, is_placed};

const ENDING: &str = ".fragment";

/// Describes a placed build, unless that was done already.
pub fn remember(tree: &Tree, repo: &RepoId, build: &str, now: UnixTime) -> Result<(), FragmentError> {
    let path = path(tree, repo, build);
    if path.exists() {
        return Ok(());
    }
    let bytes = fragment::render(&tree.repository(repo).join(build), build, now)?;
    fs::create_dir_all(tree.fragments(repo))?;
    Ok(files::write_atomic(&path, &bytes)?)
}

pub fn forget(tree: &Tree, repo: &RepoId, builds: &[String]) -> io::Result<()> {
    builds.iter().try_for_each(|build| files::remove_all(&path(tree, repo, build)))
}

/// Remembers what is placed and forgets what is not.
pub fn reconcile(tree: &Tree, repo: &RepoId, anew: bool, now: UnixTime) -> Result<(), FragmentError> {
    let placed = placed_builds(&tree.repository(repo))?;
    let known: Vec<String> = names(&tree.fragments(repo))?
        .into_iter()
        .filter_map(|name| name.strip_suffix(ENDING).map(ToOwned::to_owned))
        .collect();
    let gone: Vec<String> = known.into_iter().filter(|build| anew || !placed.contains(build)).collect();
    forget(tree, repo, &gone)?;
    placed.iter().try_for_each(|build| remember(tree, repo, build, now))
}

/// All fragments in the order in which their builds came.
pub fn list(tree: &Tree, repo: &RepoId) -> Result<Vec<(Summary, PathBuf)>, FragmentError> {
    let dir = tree.fragments(repo);
    let mut fragments = Vec::new();
    for name in names(&dir)?.iter().filter(|name| name.ends_with(ENDING)) {
        let path = dir.join(name);
        let (summary, _) = fragment::open(&path)?;
        fragments.push((summary, path));
    }
    // Names are sorted, and builds that came in the same second keep the order of their numbers.
    fragments.sort_by_key(|(summary, _)| summary.added);
    Ok(fragments)
}

fn path(tree: &Tree, repo: &RepoId, build: &str) -> PathBuf {
    tree.fragments(repo).join(format!("{build}{ENDING}"))
}

fn placed_builds(repository: &Path) -> io::Result<BTreeSet<String>> {
    let names = names(repository)?.into_iter();
    Ok(names.filter(|name| is_placed(&repository.join(name))).collect())
}

/// Sorted; nothing when there is no such folder.
fn names(dir: &Path) -> io::Result<BTreeSet<String>> {
    let entries = match fs::read_dir(dir) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        entries => entries?,
    };
    entries.map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned())).collect()
}
