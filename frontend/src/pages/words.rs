//! States and numbers in the words of the pages.

use coppice_model::state::{BuildState, ChrootState, SourceState, Stage};
use coppice_store::{BuildChroot, BuildView};

/// The pages know two words more than the API: our fault is "retrying", and what is built is not yet installable.
pub fn chroot_word(chroot: &BuildChroot) -> &'static str {
    match (chroot.state, chroot.stage) {
        (ChrootState::Pending, _) if chroot.attempt.0 > 1 => "retrying",
        (ChrootState::Running, Some(Stage::Signing)) => "signing",
        (ChrootState::Running, Some(Stage::Publishing)) => "publishing",
        (state, _) => state.as_str(),
    }
}

/// Of the source phase.
pub fn source_word(view: &BuildView) -> &'static str {
    match view.build.source_state {
        SourceState::Pending if view.build.source_attempt.0 > 1 => "retrying",
        state => state.as_str(),
    }
}

/// Of a whole build.
pub fn build_word(view: &BuildView) -> &'static str {
    let words: Vec<&str> = view.chroots.iter().map(chroot_word).collect();
    match view.state() {
        BuildState::Running if words.iter().all(|word| !matches!(*word, "running" | "starting")) => {
            if words.contains(&"signing") { "signing" } else { "publishing" }
        }
        BuildState::Pending if words.contains(&"retrying") || source_word(view) == "retrying" => "retrying",
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
    fn numbers_read_well() {
        let numbers = [0, 999, 1_000, 1_234_567].map(grouped);
        assert_eq!(numbers, ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([7, 36_400, 18_250_000, 2_500_000_000].map(size), ["7 B", "36 kB", "18.2 MB", "2.5 GB"]);
        assert_eq!([5, 232, 3_723, -1].map(clock), ["0:05", "3:52", "1:02:03", "0:00"]);
        assert_eq!((counted(1, "line"), counted(2_000, "error")), ("1 line".into(), "2,000 errors".into()));
    }
}
