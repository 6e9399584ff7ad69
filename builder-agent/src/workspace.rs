//! The folder of one attempt.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use coppice_model::{Attempt, work::TaskId};

#[derive(Debug)]
pub struct Workspace {
    root: PathBuf,
}

impl Workspace {
    pub fn create(work_dir: &Path, task: &TaskId, attempt: Attempt) -> io::Result<Self> {
        let root = work_dir.join(format!("{task}.{attempt}"));
        let workspace = Self { root };
        for name in ["results", "sources", "packages", "home", "mounted", "notes", "dnf-log", "dnf-state"] {
            fs::create_dir_all(workspace.root.join(name))?;
        }
        Ok(workspace)
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// What is sent to the backend: plain files, no folders.
    pub fn results(&self) -> PathBuf {
        self.path("results")
    }

    /// Spec file and sources; read-only for the build.
    pub fn sources(&self) -> PathBuf {
        self.path("sources")
    }
}
