//! Finished repositories by key. Made in a folder beside and renamed, under a lock per cache.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Instant;

use sha2::{Digest, Sha256};

use crate::Distro;
use crate::apt::{self, Plan};
use crate::data;
use crate::error::Error;
use crate::make;

/// Lies in each repository and tells that, and from what, we made it.
const KEY_FILE: &str = ".minidistro-key";

pub fn found(cache: &Path) -> Result<Option<Distro>, Error> {
    // Asking leaves nothing behind, not even a cache folder.
    let private = private_folder(&std::env::temp_dir())?;
    let key = key(&apt::plan(private.path(), &|_| ())?);
    Ok(finished(cache, &key))
}

pub fn made(cache: &Path, progress: &dyn Fn(&str)) -> Result<Distro, Error> {
    let cache = &absolute(cache)?;
    fs::create_dir_all(cache).map_err(Error::io("create", cache))?;
    let _lock = locked(cache)?;
    let private = private_folder(cache)?;
    let plan = apt::plan(private.path(), progress)?;
    if let Some(distro) = finished(cache, &key(&plan)) {
        return Ok(distro);
    }
    let debs = new_folder(private.path().join("debs"))?;
    let key = downloaded(plan, &debs, private.path(), progress)?;
    let fresh = repacked(&debs, private.path(), &key, progress)?;
    let repo = cache.join(&key);
    fs::rename(&fresh, &repo).map_err(Error::io("rename", &fresh))?;
    Ok(Distro { repo, key, cached: false })
}

/// The key of what was downloaded.
fn downloaded(plan: Plan, debs: &Path, private: &Path, progress: &dyn Fn(&str)) -> Result<String, Error> {
    let start = Instant::now();
    let plan = apt::download(plan, debs, private)?;
    progress(&format!("fetched the Debian packages in {:.1} s", start.elapsed().as_secs_f32()));
    Ok(key(&plan))
}

fn repacked(debs: &Path, private: &Path, key: &str, progress: &dyn Fn(&str)) -> Result<PathBuf, Error> {
    let start = Instant::now();
    let repo = new_folder(private.join("repo"))?;
    let count = make::repository(debs, &repo)?;
    let key_file = repo.join(KEY_FILE);
    fs::write(&key_file, key).map_err(Error::io("write", &key_file))?;
    progress(&format!("made {count} RPMs in {:.1} s", start.elapsed().as_secs_f32()));
    Ok(repo)
}

/// Puts the repository at `out`, replacing only what an earlier run put there.
pub fn placed(distro: &Distro, out: &Path) -> Result<PathBuf, Error> {
    let out = absolute(out)?;
    let folder = out.parent().unwrap_or(Path::new("/")).to_owned();
    fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
    let is_empty = fs::read_dir(&out).map(|mut entries| entries.next().is_none()).unwrap_or(!out.exists());
    match key_of(&out) {
        Some(key) if key == distro.key => return Ok(out),
        None if !is_empty => return Err(Error::NotOurs(out)),
        _ => {}
    }
    let private = private_folder(&folder)?;
    let fresh = new_folder(private.path().join("new"))?;
    link_tree(&distro.repo, &fresh)?;
    if out.exists() {
        fs::rename(&out, private.path().join("old")).map_err(Error::io("move away", &out))?;
    }
    match fs::rename(&fresh, &out) {
        // Somebody with the same key was faster.
        Err(_) if key_of(&out).as_ref() == Some(&distro.key) => Ok(out),
        other => other.map(|()| out.clone()).map_err(Error::io("put the repository at", &out)),
    }
}

fn link_tree(from: &Path, to: &Path) -> Result<(), Error> {
    for entry in fs::read_dir(from).map_err(Error::io("list", from))? {
        let entry = entry.map_err(Error::io("list", from))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            link_tree(&source, &new_folder(target)?)?;
        } else if fs::hard_link(&source, &target).is_err() {
            // Another file system.
            fs::copy(&source, &target).map_err(Error::io("copy", &source))?;
        }
    }
    Ok(())
}

fn key(plan: &Plan) -> String {
    let mut hash = Sha256::new();
    for part in plan.iter().map(String::as_str).chain(data::SHAPING.iter().copied()) {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hash.update(env!("CARGO_PKG_VERSION"));
    hex::encode(hash.finalize())
}

fn finished(cache: &Path, key: &str) -> Option<Distro> {
    let repo = cache.join(key);
    let made = key_of(&repo)? == key;
    made.then(|| Distro { repo, key: key.to_owned(), cached: true })
}

fn key_of(repo: &Path) -> Option<String> {
    fs::read_to_string(repo.join(KEY_FILE)).ok()
}

/// Held until dropped; the second process waits and then finds the work done.
fn locked(cache: &Path) -> Result<File, Error> {
    let path = cache.join(".lock");
    let file = File::create(&path).map_err(Error::io("open", &path))?;
    file.lock().map_err(Error::io("lock", &path))?;
    Ok(file)
}

fn private_folder(inside: &Path) -> Result<tempfile::TempDir, Error> {
    tempfile::Builder::new()
        .prefix(".making-")
        .tempdir_in(inside)
        .map_err(Error::io("make a folder in", inside))
}

fn new_folder(path: PathBuf) -> Result<PathBuf, Error> {
    fs::create_dir(&path).map_err(Error::io("create", &path))?;
    Ok(path)
}

fn absolute(path: &Path) -> Result<PathBuf, Error> {
    std::path::absolute(path).map_err(Error::io("find", path))
}

#[cfg(test)]
mod tests;
