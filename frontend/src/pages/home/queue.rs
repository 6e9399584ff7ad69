//! How much waits and runs, by architecture.

use std::collections::BTreeMap;

use coppice_model::{ChrootName, state::ChrootState};
use serde::Serialize;

#[derive(Debug, Serialize)]
pub struct QueueRow {
    arch: String,
    /// `148 running, 21 pending`.
    summary: String,
    /// Hundredths of the longest row.
    running: i64,
    pending: i64,
}

/// The busiest first.
pub fn rows(counts: &[(ChrootName, ChrootState, i64)]) -> Vec<QueueRow> {
    let mut by_arch: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for (chroot, state, count) in counts {
        let (running, pending) = by_arch.entry(chroot.arch()).or_default();
        match state {
            ChrootState::Running | ChrootState::Starting => *running += count,
            _ => *pending += count,
        }
    }
    let longest = by_arch.values().map(|(running, pending)| running + pending).max().unwrap_or(0).max(1);
    let mut rows: Vec<(i64, QueueRow)> = by_arch
        .into_iter()
        .map(|(arch, (running, pending))| {
            let share = |count: i64| ((count * 100 + longest - 1) / longest).min(100);
            let row = QueueRow {
                arch: arch.to_owned(),
                summary: format!("{running} running, {pending} pending"),
                running: share(running),
                pending: share(pending).min(100 - share(running)),
            };
            (running + pending, row)
        })
        .collect();
    rows.sort_by_key(|(all, _)| -all);
    rows.into_iter().map(|(_, row)| row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_busiest_architecture_fills_its_bar() {
        let counts = [
            ("fedora-43-x86_64", ChrootState::Running, 3),
            ("epel-9-x86_64", ChrootState::Waiting, 1),
            ("fedora-43-s390x", ChrootState::Pending, 2),
        ];
        let rows = rows(&counts.map(|(name, state, count)| (name.parse().unwrap(), state, count)));
        let told: Vec<_> =
            rows.iter().map(|r| (r.arch.as_str(), r.summary.as_str(), r.running, r.pending)).collect();
        assert_eq!(
            told,
            [("x86_64", "3 running, 1 pending", 75, 25), ("s390x", "0 running, 2 pending", 0, 50)]
        );
    }
}
