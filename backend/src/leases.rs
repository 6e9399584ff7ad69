//! Running attempts: who builds, until when without a word, and what was sent. On disk beside what was sent,
//! so that a restarted backend goes on with them.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use coppice_model::{
    UnixTime,
    agent::{Finish, Job, SentFile},
    result_file::ResultFileName,
    work::TaskId,
};
use coppice_runtime::files;
use serde::{Deserialize, Serialize};

use crate::{
    dispatch::{intake::Received, live_log::LiveLog},
    job::{self, AttemptKey},
    machines::MachineId,
    queue::Load,
    shelf,
};

const RECORD: &str = "attempt.json";
const FINISH: &str = "finish.json";
const FILES: &str = "files";
const INCOMING: &str = "incoming";

/// What is known of an attempt after a restart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptRecord {
    pub job: Job,
    pub machine: MachineId,
    pub token_hash: String,
    pub taken_at: UnixTime,
    /// Whether the builder has said a word.
    pub started: bool,
    pub cancel_at: Option<UnixTime>,
    pub sent: BTreeMap<ResultFileName, SentFile>,
    /// What was learned of packages while they came.
    #[serde(default)]
    pub received: BTreeMap<ResultFileName, Received>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Running,
    /// Its finish is being written down.
    Finishing,
    /// Its token opens nothing any more; the outcome is being worked out.
    Ended,
}

#[derive(Debug)]
pub struct Lease {
    pub record: AttemptRecord,
    pub until: UnixTime,
    pub phase: Phase,
    /// Sum of the declared sizes of files on their way.
    pub reserved_bytes: u64,
    pub log: Arc<tokio::sync::Mutex<LiveLog>>,
    pub place: AttemptDir,
}

/// An attempt's folder: the record, the files that arrived, the files on their way, the finish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptDir(PathBuf);

impl AttemptDir {
    pub fn new(staging: &Path, key: &AttemptKey) -> Self {
        Self(staging.join(key.to_string()))
    }

    pub fn create(&self) -> io::Result<()> {
        self.remove()?;
        fs::create_dir_all(self.files())?;
        fs::create_dir_all(self.incoming())
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn files(&self) -> PathBuf {
        self.0.join(FILES)
    }

    pub fn incoming(&self) -> PathBuf {
        self.0.join(INCOMING)
    }

    pub fn write(&self, record: &AttemptRecord) -> io::Result<()> {
        shelf::write_unsynced(&self.0.join(RECORD), &serde_json::to_vec(record)?)
    }

    /// From here on the results are ours to finish, whatever happens to the builder.
    pub fn write_finish(&self, record: &AttemptRecord, finish: &Finish) -> io::Result<()> {
        files::sync_dir(&self.files())?;
        files::write_atomic(&self.0.join(RECORD), &serde_json::to_vec(record)?)?;
        files::write_atomic(&self.0.join(FINISH), &serde_json::to_vec(finish)?)
    }

    pub fn read_finish(&self) -> io::Result<Option<Finish>> {
        match fs::read(self.0.join(FINISH)) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    pub fn remove(&self) -> io::Result<()> {
        files::remove_all(&self.0)
    }

    fn read(&self) -> io::Result<AttemptRecord> {
        Ok(serde_json::from_slice(&fs::read(self.0.join(RECORD))?)?)
    }
}

/// Every attempt that an earlier run left. Half-made folders, which no builder knows of, are removed.
pub fn load(staging: &Path) -> io::Result<Vec<(AttemptDir, AttemptRecord)>> {
    fs::create_dir_all(staging)?;
    let mut found = Vec::new();
    for entry in fs::read_dir(staging)? {
        let dir = AttemptDir(entry?.path());
        match dir.read() {
            Ok(record) => {
                // Files that were on their way come again; their old halves only take room.
                files::remove_all(&dir.incoming())?;
                fs::create_dir_all(dir.incoming())?;
                found.push((dir, record));
            }
            Err(error) => {
                tracing::warn!(path = %dir.path().display(), %error, "removed an attempt without a record");
                dir.remove()?;
            }
        }
    }
    Ok(found)
}

/// All attempts that are not closed yet.
#[derive(Debug, Default)]
pub struct Leases(BTreeMap<AttemptKey, Lease>);

impl Leases {
    pub fn insert(&mut self, lease: Lease) {
        self.0.insert(AttemptKey::of(&lease.record.job), lease);
    }

    pub fn get(&self, key: &AttemptKey) -> Option<&Lease> {
        self.0.get(key)
    }

    pub fn get_mut(&mut self, key: &AttemptKey) -> Option<&mut Lease> {
        self.0.get_mut(key)
    }

    pub fn remove(&mut self, key: &AttemptKey) -> Option<Lease> {
        self.0.remove(key)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&AttemptKey, &Lease)> {
        self.0.iter()
    }

    /// The newest attempt of a task that is not closed yet.
    pub fn of_task(&self, task: &TaskId) -> Option<(&AttemptKey, &Lease)> {
        self.0.iter().rev().find(|(key, _)| key.task == *task)
    }

    pub fn of_machine(&self, machine: &MachineId) -> Option<(&AttemptKey, &Lease)> {
        self.0.iter().find(|(_, lease)| lease.record.machine == *machine && lease.phase != Phase::Ended)
    }

    pub fn by_token(&self, task: &TaskId, token_hash: &str) -> Option<&AttemptKey> {
        let own =
            |(key, lease): &(&AttemptKey, &Lease)| key.task == *task && lease.record.token_hash == token_hash;
        self.0.iter().find(own).map(|(key, _)| key)
    }

    /// What occupies machines, for the limits.
    pub fn load(&self) -> Load {
        let mut load = Load::default();
        for lease in self.0.values().filter(|lease| lease.phase != Phase::Ended) {
            load.add(&lease.record.job);
        }
        load
    }

    pub fn running(&self) -> usize {
        self.0.values().filter(|lease| lease.phase != Phase::Ended).count()
    }
}

impl Lease {
    /// Whether the file is within the task's limit; it may replace one of the same name.
    pub fn has_room_for(&self, file: &SentFile) -> bool {
        let others = self.record.sent.values().filter(|sent| sent.name != file.name);
        let taken = others.map(|sent| sent.size).sum::<u64>().saturating_add(self.reserved_bytes);
        taken.saturating_add(file.size) <= job::limits(&self.record.job).result_bytes
    }
}
