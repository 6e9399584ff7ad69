//! Folders for tests. Run as root, the services become the account `coppice`, so folders must be open to it.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

/// A fresh folder with a short path (unix sockets go below it) that every user may enter.
pub fn open_folder() -> TempDir {
    let dir = tempfile::Builder::new().prefix("coppice-").tempdir().expect("a temporary folder");
    open(dir.path());
    dir
}

/// A fresh folder that every user may write to.
pub fn shared_folder() -> TempDir {
    let dir = open_folder();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).expect("our own folder");
    dir
}

/// Where things that many tests use are kept between runs.
pub fn cache() -> PathBuf {
    let root = nix::unistd::Uid::effective().is_root();
    let cache = match std::env::var_os("HOME") {
        Some(home) if !root => Path::new(&home).join(".cache/coppice-tests"),
        _ => PathBuf::from("/var/cache/coppice-tests"),
    };
    fs::create_dir_all(&cache).expect("a cache folder");
    if root {
        open(&cache);
    }
    cache
}

/// The program at a path where every user may start it: what root builds may lie in root's own closed folders.
pub fn startable(program: &Path) -> PathBuf {
    if !nix::unistd::Uid::effective().is_root() {
        return program.to_owned();
    }
    let mut hasher = DefaultHasher::new();
    program.hash(&mut hasher);
    fs::metadata(program).and_then(|meta| meta.modified()).expect("the program was built").hash(&mut hasher);
    let name = program.file_name().expect("a program has a name").to_string_lossy();
    let copy = cache().join(format!("{name}-{:016x}", hasher.finish()));
    if !copy.exists() {
        let fresh = tempfile::NamedTempFile::new_in(cache()).expect("our own folder").into_temp_path();
        fs::copy(program, &fresh).expect("the program can be read");
        open(&fresh);
        // Another test may have been quicker: a program that runs already must stay where it is.
        if let Err(error) = fresh.persist_noclobber(&copy) {
            assert!(copy.exists(), "{error}");
        }
    }
    copy
}

fn open(dir: &Path) {
    fs::set_permissions(dir, fs::Permissions::from_mode(0o755)).expect("our own folder");
}

/// Gives a folder to the account that the services of root run under.
pub fn give(folder: &Path) {
    if !nix::unistd::Uid::effective().is_root() {
        return;
    }
    if let Ok(Some(user)) = nix::unistd::User::from_name("coppice") {
        nix::unistd::chown(folder, Some(user.uid), Some(user.gid)).expect("root may give folders away");
    }
}
