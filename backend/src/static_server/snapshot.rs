//! A snapshot holds its own `repomd.xml` and signature; everything else of it lies once, in the repository.

use std::path::Path;

use super::location::{Found, NotFound, find};

/// What `wanted` names: itself, or the file that a snapshot shares with its repository.
pub fn find_shared(root: &Path, wanted: &str) -> Result<Found, NotFound> {
    match find(root, wanted) {
        Err(NotFound::Absent) => match Shared::parse(wanted) {
            // Without its own folder a snapshot is gone, also where its files are still there.
            Some(shared) if find(root, &shared.snapshot).is_ok() => find(root, &shared.file),
            _ => Err(NotFound::Absent),
        },
        found => found,
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Shared {
    snapshot: String,
    file: String,
}

impl Shared {
    /// `/owner/dir/chroot/snapshots/N/REST` shares `/owner/dir/chroot/REST`.
    fn parse(wanted: &str) -> Option<Self> {
        let (repository, inner) = wanted.split_once("/snapshots/")?;
        let (number, rest) = inner.split_once('/')?;
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        let of_repository = repository.matches('/').count() == 3;
        // The current state of the repository is no part of an old one.
        let is_own =
            ["snapshots/", "repodata/repomd.xml", "mirrorlist"].iter().any(|own| rest.starts_with(own));
        if !is_number || !of_repository || is_own || rest.is_empty() {
            return None;
        }
        let snapshot = format!("{repository}/snapshots/{number}/repodata/repomd.xml");
        Some(Self { snapshot, file: format!("{repository}/{rest}") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_all_snapshots_share_is_looked_for_elsewhere() {
        let shared = Shared::parse("/%40team/foo:pr:1/fedora-43-x86_64/snapshots/12/0000-a/b.rpm").unwrap();
        assert_eq!(shared.file, "/%40team/foo:pr:1/fedora-43-x86_64/0000-a/b.rpm");
        assert_eq!(shared.snapshot, "/%40team/foo:pr:1/fedora-43-x86_64/snapshots/12/repodata/repomd.xml");
        assert!(Shared::parse("/o/d/c/snapshots/1/repodata/abc-primary.xml.gz").is_some());
        for own in [
            "/o/d/c/snapshots/1/repodata/repomd.xml",
            "/o/d/c/snapshots/1/repodata/repomd.xml.asc",
            "/o/d/c/snapshots/x/b.rpm",
            "/o/d/c/snapshots/1/",
            "/o/d/c/snapshots/1/snapshots/2/b.rpm",
            "/o/d/snapshots/1/b.rpm",
            "/o/d/c/x/snapshots/1/b.rpm",
            "/o/d/c/b.rpm",
        ] {
            assert_eq!(Shared::parse(own), None, "{own}");
        }
    }
}
