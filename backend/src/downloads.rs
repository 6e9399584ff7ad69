//! How many packages are fetched from the results: counted in memory by repository and reported once a minute. A crash
//! loses a minute.

use std::{
    collections::HashMap,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use coppice_model::{
    ChrootName, DirName, ProjectRef,
    messages::{Downloads, FetchedPackages, Report},
};
use coppice_runtime::{Stop, secret::random_token};

use crate::reporter::Reporter;

const REPORT_EVERY: Duration = Duration::from_secs(60);
/// Repositories that one report tells of; what is beyond in a minute is not counted.
const MOST: usize = 10_000;

type Fetched = HashMap<(ProjectRef, ChrootName), u32>;

/// What was fetched and is not reported yet. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Counter(Arc<Mutex<Fetched>>);

impl Counter {
    fn fetched(&self) -> MutexGuard<'_, Fetched> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A file of the results that somebody got, by the parts of its path: owner, directory, chroot and what is below.
    /// All directories of a project count for it; of other files than packages, and of source packages, nothing is
    /// noted.
    pub fn note(&self, parts: &[String]) {
        let Some(of) = repository_of(parts) else { return };
        let mut fetched = self.fetched();
        if fetched.len() < MOST || fetched.contains_key(&of) {
            let count = fetched.entry(of).or_default();
            *count = count.saturating_add(1);
        }
    }

    /// What came since the last time; `None` when nothing did.
    pub fn take(&self) -> Option<Report> {
        let fetched = mem::take(&mut *self.fetched());
        let fetched: Vec<FetchedPackages> = fetched
            .into_iter()
            .map(|((project, chroot), count)| FetchedPackages { project, chroot, count })
            .collect();
        (!fetched.is_empty()).then(|| Report::DownloadsV1(Downloads { name: random_token(), fetched }))
    }
}

fn repository_of(parts: &[String]) -> Option<(ProjectRef, ChrootName)> {
    let [owner, dir, chroot, .., file] = parts else { return None };
    let is_package = file.ends_with(".rpm") && !file.ends_with(".src.rpm") && !file.ends_with(".nosrc.rpm");
    let dir: DirName = dir.parse().ok().filter(|_| is_package)?;
    let project = ProjectRef { owner: owner.parse().ok()?, name: dir.project().parse().ok()? };
    Some((project, chroot.parse().ok()?))
}

/// Reports until stopped, and then once more, if the reporter still listens.
pub async fn run(counter: Counter, reporter: Reporter, stop: Stop) {
    loop {
        let goes_on = stop.sleep(REPORT_EVERY).await;
        if let Some(report) = counter.take() {
            reporter.post(report);
        }
        if !goes_on {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(counter: &Counter, path: &str) {
        counter.note(&path.split('/').map(str::to_owned).collect::<Vec<_>>());
    }

    #[test]
    fn packages_count_for_their_project_and_chroot() {
        let counter = Counter::default();
        for path in [
            "alice/tools/fedora-43-x86_64/00000001-bat/bat-1-1.x86_64.rpm",
            "alice/tools:pr:3/fedora-43-x86_64/00000002-bat/bat-2-1.x86_64.rpm",
            "@team/tools/epel-9-x86_64/00000003-bat/bat-1-1.noarch.rpm",
        ] {
            note(&counter, path);
        }
        let Some(Report::DownloadsV1(mut downloads)) = counter.take() else { panic!("nothing was counted") };
        downloads.fetched.sort_by_key(|fetched| fetched.count);
        let told: Vec<_> =
            downloads.fetched.iter().map(|f| (f.project.to_string(), f.chroot.as_str(), f.count)).collect();
        assert_eq!(
            told,
            [("@team/tools".into(), "epel-9-x86_64", 1), ("alice/tools".into(), "fedora-43-x86_64", 2)]
        );
        assert_eq!(counter.take(), None);
    }

    #[test]
    fn other_files_and_other_paths_count_for_nobody() {
        let counter = Counter::default();
        for path in [
            "alice/tools/fedora-43-x86_64/00000001-bat/bat-1-1.src.rpm",
            "alice/tools/fedora-43-x86_64/repodata/repomd.xml",
            "alice/tools/no chroot/x.rpm",
            "../tools/fedora-43-x86_64/x.rpm",
            "fedora-43-x86_64/x.rpm",
            "x.rpm",
        ] {
            note(&counter, path);
        }
        assert_eq!(counter.take(), None);
    }
}
