//! The work itself: a folder of debs becomes a repository of RPMs.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rpmrepo_metadata::Package;

use crate::convert;
use crate::data;
use crate::deb::{self, Control};
use crate::depend::Index;
use crate::elf::Sonames;
use crate::error::Error;
use crate::filesystem;
use crate::recipe::Recipe;
use crate::repodata;

/// Each worker holds one unpacked package; more of them cost memory and gain little.
const WORKERS: usize = 4;
/// Read for its account files, never shipped.
const ACCOUNTS: &str = "base-passwd";

/// A package written to the repository.
struct Made {
    entry: Package,
    sonames: Sonames,
}

struct Kitchen<'a> {
    debs: Vec<(PathBuf, Control)>,
    index: Index,
    repo: &'a Path,
}

/// Writes all RPMs and the metadata into `repo` and says how many packages there are.
pub fn repository(debs: &Path, repo: &Path) -> Result<usize, Error> {
    let mut paths = found_debs(debs)?;
    // The big ones first, so that no worker starts on the compiler when the others are done.
    paths.sort_by_key(|path| std::cmp::Reverse(fs::metadata(path).map_or(0, |meta| meta.len())));
    let controls = paths.iter().map(|path| deb::read_control(path)).collect::<Result<Vec<_>, _>>()?;
    let index = convert::index(&controls);
    let kitchen = Kitchen { debs: paths.into_iter().zip(controls).collect(), index, repo };
    let made = kitchen.all()?;
    ensure_closed(&made)?;
    let count = made.len();
    repodata::write(repo, made.into_iter().map(|one| one.entry).collect())?;
    Ok(count)
}

fn found_debs(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = fs::read_dir(folder).map_err(Error::io("list", folder))?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>();
    let mut paths = paths.map_err(Error::io("list", folder))?;
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "deb"));
    paths.sort();
    Ok(paths)
}

impl Kitchen<'_> {
    fn all(&self) -> Result<Vec<Made>, Error> {
        let next = AtomicUsize::new(0);
        let workers = thread::available_parallelism().map_or(1, usize::from).min(WORKERS);
        thread::scope(|scope| {
            let started: Vec<_> = (0..workers).map(|_| scope.spawn(|| self.work(&next))).collect();
            let mut made = Vec::new();
            for worker in started {
                let done = worker.join().map_err(|_| Error::deb(self.repo, "a worker panicked"))?;
                made.extend(done?);
            }
            Ok(made)
        })
    }

    fn work(&self, next: &AtomicUsize) -> Result<Vec<Made>, Error> {
        let mut made = Vec::new();
        while let Some((path, control)) = self.debs.get(next.fetch_add(1, Ordering::Relaxed)) {
            made.push(self.one(path, control)?);
        }
        Ok(made)
    }

    fn one(&self, path: &Path, control: &Control) -> Result<Made, Error> {
        if control.name() == ACCOUNTS {
            let recipe = filesystem::recipe(&deb::read_items(path)?);
            return self.written(recipe, Sonames::default());
        }
        let (recipe, sonames) = convert::recipe(path, control, &self.index)?;
        self.written(recipe, sonames)
    }

    fn written(&self, recipe: Recipe, sonames: Sonames) -> Result<Made, Error> {
        let file_name = recipe.file_name();
        let bytes = recipe.cook()?;
        let path = self.repo.join(&file_name);
        fs::write(&path, &bytes).map_err(Error::io("write", &path))?;
        Ok(Made { entry: repodata::entry(&file_name, &bytes)?, sonames })
    }
}

/// Every library that a program needs must be there: a list cut too short shows here, not in a build.
fn ensure_closed(made: &[Made]) -> Result<(), Error> {
    let there: BTreeSet<&str> = made.iter().flat_map(|one| &one.sonames.names).map(String::as_str).collect();
    let allowed: BTreeSet<&str> = data::words(data::OPEN_SONAMES).collect();
    let needed = made.iter().flat_map(|one| &one.sonames.needed).map(String::as_str);
    let open: BTreeSet<&str> =
        needed.filter(|name| !there.contains(name) && !allowed.contains(name)).collect();
    if open.is_empty() {
        return Ok(());
    }
    Err(Error::OpenSonames(open.into_iter().collect::<Vec<_>>().join(", ")))
}
