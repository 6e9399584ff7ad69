//! `repomd.xml` and its signature are two files, and a client of the plain address asks for one after the other.
//! Whoever got a `repomd.xml` a moment ago gets the signature of that one, also when a publish came between.
//! (Clients of `mirrorlist` need no such care: a snapshot never changes. Two clients with one address and one
//! name cannot be told apart; both get the signature of what the later one read.)

use std::{
    collections::HashMap,
    fs::{self, File},
    io,
    net::IpAddr,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

const REMEMBERED: Duration = Duration::from_secs(30);
/// More than this many clients in that time: all are forgotten, and get what is current.
const MOST: usize = 50_000;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Client {
    pub address: Option<IpAddr>,
    pub agent: String,
    /// Path of the `repodata` folder, as it was asked for.
    pub repodata: String,
}

/// Which `repomd.xml` clients got, by the number of its file.
#[derive(Debug, Default)]
pub struct Pairs(Mutex<HashMap<Client, (u64, Instant)>>);

impl Pairs {
    pub fn gave(&self, client: Client, repomd: &File) -> io::Result<()> {
        let inode = repomd.metadata()?.ino();
        let now = Instant::now();
        let mut given = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if given.len() >= MOST {
            given.retain(|_, (_, at)| now.duration_since(*at) < REMEMBERED);
        }
        if given.len() >= MOST {
            given.clear();
        }
        given.insert(client, (inode, now));
        Ok(())
    }

    /// The file that was given to this client a moment ago.
    pub fn given(&self, client: &Client) -> Option<u64> {
        let given = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        given.get(client).filter(|(_, at)| at.elapsed() < REMEMBERED).map(|(inode, _)| *inode)
    }
}

/// The signature in the snapshot whose `repomd.xml` is this very file.
pub fn signature_of(repository: &Path, inode: u64) -> Option<File> {
    let mut numbers: Vec<u64> = fs::read_dir(repository.join("snapshots"))
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    numbers.sort_unstable();
    let repodata =
        |number: &u64| -> PathBuf { repository.join("snapshots").join(number.to_string()).join("repodata") };
    let is_it = |dir: &PathBuf| fs::metadata(dir.join("repomd.xml")).is_ok_and(|meta| meta.ino() == inode);
    let of_it = numbers.iter().rev().map(repodata).find(is_it)?;
    File::open(of_it.join("repomd.xml.asc")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(agent: &str) -> Client {
        Client { address: None, agent: agent.into(), repodata: "/o/d/c/repodata/".into() }
    }

    #[test]
    fn the_signature_is_that_of_the_file_which_the_client_got() {
        let dir = tempfile::tempdir().unwrap();
        for number in ["1", "2"] {
            let repodata = dir.path().join("snapshots").join(number).join("repodata");
            fs::create_dir_all(&repodata).unwrap();
            fs::write(repodata.join("repomd.xml"), number).unwrap();
            fs::write(repodata.join("repomd.xml.asc"), format!("signature {number}")).unwrap();
        }
        let (pairs, served) = (Pairs::default(), dir.path().join("repomd.xml"));
        fs::hard_link(dir.path().join("snapshots/1/repodata/repomd.xml"), &served).unwrap();
        pairs.gave(client("dnf"), &File::open(&served).unwrap()).unwrap();
        let inode = pairs.given(&client("dnf")).unwrap();
        let signature = io::read_to_string(signature_of(dir.path(), inode).unwrap()).unwrap();
        assert_eq!(signature, "signature 1");
        assert_eq!(pairs.given(&client("yum")), None);
        assert!(signature_of(dir.path(), 0).is_none());
    }
}
