//! Removing what builds left: much of it belongs to ids that only a sandbox may touch.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    engine::Engine,
    step::{Action, Ending, Step},
};
use crate::{control::Control, ended::chain, log::Output, options::Settings};

/// Long enough for the largest tree on a slow disk.
const LONGEST_S: u64 = 1_800;

pub struct Cleaner {
    engine: Engine,
}

impl Cleaner {
    pub fn new(settings: &Settings) -> Self {
        Self { engine: Engine::new(settings, &settings.work_dir) }
    }

    /// Removes everything in a folder; what cannot be removed is only reported.
    pub async fn empty(&self, folder: &Path) {
        let entries = fs::read_dir(folder).into_iter().flatten();
        let paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        // Most of it is plain; the rest needs other ids.
        let stubborn: Vec<PathBuf> = paths.into_iter().filter(|path| !is_removed(path)).collect();
        if !stubborn.is_empty() {
            remove(&self.engine, stubborn).await;
        }
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            is_removed(&entry.path());
        }
    }
}

fn is_removed(path: &Path) -> bool {
    if path.is_dir() { fs::remove_dir_all(path).is_ok() } else { fs::remove_file(path).is_ok() }
}

/// Removes folders whatever their files belong to.
pub async fn remove(engine: &Engine, paths: Vec<PathBuf>) {
    let step = Step {
        root: None,
        binds: Vec::new(),
        action: Action::Remove(paths.clone()),
        memory_mb: 1_024,
        processes: 64,
        network: false,
    };
    let (_halter, control) = Control::new(LONGEST_S);
    match engine.visit(step, &mut Output::quiet(), &control).await {
        Ok(Ending::Exited(0)) => {}
        Ok(other) => tracing::warn!("removing {paths:?}: {other:?}"),
        Err(error) => tracing::warn!("removing {paths:?}: {}", chain(&error)),
    }
}
