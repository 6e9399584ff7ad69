//! Folders for tests. Run as root, the services become the account `coppice`, so folders must be open to it.

use std::{
    fs,
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

fn open(dir: &Path) {
    fs::set_permissions(dir, fs::Permissions::from_mode(0o755)).expect("our own folder");
}
