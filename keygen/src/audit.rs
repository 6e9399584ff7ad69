//! Who had what signed with which key, and who was refused: JSON lines that are only appended.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::{Mutex, PoisonError},
};

use coppice_runtime::Clock;
use serde::Serialize;

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    KeyMade,
    /// A key that was made ahead got its project.
    KeyTakenFromPool,
    KeyRenewed,
    RotationBegun,
    RotationFinished,
    Signed,
    Refused,
}

#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    pub outcome: Outcome,
    /// Address of the peer, or `bus`.
    pub who: String,
    /// The task or action that the request was for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// `owner/project`; for a refused request the address that it named.
    pub project: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Of the signed content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Entry {
    pub fn new(outcome: Outcome, who: &str, project: String) -> Self {
        let who = who.to_owned();
        Self {
            outcome,
            who,
            subject: None,
            project,
            label: None,
            sha256: None,
            fingerprint: None,
            reason: None,
        }
    }
}

#[derive(Serialize)]
struct Line<'a> {
    time: i64,
    #[serde(flatten)]
    entry: &'a Entry,
}

#[derive(Debug)]
pub struct Audit {
    file: Mutex<File>,
    clock: Clock,
}

impl Audit {
    pub fn open(path: &Path, clock: Clock) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        Ok(Self { file: Mutex::new(file), clock })
    }

    /// Returns when the lines are on the disk.
    pub fn write(&self, entries: &[Entry]) -> io::Result<()> {
        let time = self.clock.now().0;
        let mut lines = Vec::new();
        for entry in entries {
            serde_json::to_writer(&mut lines, &Line { time, entry })?;
            lines.push(b'\n');
        }
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(&lines)?;
        file.sync_data()
    }
}
