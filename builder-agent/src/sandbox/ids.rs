//! User and group ids inside: root is the agent's own user; all others come from /etc/subuid and /etc/subgid.

use std::{fs, io, path::Path};

use nix::unistd::{User, getegid, geteuid};
use tokio::process::Command;

/// What newuidmap is asked for at most: everything but root.
const MOST_IDS: u32 = 65_535;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range {
    first: u32,
    count: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdMap {
    ranges: Option<(Range, Range)>,
}

impl IdMap {
    /// What this machine offers to the agent's user.
    pub fn find() -> Self {
        let uid = geteuid();
        let name = User::from_uid(uid).ok().flatten().map(|user| user.name);
        let range = |path: &str| {
            let text = fs::read_to_string(path).unwrap_or_default();
            range_of(&text, name.as_deref(), uid.as_raw())
        };
        let tools =
            ["newuidmap", "newgidmap"].iter().all(|tool| crate::options::in_path(Path::new(tool)).is_some());
        let ranges = range("/etc/subuid").zip(range("/etc/subgid")).filter(|_| tools);
        if ranges.is_none() {
            tracing::warn!(
                "no subordinate ids for this user (uidmap, /etc/subuid): builds have the agent's own id on this host"
            );
        }
        Self { ranges }
    }

    pub fn has_others(&self) -> bool {
        self.ranges.is_some()
    }

    /// Gives the new user namespace of a process its ids.
    pub async fn apply(&self, process: u32) -> io::Result<()> {
        let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
        let Some((uids, gids)) = self.ranges else {
            fs::write(format!("/proc/{process}/setgroups"), "deny")?;
            fs::write(format!("/proc/{process}/uid_map"), format!("0 {uid} 1"))?;
            return fs::write(format!("/proc/{process}/gid_map"), format!("0 {gid} 1"));
        };
        let (users, groups) =
            tokio::join!(map("newuidmap", process, uid, uids), map("newgidmap", process, gid, gids));
        users.and(groups)
    }
}

async fn map(tool: &str, process: u32, own: u32, range: Range) -> io::Result<()> {
    let numbers = [process, 0, own, 1, 1, range.first, range.count.min(MOST_IDS)];
    let output = Command::new(tool).args(numbers.map(|number| number.to_string())).output().await?;
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!("{tool}: {}", String::from_utf8_lossy(&output.stderr).trim())))
}

fn range_of(text: &str, name: Option<&str>, uid: u32) -> Option<Range> {
    let uid = uid.to_string();
    text.lines().find_map(|line| {
        let mut parts = line.trim().split(':');
        let owner = parts.next()?;
        let (first, count) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        // Fewer would not reach the builder's id.
        let enough = count >= 2 * super::step::BUILDER_ID;
        (enough && (Some(owner) == name || owner == uid)).then_some(Range { first, count })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_found_by_name_or_number_and_too_small_ones_do_not_count() {
        let text = "alice:100000:65536\n1001:200000:65536\nbob:300000:10\n\nbroken\n";
        assert_eq!(range_of(text, Some("alice"), 5), Some(Range { first: 100_000, count: 65_536 }));
        assert_eq!(range_of(text, None, 1001), Some(Range { first: 200_000, count: 65_536 }));
        assert_eq!(range_of(text, Some("bob"), 5), None);
        assert_eq!(range_of(text, Some("carol"), 5), None);
    }
}
