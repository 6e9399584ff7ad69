//! States and numbers in the words of the pages.

use coppice_model::{
    Attempt,
    state::{BuildState, ChrootState, SourceState, Stage},
};
use coppice_store::{BuildChroot, BuildLine, BuildView, builds::ChrootLine};

/// The pages know more words than the API: our fault is "retrying", and what is built is not yet installable.
pub fn task_word(state: ChrootState, stage: Option<Stage>, attempt: Attempt) -> &'static str {
    match (state, stage) {
        (ChrootState::Pending, _) if attempt.0 > 1 => "retrying",
        (ChrootState::Running, Some(Stage::Signing)) => "signing",
        (ChrootState::Running, Some(Stage::Publishing)) => "publishing",
        (state, _) => state.as_str(),
    }
}

pub fn chroot_word(chroot: &BuildChroot) -> &'static str {
    task_word(chroot.state, chroot.stage, chroot.attempt)
}

/// As lists know it.
pub fn line_word(chroot: &ChrootLine) -> &'static str {
    task_word(chroot.state, chroot.stage, chroot.attempt)
}

fn phase_word(state: SourceState, attempt: Attempt) -> &'static str {
    match state {
        SourceState::Pending if attempt.0 > 1 => "retrying",
        state => state.as_str(),
    }
}

/// Of the source phase.
pub fn source_word(view: &BuildView) -> &'static str {
    phase_word(view.build.source_state, view.build.source_attempt)
}

/// Of a whole build.
pub fn build_word(view: &BuildView) -> &'static str {
    let words: Vec<&str> = view.chroots.iter().map(chroot_word).collect();
    whole_word(view.state(), source_word(view), &words)
}

/// Of a whole build as lists know it.
pub fn build_line_word(line: &BuildLine) -> &'static str {
    let words: Vec<&str> = line.chroots.iter().map(line_word).collect();
    whole_word(line.state(), phase_word(line.source_state, line.source_attempt), &words)
}

/// By the word of its source phase and those of its chroots.
fn whole_word(state: BuildState, source: &str, words: &[&str]) -> &'static str {
    let is_at_work = |word: &&str| matches!(*word, "running" | "starting");
    match state {
        BuildState::Running if words.contains(&"signing") && !words.iter().any(is_at_work) => "signing",
        BuildState::Running if words.contains(&"publishing") && !words.iter().any(is_at_work) => "publishing",
        BuildState::Pending if words.contains(&"retrying") || source == "retrying" => "retrying",
        state => state.as_str(),
    }
}

/// `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `36 kB`, as people say how big a file is.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} kB", bytes / 1_000),
        1_000_000..1_000_000_000 => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
        _ => format!("{}.{} GB", bytes / 1_000_000_000, bytes / 100_000_000 % 10),
    }
}

/// `3:52`, `1:02:03`.
pub fn clock(seconds: i64) -> String {
    let seconds = seconds.max(0);
    match seconds / 3_600 {
        0 => format!("{}:{:02}", seconds / 60, seconds % 60),
        hours => format!("{hours}:{:02}:{:02}", seconds / 60 % 60, seconds % 60),
    }
}

/// `1 line`, `2 lines`.
pub fn counted(number: u64, one: &str) -> String {
    format!("{} {one}{}", grouped(number), if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_is_not_yet_installable_and_our_fault_is_no_queue() {
        use {ChrootState as C, Stage as G};
        for (state, stage, attempt, word) in [
            (C::Pending, None, 1, "pending"),
            (C::Pending, None, 2, "retrying"),
            (C::Starting, None, 2, "starting"),
            (C::Running, Some(G::Building), 1, "running"),
            (C::Running, Some(G::Signing), 1, "signing"),
            (C::Running, Some(G::Publishing), 3, "publishing"),
            (C::Succeeded, None, 2, "succeeded"),
            (C::Failed, None, 5, "failed"),
        ] {
            assert_eq!(task_word(state, stage, Attempt(attempt)), word);
        }
        for (state, source, words, word) in [
            (BuildState::Running, "succeeded", &["running", "publishing"][..], "running"),
            (BuildState::Running, "succeeded", &["succeeded", "publishing", "signing"], "signing"),
            (BuildState::Running, "succeeded", &["publishing", "failed", "pending"], "publishing"),
            (BuildState::Running, "running", &[], "running"),
            (BuildState::Pending, "succeeded", &["retrying", "succeeded"], "retrying"),
            (BuildState::Pending, "retrying", &[], "retrying"),
            (BuildState::Pending, "pending", &[], "pending"),
            (BuildState::Failed, "succeeded", &["failed", "succeeded"], "failed"),
        ] {
            assert_eq!(whole_word(state, source, words), word, "{words:?}");
        }
    }

    #[test]
    fn numbers_read_well() {
        let numbers = [0, 999, 1_000, 1_234_567].map(grouped);
        assert_eq!(numbers, ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([7, 36_400, 18_250_000, 2_500_000_000].map(size), ["7 B", "36 kB", "18.2 MB", "2.5 GB"]);
        assert_eq!([5, 232, 3_723, -1].map(clock), ["0:05", "3:52", "1:02:03", "0:00"]);
        assert_eq!((counted(1, "line"), counted(2_000, "error")), ("1 line".into(), "2,000 errors".into()));
    }
}
