//! The live log: bounded, on disk, readable from any offset, so that a backend that was away gets all of it.

mod stages;

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::FileExt,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::Notify;

use stages::Stages;

const TAIL_BYTES: usize = 256 << 10;
/// Kept free for the agent's own lines after the cut.
const RESERVE_BYTES: u64 = 8 << 10;

/// A file that takes no more than its limit, marks the cut and swallows the rest.
#[derive(Debug)]
struct Capped {
    file: File,
    length: u64,
    limit: u64,
    cut: bool,
}

impl Capped {
    fn open(path: &Path, limit: u64) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).read(true).append(true).open(path)?;
        let length = file.metadata()?.len();
        Ok(Self { file, length, limit, cut: length >= limit })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.cut {
            return Ok(());
        }
        let marker = format!("\n==> the log was cut here: more than {} bytes\n", self.limit);
        let room = self.limit.saturating_sub(self.length + marker.len() as u64);
        if bytes.len() as u64 <= room {
            return self.append(bytes);
        }
        self.cut = true;
        let fitting = usize::try_from(room).unwrap_or(0).min(bytes.len());
        self.append(&bytes[..fitting])?;
        self.append(marker.as_bytes())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.length += bytes.len() as u64;
        Ok(())
    }
}

/// Shared by everybody who has something to say about the attempt.
#[derive(Debug, Clone)]
pub struct Log(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    file: Mutex<Capped>,
    stages: Mutex<Stages>,
    reader: File,
    length: AtomicU64,
    grown: Notify,
}

impl Log {
    pub fn create(path: &Path, limit: u64) -> io::Result<Self> {
        let file = Capped::open(path, limit.saturating_sub(RESERVE_BYTES.min(limit / 2)))?;
        let reader = File::open(path)?;
        let length = AtomicU64::new(file.length);
        let (file, stages, grown) = (Mutex::new(file), Mutex::new(Stages::begin()), Notify::new());
        Ok(Self(Arc::new(Shared { file, stages, reader, length, grown })))
    }

    /// What a program printed. Below the first line of each stage stands when it came.
    pub fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let mut file = self.lock();
        let written = self.write_with_times(&mut file, bytes);
        self.publish(&file);
        written
    }

    fn write_with_times(&self, file: &mut Capped, bytes: &[u8]) -> io::Result<()> {
        let mut stages = self.stages();
        let mut rest = bytes;
        while let Some(end) = stages.end_of_next(rest) {
            let (stage, after) = rest.split_at(end);
            file.write(stage)?;
            file.write(stages.time().as_bytes())?;
            rest = after;
        }
        file.write(rest)
    }

    /// A line of the agent itself, and when it was written. It is kept even when the build's output was cut.
    pub fn stage(&self, what: &str) {
        tracing::info!("{what}");
        let mut file = self.lock();
        let line = format!("==> {what}\n{}", self.stages().interrupt());
        let full = file.length + line.len() as u64 > file.limit + RESERVE_BYTES.min(file.limit);
        if !full && let Err(error) = file.append(line.as_bytes()) {
            tracing::error!("writing the live log: {error}");
        }
        self.publish(&file);
    }

    pub fn length(&self) -> u64 {
        self.0.length.load(Ordering::Acquire)
    }

    /// At most `most` bytes from `offset`.
    pub fn read(&self, offset: u64, most: usize) -> io::Result<Vec<u8>> {
        let there = usize::try_from(self.length().saturating_sub(offset)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; there.min(most)];
        self.0.reader.read_exact_at(&mut bytes, offset)?;
        Ok(bytes)
    }

    /// Waits until there is more than `offset`.
    pub async fn longer_than(&self, offset: u64) {
        loop {
            let grown = self.0.grown.notified();
            if self.length() > offset {
                return;
            }
            grown.await;
        }
    }

    fn publish(&self, file: &Capped) {
        self.0.length.store(file.length, Ordering::Release);
        self.0.grown.notify_waiters();
        self.0.grown.notify_one();
    }

    fn stages(&self) -> MutexGuard<'_, Stages> {
        self.0.stages.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Capped> {
        self.0.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Where a command's output goes: the live log, a log file among the results, and a tail to judge by.
#[derive(Debug)]
pub struct Output {
    log: Option<Log>,
    file: Option<Capped>,
    tail: Vec<u8>,
}

impl Output {
    /// Into the live log and, appended, into a log file.
    pub fn new(log: &Log, file: &Path, limit: u64) -> io::Result<Self> {
        Ok(Self { log: Some(log.clone()), file: Some(Capped::open(file, limit)?), tail: Vec::new() })
    }

    /// Only kept for judging.
    pub fn quiet() -> Self {
        Self { log: None, file: None, tail: Vec::new() }
    }

    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(log) = &self.log {
            log.write(bytes)?;
        }
        if let Some(file) = &mut self.file {
            file.write(bytes)?;
        }
        self.remember(bytes);
        Ok(())
    }

    fn remember(&mut self, bytes: &[u8]) {
        let bytes = &bytes[bytes.len().saturating_sub(TAIL_BYTES)..];
        self.tail.extend_from_slice(bytes);
        if self.tail.len() > 2 * TAIL_BYTES {
            self.tail.drain(..self.tail.len() - TAIL_BYTES);
        }
    }

    pub fn tail(&self) -> String {
        String::from_utf8_lossy(&self.tail).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_beyond_the_limit_is_cut_once_and_the_agents_lines_still_fit() {
        let dir = tempfile::tempdir().unwrap();
        let log = Log::create(&dir.path().join("live"), 100_000).unwrap();
        for _ in 0..1_000 {
            log.write(&[b'x'; 1_000]).unwrap();
        }
        log.stage("failed: it is too loud");
        let text = String::from_utf8(log.read(0, 1 << 20).unwrap()).unwrap();
        assert!(text.len() <= 100_000, "{}", text.len());
        assert_eq!(text.matches("the log was cut here").count(), 1);
        let (_, ending) = text.split_once("==> failed: it is too loud\n").unwrap();
        assert!(ending.starts_with("==> after 0.") && ending.ends_with(" s\n"), "{ending}");
    }

    #[test]
    fn a_gigabyte_is_swallowed_with_bounded_memory_and_the_end_is_remembered() {
        let dir = tempfile::tempdir().unwrap();
        let log = Log::create(&dir.path().join("live"), 1 << 20).unwrap();
        let mut output = Output::new(&log, &dir.path().join("build.log"), 1 << 20).unwrap();
        let block = vec![b'y'; 1 << 20];
        for _ in 0..1_024 {
            output.write(&block).unwrap();
        }
        output.write(b"\nerror: the last words\n").unwrap();
        assert!(output.tail.capacity() <= 8 * TAIL_BYTES);
        assert!(output.tail().ends_with("error: the last words\n"));
        assert!(std::fs::metadata(dir.path().join("build.log")).unwrap().len() <= 1 << 20);
    }

    #[test]
    fn any_part_of_the_log_can_be_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let log = Log::create(&dir.path().join("live"), 1 << 20).unwrap();
        log.write(b"0123456789").unwrap();
        assert_eq!(log.read(3, 4).unwrap(), b"3456");
        assert_eq!(log.read(8, 100).unwrap(), b"89");
        assert_eq!(log.read(10, 100).unwrap(), b"");
    }

    #[test]
    fn below_each_stage_stands_when_it_began_however_the_output_comes() {
        let told = "hello\nExecuting(%prep): sh\n+ true\nNot Executing(%x)\nExecuting(%build): sh\nhalf";
        for size in [1, 3, 11, 500] {
            let dir = tempfile::tempdir().unwrap();
            let log = Log::create(&dir.path().join("live"), 1 << 20).unwrap();
            let mut output = Output::new(&log, &dir.path().join("build.log"), 1 << 20).unwrap();
            log.stage("running rpmbuild");
            told.as_bytes().chunks(size).for_each(|piece| output.write(piece).unwrap());
            let text = String::from_utf8(log.read(0, 1 << 20).unwrap()).unwrap();
            let before: Vec<&str> = text
                .lines()
                .zip(text.lines().skip(1))
                .filter(|(_, next)| next.starts_with("==> after 0.") && next.ends_with(" s"))
                .map(|(line, _)| line)
                .collect();
            assert_eq!(
                before,
                ["==> running rpmbuild", "Executing(%prep): sh", "Executing(%build): sh"],
                "{text}"
            );
            // What rpmbuild printed stays as it was where tools read it.
            assert_eq!(std::fs::read_to_string(dir.path().join("build.log")).unwrap(), told);
        }
    }
}
