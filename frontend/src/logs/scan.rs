//! One pass over a log, in whatever pieces it comes: where its lines are, which stages it has, and why it failed.

use super::{
    clean::clean,
    failure::{Failure, Reader, Sign, begins, sign},
};

/// One offset is kept for so many lines.
pub const EVERY: u64 = 500;
/// Of a longer line the rules see only the beginning.
const JUDGED_BYTES: usize = 8 << 10;
const MOST_STAGES: usize = 200;
const NAME_CHARS: usize = 80;

/// A part of a log that a page folds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    pub name: String,
    /// Its first line.
    pub first: u64,
    pub errors: u64,
    pub warnings: u64,
    /// When it began, in tenths of a second after the beginning of the log, where the builder noted that.
    pub at: Option<u64>,
}

impl Stage {
    fn new(name: String, first: u64) -> Self {
        Self { name, first, errors: 0, warnings: 0, at: None }
    }
}

/// How a page marks a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Plain,
    Error,
    Warning,
    /// A stage begins.
    Command,
    /// The shell's trace and our own remarks.
    Dim,
}

impl Kind {
    pub fn of(line: &str) -> Self {
        Self::with(line, sign(line))
    }

    fn with(line: &str, sign: Option<Sign>) -> Self {
        if sign.is_some() {
            Self::Error
        } else if stage_name(line).is_some() {
            Self::Command
        } else if line.starts_with("+ ") || line.starts_with("==> ") {
            Self::Dim
        } else if line.contains("warning:") || line.contains("WARNING:") || line.contains("Warning:") {
            Self::Warning
        } else {
            Self::Plain
        }
    }

    /// The class of the style sheet.
    pub fn class(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Error => "e",
            Self::Warning => "w",
            Self::Command => "c",
            Self::Dim => "d",
        }
    }
}

/// What is known of a log so far. It takes a small part of the log's size, however the log looks.
#[derive(Debug, Default)]
pub struct Scan {
    bytes: u64,
    lines: u64,
    /// Where line 1, 501, 1001, … begins.
    marks: Vec<u64>,
    stages: Vec<Stage>,
    /// The newest time that the builder noted.
    until: u64,
    error_count: u64,
    reader: Reader,
    /// The beginning of the line that has no end yet.
    open: Vec<u8>,
    is_open: bool,
}

impl Scan {
    pub fn take(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            if !self.is_open && self.lines.is_multiple_of(EVERY) {
                self.marks.push(self.bytes);
            }
            self.bytes += piece.len() as u64;
            let (text, ends) = match piece.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (piece, false),
            };
            if ends && !self.is_open {
                self.line(&text[..text.len().min(JUDGED_BYTES)]);
            } else {
                self.keep_open(text, ends);
            }
        }
    }

    fn keep_open(&mut self, text: &[u8], ends: bool) {
        let room = JUDGED_BYTES.saturating_sub(self.open.len());
        self.open.extend_from_slice(&text[..text.len().min(room)]);
        self.is_open = !ends;
        if ends {
            let line = std::mem::take(&mut self.open);
            self.line(&line);
        }
    }

    /// The log is complete: what has no end is a line too.
    pub fn finish(&mut self) {
        if self.is_open {
            self.keep_open(b"", true);
        }
    }

    fn line(&mut self, bytes: &[u8]) {
        self.lines += 1;
        let text = String::from_utf8_lossy(bytes);
        let sign = sign(&text);
        let kind = Kind::with(&text, sign);
        self.stage(&text, kind);
        self.time(&text);
        if kind == Kind::Error {
            self.error_count += 1;
        }
        self.reader.line(self.lines, bytes, &text, sign);
    }

    /// Below the first line of a stage. A time that goes backwards is none of the builder's.
    fn time(&mut self, text: &str) {
        let Some(at) = after(text).filter(|at| *at >= self.until) else { return };
        self.until = at;
        let newest = self.stages.last_mut().filter(|stage| stage.first + 1 == self.lines);
        if let Some(stage) = newest {
            stage.at = Some(at);
        }
    }

    fn stage(&mut self, text: &str, kind: Kind) {
        let named = stage_name(text).filter(|_| kind == Kind::Command && self.stages.len() < MOST_STAGES);
        let is_same = |name: &String| self.stages.last().is_some_and(|last| last.name == *name);
        match named.filter(|name| !is_same(name)) {
            Some(name) => self.stages.push(Stage::new(name, self.lines)),
            None if self.stages.is_empty() => {
                self.stages.push(Stage::new("Beginning".to_owned(), self.lines));
            }
            None => {}
        }
        if let Some(last) = self.stages.last_mut() {
            last.errors += u64::from(kind == Kind::Error);
            last.warnings += u64::from(kind == Kind::Warning);
        }
    }

    /// How many bytes were read.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How many lines are complete.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// The newest time that the builder noted, in tenths of a second after the beginning of the log.
    pub fn until(&self) -> u64 {
        self.until
    }

    /// How many lines are errors.
    pub fn error_count(&self) -> u64 {
        self.error_count
    }

    pub fn failure(&self) -> Failure {
        self.reader.failure()
    }

    /// A line at or before `line`, and where it begins.
    pub fn mark(&self, line: u64) -> (u64, u64) {
        let last = (self.marks.len() as u64).saturating_sub(1);
        let at = (line.saturating_sub(1) / EVERY).min(last);
        let index = usize::try_from(at).unwrap_or(usize::MAX);
        (at * EVERY + 1, self.marks.get(index).copied().unwrap_or(0))
    }
}

/// The tenths of a second in `==> after 12.3 s`, which the builder writes below the first line of each stage.
fn after(line: &str) -> Option<u64> {
    let (whole, tenths) = line.strip_prefix("==> after ")?.strip_suffix(" s")?.split_once('.')?;
    let is_number = |text: &str, most: usize| {
        (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !is_number(whole, 9) || !is_number(tenths, 1) {
        return None;
    }
    Some(whole.parse::<u64>().ok()? * 10 + tenths.parse::<u64>().ok()?)
}

/// The name of the stage that a line begins.
fn stage_name(line: &str) -> Option<String> {
    if let Some(rest) = line.strip_prefix("Executing(%") {
        let (name, _) = rest.split_once(')')?;
        return Some(clean(format!("%{name}").as_bytes()).chars().take(NAME_CHARS).collect());
    }
    if line.starts_with("Processing files: ") {
        return Some("Packaging".into());
    }
    let (before, what) = match line.strip_prefix("Start(bootstrap): ") {
        Some(what) => ("bootstrap: ", what),
        None => ("", line.strip_prefix("==> ").or_else(|| line.strip_prefix("Start: "))?),
    };
    let remarks =
        ["rpmbuild took", "succeeded", "failed", "canceled", "the builder is at fault", "the log was cut"];
    if remarks.iter().any(|remark| what.starts_with(remark))
        || begins(line).is_none() && what.contains(" was not taken")
        || after(line).is_some()
    {
        return None;
    }
    let name: String = before.chars().chain(clean(what.as_bytes()).chars()).take(NAME_CHARS).collect();
    let mut letters = name.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "hello\n==> fetching sources of commit 1\n==> running rpmbuild\nExecuting(%prep): /bin/sh\n+ true\n\
        Executing(%build): /bin/sh\nwarning: odd\na.c:1:1: error: bad\nerror: Bad exit status from x (%build)\n==> failed: x\n";

    #[test]
    fn pieces_of_any_size_give_the_same() {
        let mut whole = Scan::default();
        whole.take(LOG.as_bytes());
        for size in [1, 2, 7, 64] {
            let mut pieces = Scan::default();
            LOG.as_bytes().chunks(size).for_each(|piece| pieces.take(piece));
            assert_eq!(format!("{pieces:?}"), format!("{whole:?}"), "{size}");
        }
        let names: Vec<_> = whole.stages().iter().map(|stage| (stage.name.as_str(), stage.first)).collect();
        let expected = [
            ("Beginning", 1),
            ("Fetching sources of commit 1", 2),
            ("Running rpmbuild", 3),
            ("%prep", 4),
            ("%build", 6),
        ];
        assert_eq!(names, expected);
        assert_eq!((whole.stages()[4].errors, whole.stages()[4].warnings), (2, 1));
        assert_eq!((whole.lines(), whole.error_count(), whole.failure().first), (10, 2, Some(8)));
    }

    #[test]
    fn the_builder_says_when_stages_began_and_nothing_else_is_believed() {
        let mut scan = Scan::default();
        scan.take(
            b"==> running rpmbuild\n==> after 0.2 s\nExecuting(%prep): sh\n==> after 1.0 s\n==> after 99.9 s\n\
            Executing(%build): sh\n==> after 50.0 s\n==> after x s\nExecuting(%check): sh\n==> after 123.4 s\n\
            Processing files: a\nStart(bootstrap): chroot init\n==> succeeded\n==> after 130.0 s\n",
        );
        let told: Vec<_> = scan.stages().iter().map(|stage| (stage.name.as_str(), stage.at)).collect();
        let expected = [
            ("Running rpmbuild", Some(2)),
            ("%prep", Some(10)),
            // Its time goes backwards: somebody else wrote it.
            ("%build", None),
            ("After x s", None),
            ("%check", Some(1_234)),
            ("Packaging", None),
            ("Bootstrap: chroot init", None),
        ];
        assert_eq!((told, scan.until()), (expected.to_vec(), 1_300));
        for wrong in [
            "==> after 1 s",
            "==> after -1.0 s",
            "==> after 1.00 s",
            "==> after 9999999999.0 s",
            "after 1.0 s",
        ] {
            assert_eq!(after(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_line_is_found_from_the_mark_before_it() {
        let mut scan = Scan::default();
        (0..1_700).for_each(|_| scan.take(b"0123456789\n"));
        assert_eq!(scan.mark(1), (1, 0));
        assert_eq!(scan.mark(500), (1, 0));
        assert_eq!(scan.mark(501), (501, 5_500));
        assert_eq!(scan.mark(1_700), (1_501, 16_500));
        assert_eq!(scan.mark(1_000_000), (1_501, 16_500));
        assert_eq!(Scan::default().mark(9), (1, 0));
    }

    #[test]
    fn the_last_line_needs_no_end_and_one_without_end_stays_small() {
        let mut scan = Scan::default();
        (0..1_000).for_each(|_| scan.take(&[b'x'; 10_000]));
        assert_eq!((scan.lines(), scan.open.len()), (0, JUDGED_BYTES));
        scan.finish();
        scan.finish();
        assert_eq!((scan.lines(), scan.bytes()), (1, 10_000_000));
    }

    #[test]
    fn a_log_of_nothing_but_stages_has_a_bounded_number_of_them() {
        let mut scan = Scan::default();
        (0..5_000).for_each(|n| scan.take(format!("==> stage {n}\n").as_bytes()));
        assert_eq!((scan.stages().len(), scan.lines()), (MOST_STAGES, 5_000));
    }
}
