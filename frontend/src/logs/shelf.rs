//! Logs that were asked for, fetched once for all who read them. What lies here is bounded; what is asked for no
//! more goes first.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use coppice_model::{Attempt, work::TaskId};
use coppice_runtime::logging::with_causes;
use coppice_store::{StoreError, build_chroots, builds};

use super::{LogAddress, Spool, unpack::unpack};
use crate::{
    App,
    peers::{LogAnswer, PeerError, Peers},
};

/// More than any log of an honest builder, which ends at `rules.log_bytes`.
const MOST_BYTES: u64 = 512 << 20;
/// A running log is asked for more no oftener than this, however many read it.
const FRESH: Duration = Duration::from_millis(700);
/// So much of a running log is fetched at a time.
const PART_BYTES: u64 = 4 << 20;
const KEPT_LOGS: usize = 128;
const KEPT_BYTES: u64 = 1 << 30;

#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error(transparent)]
    Peer(#[from] PeerError),
    #[error("asking the store")]
    Store(#[from] StoreError),
    #[error("keeping a log")]
    Disk(#[from] io::Error),
}

/// Of this process. Cheap to share.
#[derive(Debug)]
pub struct Logs {
    dir: PathBuf,
    /// The one that was asked for last stands last.
    spools: Mutex<Vec<(LogAddress, Arc<Spool>)>>,
}

impl Logs {
    pub fn open(dir: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&dir)?;
        Ok(Self { dir, spools: Mutex::default() })
    }

    /// As much of a log as there is; `None` when there is none. `app` tells which attempt is the newest.
    pub async fn find(
        &self,
        app: &App,
        peers: &Peers,
        address: &LogAddress,
    ) -> Result<Option<Arc<Spool>>, LogError> {
        let spool = self.spool(address)?;
        let exists = Fetch { app, peers, address, spool: &spool }.all().await?;
        if exists {
            return Ok(Some(spool));
        }
        self.forget(address);
        Ok(None)
    }

    fn spool(&self, address: &LogAddress) -> io::Result<Arc<Spool>> {
        let mut spools = self.spools.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = spools.iter().position(|(known, _)| is_same(known, address)) {
            let mut found = spools.remove(at);
            found.0 = address.clone();
            let spool = Arc::clone(&found.1);
            spools.push(found);
            return Ok(spool);
        }
        make_room(&mut spools);
        let spool = Arc::new(Spool::new(file(&self.dir)?, MOST_BYTES));
        spools.push((address.clone(), Arc::clone(&spool)));
        Ok(spool)
    }

    fn forget(&self, address: &LogAddress) {
        let mut spools = self.spools.lock().unwrap_or_else(PoisonError::into_inner);
        spools.retain(|(known, _)| !is_same(known, address));
    }
}

/// An attempt that is not the newest any more has the same log.
fn is_same(one: &LogAddress, other: &LogAddress) -> bool {
    (&one.folder, one.attempt, one.file) == (&other.folder, other.attempt, other.file)
}

/// Readers keep what they read; its room is free when the last of them is done.
fn make_room(spools: &mut Vec<(LogAddress, Arc<Spool>)>) {
    let mut bytes: u64 = spools.iter().map(|(_, spool)| spool.bytes()).sum();
    while spools.len() >= KEPT_LOGS || bytes > KEPT_BYTES && !spools.is_empty() {
        let (_, oldest) = spools.remove(0);
        bytes -= oldest.bytes().min(bytes);
    }
}

fn file(dir: &Path) -> io::Result<fs::File> {
    tempfile::tempfile_in(dir)
}

struct Fetch<'a> {
    app: &'a App,
    peers: &'a Peers,
    address: &'a LogAddress,
    spool: &'a Arc<Spool>,
}

impl Fetch<'_> {
    /// Everything that is new; `false` when there is no such log.
    async fn all(&self) -> Result<bool, LogError> {
        let mut asked = self.spool.asked.lock().await;
        let is_fresh = self.address.is_live && asked.is_some_and(|at| at.elapsed() < FRESH);
        if self.spool.is_complete() || is_fresh {
            return Ok(true);
        }
        let mut exists = self.spool.bytes() > 0;
        for path in self.address.paths() {
            if self.from(&path).await? {
                exists = true;
                break;
            }
        }
        *asked = exists.then(Instant::now);
        Ok(exists)
    }

    async fn from(&self, path: &str) -> Result<bool, LogError> {
        loop {
            match self.peers.log(path, self.spool.bytes(), PART_BYTES).await? {
                LogAnswer::Absent => return Ok(false),
                LogAnswer::NothingNew => return Ok(true),
                LogAnswer::Packed(_) => return self.packed(path).await,
                LogAnswer::Part(mut answer) => {
                    let mut part = Vec::new();
                    while let Some(piece) = answer.chunk().await.map_err(silent)? {
                        part.extend_from_slice(&piece);
                        if part.len() as u64 > PART_BYTES {
                            break;
                        }
                    }
                    if !self.append(part).await? {
                        return Ok(true);
                    }
                }
            }
        }
    }

    /// `false` when nothing more is to be had now.
    async fn append(&self, part: Vec<u8>) -> Result<bool, LogError> {
        let is_full = part.len() as u64 >= PART_BYTES;
        if part.is_empty() || !self.is_still_ours().await? {
            return Ok(false);
        }
        let spool = Arc::clone(self.spool);
        let written = tokio::task::spawn_blocking(move || spool.append(&part)).await;
        written.map_err(io::Error::other)??;
        Ok(is_full)
    }

    /// The next attempt writes into a file of the same name. It begins only after the store knows of it: when this
    /// attempt is the newest after the bytes came, they are its bytes.
    async fn is_still_ours(&self) -> Result<bool, LogError> {
        let task = self.address.task.clone();
        Ok(newest_attempt(self.app, task).await? == Some(self.address.attempt))
    }

    /// A log that came to its end. What is here already is skipped.
    async fn packed(&self, path: &str) -> Result<bool, LogError> {
        let LogAnswer::Packed(answer) = self.peers.log(path, 0, u64::MAX).await? else { return Ok(false) };
        match unpack(answer, self.spool).await {
            Ok(()) => {}
            // Whoever packed it, what came out of it is shown.
            Err(LogError::Disk(error)) if error.kind() != io::ErrorKind::StorageFull => {
                tracing::warn!(path, error = with_causes(&error), "a log could not be read to its end");
            }
            Err(error) => return Err(error),
        }
        self.spool.finish();
        Ok(true)
    }
}

pub(super) fn silent(error: reqwest::Error) -> PeerError {
    PeerError::Silent("the server of the results", error)
}

/// Of a task; `None` when its build is gone.
async fn newest_attempt(app: &App, task: TaskId) -> Result<Option<Attempt>, StoreError> {
    let read = app.store.read(move |conn| match &task {
        TaskId::Source(build) => Ok(builds::find(conn, *build)?.map(|view| view.build.source_attempt)),
        TaskId::Rpm(build, chroot) => {
            Ok(build_chroots::find(conn, *build, chroot.as_str())?.map(|chroot| chroot.attempt))
        }
    });
    read.await
}
