//! A log on our own disk: in a file without a name, so that it is gone when nobody reads it any more.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    os::unix::fs::FileExt,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use super::{
    clean::clean,
    failure::Failure,
    scan::{Kind, Scan, Stage},
};

/// Of a longer line only the beginning is looked at.
const LINE_BYTES: u64 = 32 << 10;

/// A line as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    pub n: u64,
    pub kind: Kind,
    pub text: String,
}

#[derive(Debug)]
pub struct Spool {
    file: File,
    limit: u64,
    scan: Mutex<Scan>,
    is_complete: AtomicBool,
    /// When it was last asked for more; whoever asks holds it.
    pub(super) asked: tokio::sync::Mutex<Option<Instant>>,
}

/// What stands at the head of a page, all of one moment.
#[derive(Debug, Clone)]
pub struct Overview {
    pub bytes: u64,
    pub lines: u64,
    pub stages: Vec<Stage>,
    /// The newest time that the builder noted, in tenths of a second after the beginning.
    pub until: u64,
    pub errors: u64,
    pub failure: Failure,
    pub is_complete: bool,
}

impl Spool {
    /// Takes no more than `limit` bytes.
    pub fn new(file: File, limit: u64) -> Self {
        Self {
            file,
            limit,
            scan: Mutex::default(),
            is_complete: AtomicBool::new(false),
            asked: tokio::sync::Mutex::default(),
        }
    }

    fn scan(&self) -> MutexGuard<'_, Scan> {
        self.scan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn bytes(&self) -> u64 {
        self.scan().bytes()
    }

    /// Complete ones.
    pub fn line_count(&self) -> u64 {
        self.scan().lines()
    }

    /// Nothing is added any more.
    pub fn is_complete(&self) -> bool {
        self.is_complete.load(Ordering::Acquire)
    }

    /// Only one at a time: whoever holds `asked`.
    pub(super) fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let at = self.bytes();
        if at + bytes.len() as u64 > self.limit {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the log is longer than any log may be"));
        }
        self.file.write_all_at(bytes, at)?;
        self.scan().take(bytes);
        Ok(())
    }

    pub(super) fn finish(&self) {
        self.scan().finish();
        self.is_complete.store(true, Ordering::Release);
    }

    pub fn overview(&self) -> Overview {
        let scan = self.scan();
        Overview {
            bytes: scan.bytes(),
            lines: scan.lines(),
            stages: scan.stages().to_vec(),
            until: scan.until(),
            errors: scan.error_count(),
            failure: scan.failure(),
            is_complete: self.is_complete(),
        }
    }

    /// At most `most` lines from line `from` on, and no more text than `most_bytes`.
    pub fn lines(&self, from: u64, most: u64, most_bytes: usize) -> io::Result<Vec<Shown>> {
        let mut shown = Vec::new();
        let mut room = most_bytes;
        self.walk(from, |n, bytes| {
            let text = clean(bytes);
            let kind = Kind::of(&String::from_utf8_lossy(bytes));
            room = room.saturating_sub(text.len());
            shown.push(Shown { n, kind, text });
            (shown.len() as u64) < most && room > 0
        })?;
        Ok(shown)
    }

    /// The first lines that hold `words`, in whatever case, and whether there are more.
    pub fn search(&self, words: &str, most: usize) -> io::Result<(Vec<Shown>, bool)> {
        let wanted = words.to_ascii_lowercase().into_bytes();
        let mut found = Vec::new();
        let mut lower = Vec::new();
        let mut has_more = false;
        self.walk(1, |n, bytes| {
            lower.clear();
            lower.extend_from_slice(bytes);
            lower.make_ascii_lowercase();
            if holds(&lower, &wanted) {
                has_more = found.len() == most;
                if !has_more {
                    let kind = Kind::of(&String::from_utf8_lossy(bytes));
                    found.push(Shown { n, kind, text: clean(bytes) });
                }
            }
            !has_more
        })?;
        Ok((found, has_more))
    }

    /// Complete lines from `from` on, without their ends, until `each` says no.
    fn walk(&self, from: u64, mut each: impl FnMut(u64, &[u8]) -> bool) -> io::Result<()> {
        let ((mut n, offset), last, end) = {
            let scan = self.scan();
            (scan.mark(from), scan.lines(), scan.bytes())
        };
        let mut reader = BufReader::with_capacity(64 << 10, Section { file: &self.file, at: offset, end });
        let mut line = Vec::new();
        while n <= last {
            line.clear();
            read_line(&mut reader, &mut line)?;
            if n >= from && !each(n, &line) {
                return Ok(());
            }
            n += 1;
        }
        Ok(())
    }
}

/// Reads one line and keeps its beginning.
fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<()> {
    reader.by_ref().take(LINE_BYTES).read_until(b'\n', line)?;
    if line.last() == Some(&b'\n') {
        line.pop();
    } else if line.len() as u64 == LINE_BYTES {
        reader.skip_until(b'\n')?;
    }
    Ok(())
}

/// A part of a file that others read too.
struct Section<'a> {
    file: &'a File,
    at: u64,
    end: u64,
}

impl Read for Section<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        let count = self.file.read_at(&mut buffer[..wanted], self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

/// Whether `wanted` stands in `text`; both in lower case.
fn holds(text: &[u8], wanted: &[u8]) -> bool {
    let Some((first, rest)) = wanted.split_first() else { return false };
    let mut left = text;
    while let Some(at) = left.iter().position(|byte| byte == first) {
        left = &left[at + 1..];
        if left.starts_with(rest) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spool(log: &[u8]) -> Spool {
        let spool = Spool::new(tempfile::tempfile().unwrap(), 4 << 20);
        spool.append(log).unwrap();
        spool
    }

    fn numbers(lines: &[Shown]) -> Vec<u64> {
        lines.iter().map(|line| line.n).collect()
    }

    #[test]
    fn any_part_is_read_and_an_open_line_waits_for_its_end() {
        let text: String = (1..=1_200).map(|n| format!("line {n}\n")).collect();
        let spool = spool(text.as_bytes());
        spool.append(b"half").unwrap();
        let part = spool.lines(1_199, 10, 1 << 20).unwrap();
        assert_eq!((numbers(&part), part[0].text.as_str()), (vec![1_199, 1_200], "line 1199"));
        spool.append(b" and half\n").unwrap();
        assert_eq!(spool.lines(1_201, 10, 1 << 20).unwrap()[0].text, "half and half");
        assert_eq!(spool.lines(1, 3, 1 << 20).unwrap().len(), 3);
        assert_eq!(spool.lines(1, 1_000, 60).unwrap().len(), 10);
        assert_eq!(spool.lines(5_000, 3, 60).unwrap(), []);
    }

    #[test]
    fn words_are_found_in_any_case_and_no_more_than_asked_for() {
        let spool = spool(b"One error\nnothing\nan ERROR\nerrorr\n\n");
        let (found, has_more) = spool.search("Error", 2).unwrap();
        assert_eq!((numbers(&found), has_more), (vec![1, 3], true));
        let (found, has_more) = spool.search("nothing", 2).unwrap();
        assert_eq!((numbers(&found), has_more), (vec![2], false));
        assert!(!holds(b"aab", b"ab\0") && holds(b"aab", b"ab"));
    }

    #[test]
    fn lines_of_megabytes_are_shown_by_their_beginning() {
        let mut log = vec![b'x'; 3 << 20];
        log.extend(b"\nnext\n");
        let spool = spool(&log);
        let lines = spool.lines(1, 5, 1 << 20).unwrap();
        assert!(
            lines[0].text.len() < 3_000 && lines[0].text.contains("more bytes"),
            "{}",
            lines[0].text.len()
        );
        assert_eq!(lines[1].text, "next");
    }

    #[test]
    fn what_is_longer_than_any_log_is_refused() {
        let spool = spool(&[b'x'; 100]);
        let wrong = spool.append(&vec![b'x'; 4 << 20]).unwrap_err();
        assert_eq!((wrong.kind(), spool.bytes()), (io::ErrorKind::FileTooLarge, 100));
    }
}
