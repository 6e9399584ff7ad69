//! What happened to a repository since its last publish: builds that came, described once and for all, and
//! builds that are to go. Each is one file, so that any of it survives a kill.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use coppice_runtime::files;

use super::manifest::Manifest;

const CAME: &str = ".fragment";
const GONE: &str = ".gone";

#[derive(Debug, Clone)]
pub struct Pending {
    dir: PathBuf,
}

/// Names of builds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// In the order of their numbers.
    pub came: BTreeSet<String>,
    pub gone: BTreeSet<String>,
}

impl Changes {
    /// Whether they change what this publish says.
    pub fn concern(&self, current: &Manifest) -> bool {
        !self.came.is_empty() || self.gone.iter().any(|build| current.has(build))
    }
}

impl Pending {
    pub fn new(state: &Path) -> Self {
        Self { dir: state.join("pending") }
    }

    pub fn changes(&self) -> io::Result<Changes> {
        let entries = match fs::read_dir(&self.dir) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Changes::default()),
            entries => entries?,
        };
        let mut changes = Changes::default();
        for entry in entries {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if let Some(build) = name.strip_suffix(CAME) {
                changes.came.insert(build.to_owned());
            } else if let Some(build) = name.strip_suffix(GONE) {
                changes.gone.insert(build.to_owned());
            }
        }
        // Whoever is gone does not come any more.
        changes.came.retain(|build| !changes.gone.contains(build));
        Ok(changes)
    }

    /// Where the description of a build that came is.
    pub fn fragment(&self, build: &str) -> PathBuf {
        self.dir.join(format!("{build}{CAME}"))
    }

    pub fn came(&self, build: &str, description: &[u8]) -> io::Result<()> {
        fs::create_dir_all(&self.dir)?;
        files::write_atomic(&self.fragment(build), description)
    }

    pub fn gone(&self, build: &str) -> io::Result<()> {
        fs::create_dir_all(&self.dir)?;
        files::write_atomic(&self.dir.join(format!("{build}{GONE}")), b"")
    }

    /// The publish that holds these changes is on the disk.
    pub fn settle(&self, changes: &Changes) -> io::Result<()> {
        let came = changes.came.iter().map(|build| self.fragment(build));
        // A description that was overtaken by its build's end goes first.
        let overtaken = changes.gone.iter().map(|build| self.fragment(build));
        let gone = changes.gone.iter().map(|build| self.dir.join(format!("{build}{GONE}")));
        came.chain(overtaken).chain(gone).try_for_each(|path| files::remove_all(&path))
    }
}
