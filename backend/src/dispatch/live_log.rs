//! A build's output while it grows, in the public tree so that users can follow it.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use coppice_model::Attempt;
use nix::fcntl::OFlag;

/// What the builder's bytes at some offset did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Append {
    Taken,
    /// Bytes before the offset are missing.
    Gap,
}

#[derive(Debug)]
pub struct LiveLog {
    path: PathBuf,
    limit: u64,
    file: Option<File>,
    /// How many of the builder's bytes are here or were cut.
    length: u64,
    cut: bool,
}

impl LiveLog {
    /// Goes on with what an earlier run of the backend wrote.
    pub fn resume(path: PathBuf, limit: u64) -> Self {
        let length = fs::symlink_metadata(&path).map(|meta| meta.len()).unwrap_or_default();
        // Only the mark of the cut lies beyond the limit.
        Self { path, limit, file: None, length, cut: length > limit }
    }

    /// An empty log, visible from the first moment.
    pub fn create(path: PathBuf, limit: u64) -> io::Result<Self> {
        let dir = path.parent().ok_or_else(|| io::Error::other("the log has no folder"))?;
        fs::create_dir_all(dir)?;
        let file = open(&path)?;
        file.set_len(0)?;
        Ok(Self { path, limit, file: Some(file), length: 0, cut: false })
    }

    pub fn length(&self) -> u64 {
        self.length
    }

    /// Writes what is new in `bytes`, which begin at `offset` of the builder's output. Repeats change nothing.
    pub fn append(&mut self, offset: u64, bytes: &[u8]) -> io::Result<Append> {
        let end = offset.saturating_add(bytes.len() as u64);
        if self.cut {
            self.length = self.length.max(end);
            return Ok(Append::Taken);
        }
        if offset > self.length {
            return Ok(Append::Gap);
        }
        if end <= self.length {
            return Ok(Append::Taken);
        }
        let known = usize::try_from(self.length - offset).unwrap_or(usize::MAX);
        self.write(&bytes[known.min(bytes.len())..])?;
        self.length = end;
        Ok(Append::Taken)
    }

    fn write(&mut self, fresh: &[u8]) -> io::Result<()> {
        let (limit, at) = (self.limit, self.length);
        let room = usize::try_from(limit.saturating_sub(at)).unwrap_or(usize::MAX);
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(open(&self.path)?),
        };
        if fresh.len() <= room {
            return file.write_all_at(fresh, at);
        }
        file.write_all_at(&fresh[..room], at)?;
        file.write_all_at(cut_mark(limit).as_bytes(), at + room as u64)?;
        self.cut = true;
        Ok(())
    }
}

fn cut_mark(limit: u64) -> String {
    format!("\n[the log was cut here: it is longer than {limit} bytes]\n")
}

/// Never follows a link, and never truncates: bytes are written where they belong.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o644).custom_flags(OFlag::O_NOFOLLOW.bits());
    options.open(path)
}

/// Keeps the log of an attempt that another one follows, beside the live log; absent is fine.
pub fn archive(live: &Path, attempt: Attempt) -> io::Result<()> {
    let Ok(mut source) = File::open(live) else { return Ok(()) };
    let dir = live.parent().ok_or_else(|| io::Error::other("the log has no folder"))?;
    let mut temporary = tempfile::Builder::new().prefix(".new-").tempfile_in(dir)?;
    let mut packed = flate2::write::GzEncoder::new(temporary.as_file_mut(), flate2::Compression::default());
    io::copy(&mut source, &mut packed)?;
    packed.finish()?.sync_all()?;
    let public = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o644);
    temporary.as_file().set_permissions(public)?;
    temporary.persist(dir.join(format!("builder-live.attempt-{attempt}.log.gz"))).map_err(|e| e.error)?;
    fs::remove_file(live)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_and_overlaps_are_written_once_and_a_gap_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x/live.log");
        let mut log = LiveLog::create(path.clone(), 100).unwrap();
        assert_eq!(log.append(0, b"hello ").unwrap(), Append::Taken);
        assert_eq!(log.append(0, b"hello ").unwrap(), Append::Taken);
        assert_eq!(log.append(3, b"lo world").unwrap(), Append::Taken);
        assert_eq!(log.append(50, b"far").unwrap(), Append::Gap);
        assert_eq!((log.length(), fs::read(&path).unwrap()), (11, b"hello world".to_vec()));
    }

    #[test]
    fn a_long_log_is_cut_once_with_a_mark_also_over_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("live.log");
        let mut log = LiveLog::create(path.clone(), 10).unwrap();
        log.append(0, b"0123456").unwrap();
        log.append(7, b"789abcdef").unwrap();
        assert_eq!(log.length(), 16);
        let mut log = LiveLog::resume(path.clone(), 10);
        log.append(16, b"more and more").unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("0123456789\n[the log was cut"), "{text}");
        assert_eq!(text.matches("cut here").count(), 1);
        assert!(!text.contains("more and"), "{text}");
    }

    #[test]
    fn the_log_never_writes_through_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let (path, outside) = (dir.path().join("live.log"), dir.path().join("outside"));
        fs::write(&outside, b"kept").unwrap();
        std::os::unix::fs::symlink(&outside, &path).unwrap();
        assert!(LiveLog::create(path, 10).is_err());
        assert_eq!(fs::read(&outside).unwrap(), b"kept");
    }
}
