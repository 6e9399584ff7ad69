//! A folder of small JSON records. Each is there whole or not at all, also after a kill in mid-write.
//! State lies in files and not in Redis, so that a flushed Redis loses neither queue nor running builds.

use std::{
    fs,
    io::{self, Write},
    marker::PhantomData,
    path::{Path, PathBuf},
};

use coppice_runtime::files;
use serde::{Serialize, de::DeserializeOwned};

const ENDING: &str = ".json";

#[derive(Debug)]
pub struct Shelf<T> {
    dir: PathBuf,
    holds: PhantomData<fn() -> T>,
}

impl<T> Clone for Shelf<T> {
    fn clone(&self) -> Self {
        Self { dir: self.dir.clone(), holds: PhantomData }
    }
}

impl<T: Serialize + DeserializeOwned> Shelf<T> {
    pub fn open(dir: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&dir)?;
        remove_half_written(&dir)?;
        Ok(Self { dir, holds: PhantomData })
    }

    /// Survives the end of this process, not that of the host: for what somebody would send again.
    pub fn put(&self, name: &str, record: &T) -> io::Result<()> {
        write_unsynced(&self.path(name), &serde_json::to_vec(record)?)
    }

    /// Survives the host's crash too.
    pub fn put_durable(&self, name: &str, record: &T) -> io::Result<()> {
        files::write_atomic(&self.path(name), &serde_json::to_vec(record)?)
    }

    /// Makes what [`Shelf::put`] wrote survive the host's crash; absent is fine.
    pub fn sync(&self, name: &str) -> io::Result<()> {
        match fs::File::open(self.path(name)) {
            Ok(file) => file.sync_all()?,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(e),
        }
        files::sync_dir(&self.dir)
    }

    pub fn get(&self, name: &str) -> io::Result<Option<T>> {
        match fs::read(self.path(name)) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    pub fn contains(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// Absent is fine.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        files::remove_all(&self.path(name))
    }

    /// Every record that can be read; others are set aside with a log line.
    pub fn load(&self) -> io::Result<Vec<T>> {
        let mut records = Vec::new();
        for name in self.names()? {
            match self.get(&name) {
                Ok(record) => records.extend(record),
                Err(error) => self.set_aside(&name, &error)?,
            }
        }
        Ok(records)
    }

    pub fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if let Some(name) = name.strip_suffix(ENDING) {
                names.push(name.to_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}{ENDING}"))
    }

    fn set_aside(&self, name: &str, error: &io::Error) -> io::Result<()> {
        let path = self.path(name);
        tracing::error!(path = %path.display(), %error, "a state file cannot be read; it was set aside");
        fs::rename(&path, path.with_extension("unreadable"))
    }
}

/// What a kill in mid-write left.
fn remove_half_written(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(".new-") {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Replaces `path` as one step, without waiting for the disk.
pub fn write_unsynced(path: &Path, content: &[u8]) -> io::Result<()> {
    let dir = path.parent().ok_or_else(|| io::Error::other(format!("{} has no folder", path.display())))?;
    let mut temporary = tempfile::Builder::new().prefix(".new-").tempfile_in(dir)?;
    temporary.write_all(content)?;
    temporary.persist(path).map_err(|e| e.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_that_cannot_be_read_is_set_aside_and_the_others_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let shelf = Shelf::<u32>::open(dir.path().join("numbers")).unwrap();
        shelf.put("one", &1).unwrap();
        shelf.put_durable("two", &2).unwrap();
        fs::write(shelf.path("bad"), b"{").unwrap();
        assert_eq!(shelf.load().unwrap(), [1, 2]);
        assert_eq!(shelf.names().unwrap(), ["one", "two"]);
        shelf.remove("one").unwrap();
        shelf.remove("one").unwrap();
        assert_eq!((shelf.get("one").unwrap(), shelf.contains("two")), (None, true));
        fs::write(shelf.path("x").with_file_name(".new-abc"), b"{").unwrap();
        let shelf = Shelf::<u32>::open(dir.path().join("numbers")).unwrap();
        assert_eq!((shelf.load().unwrap(), fs::read_dir(&shelf.dir).unwrap().count()), (vec![2], 2));
    }
}
