//! GnuPG's home: a folder for our eyes only, under a path short enough for its sockets.

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use coppice_runtime::files::{remove_all, write_atomic};
use nix::unistd::Uid;
use sha2::{Digest, Sha256};

/// A socket's path has at most 107 bytes, `/S.gpg-agent.browser` among them.
const LONGEST_PATH: usize = 80;

const GPG_CONF: &str = "\
batch
no-tty
no-auto-check-trustdb
no-auto-key-locate
no-comments
no-emit-version
trust-model always
digest-algo SHA256
cert-digest-algo SHA256
";

/// Keys have no passphrase, so nobody is ever asked.
const AGENT_CONF: &str = "\
disable-scdaemon
pinentry-program /bin/false
auto-expand-secmem
";

#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    #[error("opening the key folder {path}")]
    Folder { path: PathBuf, source: io::Error },
    #[error("the key folder {path} is open to others (mode {mode:o}): run chmod 700 on it")]
    Exposed { path: PathBuf, mode: u32 },
    #[error("the key folder {0} belongs to another user: start the service as its owner")]
    Foreign(PathBuf),
}

#[derive(Debug)]
pub struct Home {
    dir: PathBuf,
    /// A symbolic link to `dir` when that is too long.
    alias: Option<PathBuf>,
}

impl Home {
    /// Makes the folder when it is not there; refuses one that others can read.
    pub fn open(dir: &Path) -> Result<Self, HomeError> {
        let failed = |source| HomeError::Folder { path: dir.to_owned(), source };
        let dir = std::path::absolute(dir).map_err(failed)?;
        ensure_private(&dir)?;
        let alias = (dir.as_os_str().len() > LONGEST_PATH).then(|| alias_of(&dir));
        let home = Self { dir, alias };
        home.ensure_reachable()?;
        home.configure().map_err(failed)?;
        Ok(home)
    }

    /// What GnuPG takes as its home.
    pub fn path(&self) -> &Path {
        self.alias.as_deref().unwrap_or(&self.dir)
    }

    /// Makes the short path again, which cleaners of temporary folders may take away.
    pub fn ensure_reachable(&self) -> Result<(), HomeError> {
        let Some(alias) = &self.alias else { return Ok(()) };
        if let Some(parent) = alias.parent() {
            ensure_private(parent)?;
        }
        if fs::read_link(alias).is_ok_and(|target| target == self.dir) {
            return Ok(());
        }
        let linked = remove_all(alias).and_then(|()| symlink(&self.dir, alias));
        match linked {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                Err(HomeError::Folder { path: alias.clone(), source: error })
            }
            _ => Ok(()),
        }
    }

    /// Takes the short path away.
    pub fn close(&self) -> io::Result<()> {
        self.alias.as_deref().map_or(Ok(()), remove_all)
    }

    fn configure(&self) -> io::Result<()> {
        write_atomic(&self.dir.join("gpg.conf"), GPG_CONF.as_bytes())?;
        write_atomic(&self.dir.join("gpg-agent.conf"), AGENT_CONF.as_bytes())
    }

    /// Locks of programs that are gone. GnuPG waits for ever when their number was given to another program.
    pub fn remove_left_locks(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.ends_with(".lock") || name.starts_with(".#lk") {
                remove_all(&entry.path())?;
            }
        }
        Ok(())
    }
}

fn ensure_private(dir: &Path) -> Result<(), HomeError> {
    let failed = |source| HomeError::Folder { path: dir.to_owned(), source };
    if let Some(parent) = dir.parent() {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    match DirBuilder::new().mode(0o700).create(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed(error)),
        _ => {}
    }
    let found = fs::symlink_metadata(dir).map_err(failed)?;
    let mode = found.permissions().mode() & 0o777;
    if !found.is_dir() {
        Err(failed(io::Error::from(io::ErrorKind::NotADirectory)))
    } else if found.uid() != Uid::effective().as_raw() {
        Err(HomeError::Foreign(dir.to_owned()))
    } else if mode & 0o077 != 0 {
        Err(HomeError::Exposed { path: dir.to_owned(), mode })
    } else {
        Ok(())
    }
}

/// The same for the same folder, so that a restarted service finds its agent again.
fn alias_of(dir: &Path) -> PathBuf {
    let hash = hex::encode(Sha256::digest(dir.as_os_str().as_encoded_bytes()));
    let own = format!("coppice-keygen-{}", Uid::effective());
    let temporary = std::env::temp_dir();
    let short = Some(temporary).filter(|path| path.is_absolute() && path.as_os_str().len() < 30);
    short.unwrap_or_else(|| "/tmp".into()).join(own).join(&hash[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_others_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("gnupg");
        Home::open(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o750)).unwrap();
        let error = Home::open(&path).unwrap_err().to_string();
        assert!(error.contains("chmod 700") && error.contains("750"), "{error}");
    }

    #[test]
    fn a_long_path_is_reached_by_a_short_one_that_comes_back() {
        let dir = tempfile::tempdir().unwrap();
        let long = dir.path().join("x".repeat(120)).join("gnupg");
        let home = Home::open(&long).unwrap();
        assert!(home.path().as_os_str().len() <= LONGEST_PATH);
        assert!(home.path().join("gpg.conf").exists());
        fs::remove_file(home.path()).unwrap();
        home.ensure_reachable().unwrap();
        assert_eq!(fs::canonicalize(home.path()).unwrap(), fs::canonicalize(&long).unwrap());
        home.close().unwrap();
        assert!(!home.path().exists() && long.exists());
    }

    #[test]
    fn locks_of_killed_programs_go_and_keys_stay() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::open(&dir.path().join("gnupg")).unwrap();
        for name in ["pubring.kbx.lock", ".#lk0x1.host.1", "pubring.kbx"] {
            fs::write(home.path().join(name), "").unwrap();
        }
        home.remove_left_locks().unwrap();
        assert!(home.path().join("pubring.kbx").exists());
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 3);
    }
}
