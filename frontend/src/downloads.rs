//! How often repo files are fetched: counted in memory, because no request is to wait for a counter, and stored
//! together. A crash loses a minute.

use std::{
    collections::HashMap,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use coppice_model::{ChrootName, ProjectId};
use coppice_runtime::{Stop, logging::with_causes};
use coppice_store::{StoreError, project_chroots, project_chroots::Fetched};

use crate::App;

const STORE_EVERY: Duration = Duration::from_secs(60);

/// By project and chroot.
type Counts = HashMap<(ProjectId, ChrootName), i64>;

/// What was fetched and is not stored yet.
#[derive(Debug, Default)]
pub struct Downloads(Mutex<Counts>);

impl Downloads {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A repo file of a release, which counts for each of its chroots.
    pub fn note<'a>(&self, project: ProjectId, chroots: impl Iterator<Item = &'a ChrootName>) {
        let mut counts = self.counts();
        for chroot in chroots {
            *counts.entry((project, chroot.clone())).or_default() += 1;
        }
    }
}

/// Stores until stopped, and once more then.
pub async fn run(app: Arc<App>, stop: Stop) {
    while stop.sleep(STORE_EVERY).await {
        store(&app).await;
    }
    store(&app).await;
}

/// What cannot be stored counts the next time.
async fn store(app: &App) {
    let counts = mem::take(&mut *app.downloads.counts());
    if counts.is_empty() {
        return;
    }
    let stored = app.store.write({
        let counts = counts.clone();
        move |tx| {
            for ((project, chroot), times) in &counts {
                project_chroots::count(tx, *project, chroot, (Fetched::RepoFile, *times))?;
            }
            Ok::<_, StoreError>(())
        }
    });
    if let Err(error) = stored.await {
        tracing::warn!(
            error = with_causes(&error),
            "downloads could not be stored; they count the next time"
        );
        let mut now = app.downloads.counts();
        for (of, times) in counts {
            *now.entry(of).or_default() += times;
        }
    }
}
