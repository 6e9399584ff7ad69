//! A snapshot, and the newest publish in devel mode, hold their own `repomd.xml` and signature; everything else of them
//! lies once, in the repository.

use std::path::Path;

use super::location::{Found, NotFound, find};

/// What `wanted` names: itself, or the file that it shares with its repository.
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
    /// `/owner/dir/chroot/snapshots/N/REST` and `/owner/dir/chroot/devel/REST` share `/owner/dir/chroot/REST`.
    fn parse(wanted: &str) -> Option<Self> {
        let repository = &wanted[..wanted.match_indices('/').nth(3)?.0];
        let inner = &wanted[repository.len() + 1..];
        let (snapshot, rest) = match inner.split_once('/')? {
            ("devel", rest) => ("devel".to_owned(), rest),
            ("snapshots", inner) => {
                let (number, rest) = inner.split_once('/')?;
                let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
                is_number.then(|| (format!("snapshots/{number}"), rest))?
            }
            _ => return None,
        };
        // The current state of the repository is no part of another one.
        let own = ["snapshots/", "devel/", "repodata/repomd.xml", "mirrorlist"];
        if rest.is_empty() || own.iter().any(|own| rest.starts_with(own)) {
            return None;
        }
        let snapshot = format!("{repository}/{snapshot}/repodata/repomd.xml");
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
        let devel = Shared::parse("/o/d/c/devel/0000-a/b.rpm").unwrap();
        assert_eq!(
            (devel.file.as_str(), devel.snapshot.as_str()),
            ("/o/d/c/0000-a/b.rpm", "/o/d/c/devel/repodata/repomd.xml")
        );
        for own in [
            "/o/d/c/snapshots/1/repodata/repomd.xml",
            "/o/d/c/snapshots/1/repodata/repomd.xml.asc",
            "/o/d/c/snapshots/x/b.rpm",
            "/o/d/c/snapshots/1/",
            "/o/d/c/snapshots/1/snapshots/2/b.rpm",
            "/o/d/c/devel/repodata/repomd.xml",
            "/o/d/c/devel/",
            "/o/d/devel/b.rpm",
            "/o/d/snapshots/1/b.rpm",
            "/o/d/c/x/snapshots/1/b.rpm",
            "/o/d/c/b.rpm",
        ] {
            assert_eq!(Shared::parse(own), None, "{own}");
        }
    }
}
