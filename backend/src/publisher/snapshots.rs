//! Which earlier publishes stay, and the list of them that people read.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use coppice_model::{
    UnixTime,
    snapshot::{SnapshotEntry, SnapshotList},
};
use coppice_runtime::files;

use super::{
    config::PublishConfig,
    manifest::{Manifest, Manifests, Snapshot},
};

/// Exchanged in place; they never retire.
const LASTING: [&str; 2] = ["repomd.xml", "repomd.xml.asc"];

/// Where the snapshots of a repository are.
pub fn folder(repository: &Path) -> PathBuf {
    repository.join("snapshots")
}

pub fn folder_of(repository: &Path, number: u64) -> PathBuf {
    folder(repository).join(number.to_string())
}

/// The highest number of a snapshot that is there; 0 for none.
pub fn newest(repository: &Path) -> io::Result<u64> {
    let numbers = entries(&folder(repository))?.into_iter().filter_map(|(name, _)| name.parse().ok());
    Ok(numbers.max().unwrap_or(0))
}

/// Those that stay, in the same order: oldest first, the current one last.
/// So does the one that users are shown.
pub fn kept(
    history: &[Snapshot],
    now: UnixTime,
    (config, shown): (&PublishConfig, Option<u64>),
) -> Vec<Snapshot> {
    let mut kept = Vec::new();
    let mut bytes = 0;
    let mut replaced_on = None;
    for (rank, snapshot) in history.iter().rev().enumerate() {
        let age = now.0 - snapshot.published_on.0;
        let is_kept = rank < config.snapshots_kept.max(1) && age < config.snapshots_age_s;
        let in_grace = |on: UnixTime| {
            let is_within = rank <= config.grace_count && bytes + snapshot.bytes <= config.grace_bytes;
            now.0 - on.0 < config.grace_s && is_within
        };
        if rank == 0 || shown == Some(snapshot.number) || is_kept || replaced_on.is_some_and(in_grace) {
            bytes += if rank == 0 { 0 } else { snapshot.bytes };
            kept.push(snapshot.clone());
        }
        replaced_on = Some(snapshot.published_on);
    }
    kept.reverse();
    kept
}

fn listed(snapshot: &Snapshot) -> SnapshotEntry {
    let Snapshot { number, published_on, packages, builds, of, ref key, bytes, .. } = *snapshot;
    SnapshotEntry { number, published_on, packages, builds, of, key: key.clone(), bytes }
}

pub fn list(manifest: &Manifest) -> io::Result<Vec<u8>> {
    let snapshots = manifest.history.iter().map(listed).collect();
    let current = manifest.shown.unwrap_or(manifest.number);
    Ok(serde_json::to_vec_pretty(&SnapshotList { current, snapshots })?)
}

/// Removes what no kept publish needs: manifests first, so that nobody rolls back to half a snapshot.
pub fn sweep(repository: &Path, manifests: &Manifests, current: &Manifest) -> io::Result<()> {
    let kept: BTreeSet<u64> = current.history.iter().map(|snapshot| snapshot.number).collect();
    let of_nobody = |number: &u64| !kept.contains(number);
    manifests.numbers()?.iter().filter(|n| of_nobody(n)).try_for_each(|number| manifests.remove(*number))?;
    for (name, path) in entries(&folder(repository))? {
        if name.parse::<u64>().is_ok_and(|number| of_nobody(&number)) {
            files::remove_all(&path)?;
        }
    }
    let named: BTreeSet<&str> =
        current.history.iter().flat_map(|snapshot| &snapshot.files).map(String::as_str).collect();
    for (name, path) in entries(&repository.join("repodata"))? {
        if !named.contains(name.as_str()) && !LASTING.contains(&name.as_str()) {
            files::remove_all(&path)?;
        }
    }
    Ok(())
}

fn entries(dir: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let entries = match fs::read_dir(dir) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let named = |entry: io::Result<fs::DirEntry>| {
        let entry = entry?;
        Ok((entry.file_name().to_string_lossy().into_owned(), entry.path()))
    };
    entries.map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(times: &[i64]) -> Vec<Snapshot> {
        let snapshot = |(at, published_on): (usize, &i64)| Snapshot {
            number: at as u64 + 1,
            published_on: UnixTime(*published_on),
            packages: 0,
            builds: 0,
            of: None,
            key: None,
            bytes: 10,
            files: Vec::new(),
        };
        times.iter().enumerate().map(snapshot).collect()
    }

    fn numbers(times: &[i64], now: i64, config: &PublishConfig) -> Vec<u64> {
        kept(&history(times), UnixTime(now), (config, None)).iter().map(|snapshot| snapshot.number).collect()
    }

    fn config() -> PublishConfig {
        PublishConfig {
            snapshots_kept: 2,
            snapshots_age_s: 1_000,
            grace_s: 100,
            grace_count: 3,
            grace_bytes: 25,
            ..PublishConfig::default()
        }
    }

    #[test]
    fn the_newest_stay_and_the_current_one_always() {
        assert_eq!(numbers(&[0, 10, 20], 900, &config()), [2, 3]);
        assert_eq!(numbers(&[0, 10, 20], 5_000, &config()), [3]);
        assert_eq!(numbers(&[], 0, &config()), Vec::<u64>::new());
    }

    #[test]
    fn the_one_that_users_are_shown_stays() {
        let all = history(&[0, 10, 20, 30]);
        let kept = kept(&all, UnixTime(5_000), (&config(), Some(2)));
        assert_eq!(kept.iter().map(|snapshot| snapshot.number).collect::<Vec<_>>(), [2, 4]);
    }

    #[test]
    fn replaced_ones_stay_for_the_grace_time_which_begins_when_they_are_replaced() {
        let config = PublishConfig { snapshots_kept: 1, ..config() };
        assert_eq!(numbers(&[0, 500], 599, &config), [1, 2]);
        assert_eq!(numbers(&[0, 500], 600, &config), [2]);
    }

    #[test]
    fn the_grace_time_ends_early_when_there_are_too_many_or_too_large_ones() {
        let times = [0, 1, 2, 3, 4, 5];
        let many = PublishConfig { snapshots_kept: 1, grace_bytes: 1_000, ..config() };
        assert_eq!(numbers(&times, 5, &many), [3, 4, 5, 6], "three beside the current one");
        let large = PublishConfig { snapshots_kept: 1, ..config() };
        assert_eq!(numbers(&times, 5, &large), [4, 5, 6], "25 bytes hold two of ten");
    }
}
