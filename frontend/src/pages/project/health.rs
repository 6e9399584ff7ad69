//! How the packages of a project do in each chroot.

use coppice_model::state::ChrootState;
use coppice_store::{ProjectChroot, builds::Cell};
use serde::Serialize;

#[derive(Debug, Serialize)]
pub struct Health {
    chroot: String,
    summary: String,
    failed: i64,
    /// Hundredths of the chroot with the most packages.
    good_share: i64,
    failed_share: i64,
    rest_share: i64,
}

/// In the order of the catalogue.
pub fn rows(cells: &[Cell], chroots: &[ProjectChroot]) -> Vec<Health> {
    let of = |chroot: &ProjectChroot| {
        let (mut good, mut failed, mut rest) = (0, 0, 0);
        for cell in cells.iter().filter(|cell| cell.chroot == chroot.name().as_str()) {
            match cell.state {
                ChrootState::Succeeded | ChrootState::Forked => good += 1,
                ChrootState::Failed => failed += 1,
                _ => rest += 1,
            }
        }
        (good, failed, rest)
    };
    let counts: Vec<_> = chroots.iter().map(of).collect();
    let most = counts.iter().map(|(good, failed, rest)| good + failed + rest).max().unwrap_or(0).max(1);
    let row = |(chroot, (good, failed, rest)): (&ProjectChroot, &(i64, i64, i64))| {
        // What failed is seen, however few there are; the rest gives way.
        let failed_share = (failed * 100 + most - 1) / most;
        let good_share = (good * 100 / most).min(100 - failed_share);
        Health {
            chroot: chroot.name().to_string(),
            summary: format!("{good} succeeded, {failed} failed, {rest} unfinished or left out"),
            failed: *failed,
            good_share,
            failed_share,
            rest_share: (rest * 100 / most).min(100 - failed_share - good_share),
        }
    };
    chroots.iter().zip(&counts).map(row).collect()
}
