//! Removing what builds left: much of it belongs to ids that only a sandbox may touch.

use std::{fs, path::PathBuf};

use super::{
    engine::Engine,
    overlays::{self, Abandoned},
    step::{Action, Ending, Step},
};
use crate::{control::Control, ended::chain, log::Output, options::Settings};

/// Long enough for the largest tree on a slow disk.
const LONGEST_S: u64 = 1_800;

pub struct Cleaner {
    engine: Engine,
    work: PathBuf,
    cache: PathBuf,
}

impl Cleaner {
    pub fn new(settings: &Settings) -> Self {
        let engine = Engine::new(settings, &settings.cache_dir);
        Self { engine, work: settings.work_dir.clone(), cache: settings.cache_dir.clone() }
    }

    /// Empties the work folder and removes what builds of this and of killed agents left in the cache.
    /// What cannot be removed is only reported.
    pub async fn clean(&self) {
        for entry in fs::read_dir(&self.work).into_iter().flatten().flatten() {
            let path = entry.path();
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let removed = if is_folder { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            if let Err(error) = removed {
                tracing::warn!("removing {}: {error}", path.display());
            }
        }
        match overlays::abandoned(&self.cache) {
            Ok(abandoned) if abandoned.is_empty() => {}
            Ok(abandoned) => self.remove(&abandoned).await,
            Err(error) => tracing::warn!("looking for old buildroots: {error}"),
        }
    }

    async fn remove(&self, abandoned: &[Abandoned]) {
        remove(&self.engine, abandoned.iter().map(|one| one.root.clone()).collect()).await;
        for one in abandoned.iter().filter(|one| !one.root.exists()) {
            if let Err(error) = fs::remove_file(&one.lock_path) {
                tracing::warn!("removing {}: {error}", one.lock_path.display());
            }
        }
    }
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
