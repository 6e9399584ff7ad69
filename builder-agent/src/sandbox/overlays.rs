//! Where builds write: folders below the cache, because what they hold belongs to other ids and only a later
//! agent may be left to remove it.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use super::step::Root;

const LOCK_ENDING: &str = ".lock";

/// The writable part of one buildroot; the lock says that its agent lives.
#[derive(Debug)]
pub struct Overlay {
    upper: PathBuf,
    work: PathBuf,
    _lock: File,
}

fn folder(cache: &Path) -> PathBuf {
    cache.join("overlays")
}

impl Overlay {
    pub fn create(cache: &Path, name: &str) -> io::Result<Self> {
        let place = folder(cache);
        fs::create_dir_all(&place)?;
        let unique = format!("{name}.{}", std::process::id());
        // Locked under a name that nobody looks at, so that nobody ever finds it unlocked.
        let hidden = place.join(format!(".{unique}"));
        let lock = OpenOptions::new().create(true).append(true).open(&hidden)?;
        lock.try_lock().map_err(io::Error::other)?;
        fs::rename(&hidden, place.join(format!("{unique}{LOCK_ENDING}")))?;
        let root = place.join(unique);
        let (upper, work) = (root.join("upper"), root.join("work"));
        fs::create_dir_all(&upper)?;
        fs::create_dir_all(&work)?;
        Ok(Self { upper, work, _lock: lock })
    }

    pub fn over(&self, lower: &Path) -> Root {
        Root::Overlay { lower: lower.to_owned(), upper: self.upper.clone(), work: self.work.clone() }
    }
}

/// An overlay whose agent is gone. Holding it keeps other agents from removing it too.
pub struct Abandoned {
    pub root: PathBuf,
    pub lock_path: PathBuf,
    _lock: File,
}

pub fn abandoned(cache: &Path) -> io::Result<Vec<Abandoned>> {
    let place = folder(cache);
    if !place.is_dir() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(&place)? {
        let lock_path = entry?.path();
        let name = lock_path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let Some(name) = name.strip_suffix(LOCK_ENDING) else { continue };
        let root = place.join(name);
        let Ok(lock) = File::open(&lock_path) else { continue };
        if lock.try_lock().is_ok() {
            found.push(Abandoned { root, lock_path, _lock: lock });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_overlay_of_a_dead_agent_is_abandoned() {
        let cache = tempfile::tempdir().unwrap();
        let living = Overlay::create(cache.path(), "7.1").unwrap();
        assert_eq!(abandoned(cache.path()).unwrap().len(), 0);
        let upper = living.upper.clone();
        drop(living);
        let found = abandoned(cache.path()).unwrap();
        assert_eq!(found.len(), 1);
        assert!(upper.starts_with(&found[0].root) && upper.is_dir());
    }
}
