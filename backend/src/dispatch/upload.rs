//! One file on its way from a builder: hashed while it is written, in place only when it is what was declared.

use std::sync::Arc;

use bytes::Bytes;
use coppice_model::{
    agent::{Job, SentFile},
    work::TaskId,
};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt;

use super::{Dispatch, Refused, intake::Intake};
use crate::job::AttemptKey;

/// More files than any build makes.
const MOST_FILES: usize = 5_000;

/// Dropped before its end it leaves nothing behind.
pub struct Upload {
    declared: SentFile,
    temporary: NamedTempFile,
    file: tokio::fs::File,
    hash: Sha256,
    written: u64,
    /// Of a package of a build.
    intake: Option<Intake>,
    reservation: Reservation,
}

/// Room in the attempt's quota, held while a file is on its way.
#[derive(Debug)]
struct Reservation {
    dispatch: Arc<Dispatch>,
    key: AttemptKey,
    size: u64,
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if let Some(lease) = self.dispatch.lock().leases.get_mut(&self.key) {
            lease.reserved_bytes = lease.reserved_bytes.saturating_sub(self.size);
        }
    }
}

impl Upload {
    /// Reserves room and makes a temporary file with a name that nobody could guess or link to.
    pub fn begin(
        dispatch: &Arc<Dispatch>,
        task: &TaskId,
        token: &str,
        declared: SentFile,
    ) -> Result<Self, Refused> {
        let key = dispatch.authorise(task, token)?;
        ensure_hash(&declared.sha256)?;
        let size = declared.size;
        let incoming = reserve(dispatch, &key, &declared)?;
        let intake = intake(dispatch, &key, &declared)?;
        let reservation = Reservation { dispatch: Arc::clone(dispatch), key, size };
        let temporary = tempfile::Builder::new().prefix("in-").tempfile_in(incoming)?;
        let file = tokio::fs::File::from_std(temporary.as_file().try_clone()?);
        Ok(Self { declared, temporary, file, hash: Sha256::new(), written: 0, intake, reservation })
    }

    pub async fn write(&mut self, bytes: &Bytes) -> Result<(), Refused> {
        self.written = self.written.saturating_add(bytes.len() as u64);
        if self.written > self.declared.size {
            return Err(Refused::Mismatch(format!("{} is longer than declared", self.declared.name)));
        }
        self.hash.update(bytes);
        match &mut self.intake {
            None => self.file.write_all(bytes).await?,
            Some(intake) => {
                for piece in intake.take(bytes).await {
                    self.file.write_all(&piece).await?;
                }
            }
        }
        self.reservation.dispatch.heard_from(&self.reservation.key)
    }

    /// Checks, writes through to the disk and moves into place; the same file sent again replaces itself.
    pub async fn keep(mut self) -> Result<(), Refused> {
        if self.written != self.declared.size {
            return Err(Refused::Mismatch(format!("{} is shorter than declared", self.declared.name)));
        }
        if hex::encode(self.hash.finalize()) != self.declared.sha256 {
            return Err(Refused::Mismatch(format!("the checksum of {} is wrong", self.declared.name)));
        }
        let received = self.intake.take().map(Intake::end);
        if let Some((rest, _)) = &received {
            for piece in rest {
                self.file.write_all(piece).await?;
            }
        }
        self.file.flush().await?;
        self.file.sync_all().await?;
        let Reservation { dispatch, key, .. } = &self.reservation;
        let mut inner = dispatch.lock();
        let lease = inner.running_mut(key)?;
        // A rename replaces whatever has the name and follows no link.
        let place = lease.place.files().join(self.declared.name.as_str());
        self.temporary.persist(place).map_err(|e| e.error)?;
        lease.record.sent.insert(self.declared.name.clone(), self.declared.clone());
        if let Some((_, received)) = received {
            lease.record.received.insert(self.declared.name.clone(), received);
        }
        lease.place.write(&lease.record)?;
        drop(inner);
        Ok(())
    }
}

/// Packages of a build are looked into as they come; everything else is stored as it is.
fn intake(dispatch: &Dispatch, key: &AttemptKey, declared: &SentFile) -> Result<Option<Intake>, Refused> {
    let inner = dispatch.lock();
    let job = &inner.running(key)?.record.job;
    Ok(match job {
        Job::Rpm(work) if declared.name.is_rpm() => {
            Some(Intake::new(dispatch.parts.results.clone(), work.clone(), declared.name.clone()))
        }
        _ => None,
    })
}

fn reserve(
    dispatch: &Dispatch,
    key: &AttemptKey,
    declared: &SentFile,
) -> Result<std::path::PathBuf, Refused> {
    let mut inner = dispatch.lock();
    let lease = inner.running_mut(key)?;
    if !lease.has_room_for(declared) {
        return Err(Refused::TooLarge(format!(
            "{} exceeds what the results of a task may take",
            declared.name
        )));
    }
    if lease.record.sent.len() >= MOST_FILES && !lease.record.sent.contains_key(&declared.name) {
        return Err(Refused::TooLarge(format!("more than {MOST_FILES} files")));
    }
    lease.reserved_bytes = lease.reserved_bytes.saturating_add(declared.size);
    Ok(lease.place.incoming())
}

fn ensure_hash(text: &str) -> Result<(), Refused> {
    let plain = text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    if plain { Ok(()) } else { Err(Refused::Bad("sha256 must be 64 lower-case hexadecimal digits".into())) }
}
