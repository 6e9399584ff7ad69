//! Which builds are compressed together. A block whose builds did not change is copied as it is; the last one
//! grows until it is full, and full ones are now and then made one larger one, so that adding a build costs
//! little and the whole stays small.

use std::{collections::BTreeSet, ops::Range};

use super::manifest::Manifest;

/// A block of the next publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece<T> {
    /// The block of the last publish that holds exactly these builds.
    pub keep: Option<usize>,
    pub items: Vec<Item<T>>,
    pub packages: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item<T> {
    /// Position among the builds of the last publish.
    Old(usize),
    New(T),
}

/// Positions of the builds of each block.
pub fn ranges(manifest: &Manifest) -> impl Iterator<Item = Range<usize>> {
    manifest.blocks.iter().scan(0, |at, block| {
        let start = *at;
        *at += block.builds;
        Some(start..*at)
    })
}

/// The builds of the last publish without `gone`, then the new ones (each with its number of packages). Nothing is
/// kept as it is unless `may_keep`.
pub fn plan<T>(
    last: &Manifest,
    gone: &BTreeSet<&str>,
    new: impl IntoIterator<Item = (T, u64)>,
    tiers: &[u64],
    may_keep: bool,
) -> Vec<Piece<T>> {
    let mut pieces = Vec::new();
    for (index, range) in ranges(last).enumerate() {
        let stays = |at: &usize| !gone.contains(last.builds[*at].name.as_str());
        let whole = range.len();
        let items: Vec<usize> = range.filter(stays).collect();
        if items.is_empty() {
            continue;
        }
        let keep = Some(index).filter(|_| may_keep && items.len() == whole);
        let packages = items.iter().map(|at| last.builds[*at].packages).sum();
        pieces.push(Piece { keep, items: items.into_iter().map(Item::Old).collect(), packages });
    }
    join_small(&mut pieces, tiers);
    for (item, packages) in new {
        append(&mut pieces, Item::New(item), packages, tiers);
    }
    pieces
}

/// Blocks that deletions left nearly empty go together with the next one, which is written anew with them.
fn join_small<T>(pieces: &mut Vec<Piece<T>>, tiers: &[u64]) {
    let (smallest, largest) = (tiers[0], tiers[tiers.len() - 1]);
    let mut at = 0;
    while at + 1 < pieces.len() {
        let (one, next) = (&pieces[at], &pieces[at + 1]);
        let is_left_over = one.keep.is_none() && one.packages < smallest;
        if is_left_over && one.packages + next.packages <= largest {
            join(pieces, at..at + 2);
        } else {
            at += 1;
        }
    }
}

fn append<T>(pieces: &mut Vec<Piece<T>>, item: Item<T>, packages: u64, tiers: &[u64]) {
    match pieces.last_mut() {
        Some(last) if last.packages + packages <= tiers[0] => {
            last.keep = None;
            last.items.push(item);
            last.packages += packages;
        }
        _ => pieces.push(Piece { keep: None, items: vec![item], packages }),
    }
    for full in &tiers[1..] {
        let run = pieces.iter().rev().take_while(|piece| piece.packages < *full);
        let (count, sum) = run.fold((0, 0), |(count, sum), piece| (count + 1, sum + piece.packages));
        if count > 1 && sum >= *full {
            let end = pieces.len();
            join(pieces, end - count..end);
        }
    }
}

fn join<T>(pieces: &mut Vec<Piece<T>>, range: Range<usize>) {
    let start = range.start;
    let joined = pieces.drain(range).reduce(|mut one, next| {
        one.items.extend(next.items);
        one.packages += next.packages;
        one
    });
    if let Some(joined) = joined {
        pieces.insert(start, Piece { keep: None, ..joined });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::publisher::{
        config::Compression,
        manifest::{Block, BuildEntry, Part},
    };

    const TIERS: &[u64] = &[4, 16];

    fn manifest(blocks: &[&[u64]]) -> Manifest {
        let mut manifest = Manifest::nothing(1, Compression::Gzip);
        for sizes in blocks {
            manifest.blocks.push(Block { builds: sizes.len(), parts: [Part::default(); 3] });
            for packages in *sizes {
                let name = format!("b{}", manifest.builds.len());
                manifest.builds.push(BuildEntry { name, packages: *packages, raw: [0; 3] });
            }
        }
        manifest
    }

    fn shape(pieces: &[Piece<u64>]) -> Vec<(Option<usize>, usize, u64)> {
        pieces.iter().map(|piece| (piece.keep, piece.items.len(), piece.packages)).collect()
    }

    fn added(last: &Manifest, sizes: &[u64]) -> Vec<(Option<usize>, usize, u64)> {
        shape(&plan(last, &BTreeSet::new(), sizes.iter().map(|size| (*size, *size)), TIERS, true))
    }

    #[test]
    fn one_more_build_changes_the_last_block_only() {
        let last = manifest(&[&[4, 4, 4, 4], &[2]]);
        assert_eq!(added(&last, &[1]), [(Some(0), 4, 16), (None, 2, 3)]);
        assert_eq!(added(&last, &[3]), [(Some(0), 4, 16), (Some(1), 1, 2), (None, 1, 3)]);
        assert_eq!(added(&last, &[]), [(Some(0), 4, 16), (Some(1), 1, 2)]);
    }

    #[test]
    fn many_small_blocks_become_one() {
        let last = manifest(&[&[16], &[4], &[4], &[4]]);
        assert_eq!(added(&last, &[4]), [(Some(0), 1, 16), (None, 4, 16)]);
        assert_eq!(added(&manifest(&[]), &[1; 40]).len(), 4, "16, 16, 4 and 4");
    }

    #[test]
    fn a_deleted_build_changes_its_block_and_an_emptied_block_goes() {
        let last = manifest(&[&[4, 4, 4, 4], &[4, 4, 4, 4], &[2]]);
        let without = |gone: &[&str]| {
            let gone = gone.iter().copied().collect();
            shape(&plan(&last, &gone, std::iter::empty(), TIERS, true))
        };
        assert_eq!(without(&["b1"]), [(None, 3, 12), (Some(1), 4, 16), (Some(2), 1, 2)]);
        assert_eq!(without(&["b0", "b1", "b2", "b3"]), [(Some(1), 4, 16), (Some(2), 1, 2)]);
        assert_eq!(without(&["b8"]), [(Some(0), 4, 16), (Some(1), 4, 16)]);
    }

    #[test]
    fn nothing_is_kept_when_nothing_may_be() {
        let pieces = plan(&manifest(&[&[4], &[4]]), &BTreeSet::new(), [(9, 9)], TIERS, false);
        assert!(pieces.iter().all(|piece| piece.keep.is_none()));
        let builds: usize = pieces.iter().map(|piece| piece.items.len()).sum();
        assert_eq!(builds, 3);
    }
}
