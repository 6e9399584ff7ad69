//! A package on its way in, read once: its header comes first and is checked against the task and signed; then the
//! payload passes by, hashed on its way to the disk.

use std::time::Duration;

use bytes::Bytes;
use coppice_model::{result_file::ResultFileName, work::RpmWork};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    results::{IngestError, Results},
    rpmfile::{PayloadHash, RpmFile, RpmFileError, head_len, signed_head},
};

/// A keygen that does not answer for so long is asked again when the build is finished.
const SIGN_LIMIT: Duration = Duration::from_secs(10);

/// What is known of a package that a builder sent; kept with the attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    /// Of the file as it lies in the staging, its signature included.
    pub sha256: String,
    pub size: u64,
    pub verdict: Verdict,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// It is what its task asked for, and signed. `is_proven`: its payload is what its signed header says; packages
    /// of RPM before 4.14 say nothing of it.
    Signed { by: String, is_proven: bool },
    /// Nobody could sign it when it came.
    Unsigned,
    /// It is never signed; the sentence is for the user.
    Refused { why: String },
}

pub struct Intake {
    results: Results,
    work: RpmWork,
    name: ResultFileName,
    state: State,
    sha256: Sha256,
    size: u64,
}

enum State {
    /// Lead and headers, as far as they have come.
    Head(Vec<u8>),
    Payload {
        verdict: Verdict,
        hash: Option<Box<PayloadHash>>,
    },
}

impl Intake {
    pub fn new(results: Results, work: RpmWork, name: ResultFileName) -> Self {
        Self { results, work, name, state: State::Head(Vec::new()), sha256: Sha256::new(), size: 0 }
    }

    /// What is to be written for these bytes.
    pub async fn take(&mut self, bytes: &Bytes) -> Vec<Bytes> {
        let out = match &mut self.state {
            State::Payload { hash, .. } => {
                if let Some(hash) = hash {
                    hash.update(bytes);
                }
                vec![bytes.clone()]
            }
            State::Head(head) => {
                head.extend_from_slice(bytes);
                match head_len(head) {
                    Ok(Some(length)) if length <= head.len() => self.open(length).await,
                    Ok(_) => Vec::new(),
                    Err(error) => self.give_up(&error),
                }
            }
        };
        for piece in &out {
            self.sha256.update(piece);
            self.size += piece.len() as u64;
        }
        out
    }

    /// What still waits to be written, and what is known of the file.
    pub fn end(mut self) -> (Vec<Bytes>, Received) {
        let rest = match &self.state {
            State::Head(_) => self.give_up(&RpmFileError::Truncated),
            State::Payload { .. } => Vec::new(),
        };
        for piece in &rest {
            self.sha256.update(piece);
            self.size += piece.len() as u64;
        }
        let State::Payload { verdict, hash } = self.state else {
            return (rest, self.refused("it ends too early"));
        };
        let verdict = match (verdict, hash.map(|hash| hash.is_as_expected())) {
            (Verdict::Signed { .. } | Verdict::Unsigned, Some(false)) => {
                Verdict::Refused { why: refusal(&self.name, &RpmFileError::Payload) }
            }
            (verdict, _) => verdict,
        };
        let sha256 = hex::encode(self.sha256.finalize());
        (rest, Received { sha256, size: self.size, verdict })
    }

    fn refused(&self, why: &str) -> Received {
        let why = format!("{} is refused: {why}", self.name);
        Received { sha256: String::new(), size: self.size, verdict: Verdict::Refused { why } }
    }

    /// The headers are here.
    async fn open(&mut self, length: usize) -> Vec<Bytes> {
        let State::Head(head) = &mut self.state else { return Vec::new() };
        let mut head = std::mem::take(head);
        let payload = Bytes::from(head.split_off(length));
        let rpm = match RpmFile::read(&mut head.as_slice()) {
            Ok(rpm) => rpm,
            Err(error) => {
                self.state = State::Head([head, payload.to_vec()].concat());
                return self.give_up(&error);
            }
        };
        let mut hash = PayloadHash::of(&rpm);
        if let Ok(Some(hash)) = &mut hash {
            hash.update(&payload);
        }
        let (verdict, signed) = match &hash {
            Ok(hash) => self.sign(rpm, hash.is_some()).await,
            Err(error) => (Verdict::Refused { why: refusal(&self.name, error) }, None),
        };
        self.state = State::Payload { verdict, hash: hash.ok().flatten().map(Box::new) };
        vec![Bytes::from(signed.unwrap_or(head)), payload]
    }

    /// The signed headers, when the package is what its task asked for and keygen answers in time.
    async fn sign(&self, rpm: RpmFile, is_proven: bool) -> (Verdict, Option<Vec<u8>>) {
        match self.results.check_one(&self.work, &self.name, rpm.clone()).await {
            Err(IngestError::Refused(why)) => return (Verdict::Refused { why }, None),
            Err(IngestError::Unavailable(_)) => return (Verdict::Unsigned, None),
            Ok(()) => {}
        }
        let asked = self.results.sign_header(&self.work, &self.name, rpm.header.bytes().to_vec());
        let answered = tokio::time::timeout(SIGN_LIMIT, asked).await;
        let Ok(Ok((by, signature))) = answered else { return (Verdict::Unsigned, None) };
        match signed_head(&rpm, &signature) {
            Ok(head) => (Verdict::Signed { by, is_proven }, Some(head)),
            Err(_) => (Verdict::Unsigned, None),
        }
    }

    /// Whatever it is, it is no package: it is stored as it comes.
    fn give_up(&mut self, error: &RpmFileError) -> Vec<Bytes> {
        let verdict = Verdict::Refused { why: refusal(&self.name, error) };
        match std::mem::replace(&mut self.state, State::Payload { verdict, hash: None }) {
            State::Head(head) => vec![Bytes::from(head)],
            State::Payload { .. } => Vec::new(),
        }
    }
}

fn refusal(name: &ResultFileName, error: &RpmFileError) -> String {
    format!("{name} is refused: {error}")
}
