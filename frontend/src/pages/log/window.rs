//! Which lines a page shows: all of them, or, of a long log, its beginning, where it fails, and its end.

use std::io;

use crate::logs::{Overview, Shown, Spool};

/// Up to here a log is shown whole.
const WHOLE: u64 = 20_000;
/// Text of one page.
const MOST_BYTES: usize = 3 << 20;
const HEAD: u64 = 200;
const TAIL: u64 = 1_000;
/// Around the first error.
const BEFORE: u64 = 300;
const AFTER: u64 = 2_000;
/// Shown from a wanted line on.
const PART: u64 = 5_000;

/// Lines that follow each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub lines: Vec<Shown>,
}

#[derive(Debug, Clone, Default)]
pub struct Window {
    pub runs: Vec<Run>,
    /// Whether lines are left out.
    pub is_part: bool,
}

/// First and last line of each run, in order and without overlaps.
pub fn wanted(lines: u64, from: Option<u64>, error: Option<u64>) -> Vec<(u64, u64)> {
    if lines == 0 {
        return vec![];
    }
    let cut = |(first, last): (u64, u64)| (first.max(1), last.min(lines));
    if let Some(from) = from.map(|from| from.clamp(1, lines)) {
        return vec![cut((from, from + PART - 1))];
    }
    if lines <= WHOLE {
        return vec![(1, lines)];
    }
    let around = error.map(|line| (line.saturating_sub(BEFORE), line + AFTER));
    let all = [Some((1, HEAD)), around, Some((lines - TAIL + 1, lines))];
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for (first, last) in all.into_iter().flatten().map(cut) {
        match runs.last_mut() {
            Some(before) if first <= before.1 + 1 => before.1 = before.1.max(last),
            _ => runs.push((first, last)),
        }
    }
    runs
}

pub fn read(spool: &Spool, overview: &Overview, from: Option<u64>, is_failed: bool) -> io::Result<Window> {
    let error = if is_failed { overview.failure.first } else { None };
    let mut window = Window::default();
    let ranges = wanted(overview.lines, from, error);
    // The end is worth more than the middle: each run has a share of its own.
    let room = MOST_BYTES / ranges.len().max(1);
    let mut shown = 0;
    for (first, last) in ranges {
        let lines = spool.lines(first, last - first + 1, room)?;
        shown += lines.len() as u64;
        window.runs.push(Run { lines });
    }
    window.is_part = shown < overview.lines;
    Ok(window)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_log_is_shown_whole_and_of_a_long_one_what_matters() {
        assert_eq!(wanted(0, None, None), []);
        assert_eq!(wanted(20_000, None, Some(7)), [(1, 20_000)]);
        assert_eq!(wanted(1_000_000, None, None), [(1, 200), (999_001, 1_000_000)]);
        assert_eq!(
            wanted(1_000_000, None, Some(500_000)),
            [(1, 200), (499_700, 502_000), (999_001, 1_000_000)]
        );
    }

    #[test]
    fn runs_that_meet_become_one() {
        assert_eq!(wanted(30_000, None, Some(100)), [(1, 2_100), (29_001, 30_000)]);
        assert_eq!(wanted(30_000, None, Some(29_100)), [(1, 200), (28_800, 30_000)]);
    }

    #[test]
    fn a_wanted_line_is_the_first_even_beyond_the_end() {
        assert_eq!(wanted(1_000_000, Some(4_000), Some(9)), [(4_000, 8_999)]);
        assert_eq!(wanted(100, Some(4_000), None), [(100, 100)]);
        assert_eq!(wanted(100, Some(0), None), [(1, 100)]);
    }
}
