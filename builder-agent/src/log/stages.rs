//! When stages of a build begin: what rpmbuild and Mock print at their beginning is recognized while it passes.

use std::time::Instant;

/// How a line begins that begins a stage.
const BEGINNINGS: [&[u8]; 4] = [b"Executing(%", b"Start: ", b"Start(bootstrap): ", PACKAGING];
/// rpmbuild says it for each of perhaps thousands of packages: they are one stage.
const PACKAGING: &[u8] = b"Processing files: ";
const LONGEST: usize = 18;
/// A program that prints nothing else makes the log no longer than this allows.
const MOST: u32 = 400;

#[derive(Debug)]
pub struct Stages {
    began: Instant,
    /// The beginning of the line that has not ended yet.
    head: Vec<u8>,
    last: &'static [u8],
    left: u32,
}

impl Stages {
    pub fn begin() -> Self {
        Self { began: Instant::now(), head: Vec::with_capacity(LONGEST), last: b"", left: MOST }
    }

    /// Where the first line of the next stage ends. The bytes of a line may come in several calls.
    pub fn end_of_next(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut end = 0;
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            end += piece.len();
            let room = LONGEST.saturating_sub(self.head.len());
            self.head.extend_from_slice(&piece[..piece.len().min(room)]);
            if piece.ends_with(b"\n") && self.line() {
                return Some(end);
            }
        }
        None
    }

    /// Whether the line that ended begins a stage.
    fn line(&mut self) -> bool {
        let beginning = BEGINNINGS.into_iter().find(|beginning| self.head.starts_with(beginning));
        self.head.clear();
        let Some(beginning) = beginning else { return false };
        let is_new = self.left > 0 && (beginning != PACKAGING || self.last != PACKAGING);
        self.last = beginning;
        self.left -= u32::from(is_new);
        is_new
    }

    /// A line that says how long ago the log was begun.
    pub fn time(&self) -> String {
        format!("==> after {:.1} s\n", self.began.elapsed().as_secs_f64())
    }

    /// The same below a line that is not the programs'.
    pub fn interrupt(&mut self) -> String {
        self.head.clear();
        self.last = b"";
        self.time()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(stages: &mut Stages, mut text: &[u8]) -> usize {
        let mut count = 0;
        while let Some(end) = stages.end_of_next(text) {
            (count, text) = (count + 1, &text[end..]);
        }
        count
    }

    #[test]
    fn a_thousand_packages_are_one_stage_and_a_flood_of_stages_has_an_end() {
        assert_eq!(BEGINNINGS.iter().map(|beginning| beginning.len()).max(), Some(LONGEST));
        let mut stages = Stages::begin();
        assert_eq!(count(&mut stages, &b"Processing files: a-1\nProvides: a\n".repeat(1_000)), 1);
        assert_eq!(count(&mut stages, b"Start: rpmbuild a\nFinish: rpmbuild a\n Start: no\n"), 1);
        assert_eq!(count(&mut stages, &b"Executing(%x): sh\n".repeat(1_000)), 398);
    }
}
