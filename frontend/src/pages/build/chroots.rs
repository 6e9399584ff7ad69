//! One row for each chroot; it explains itself unless it is plain success.

use coppice_model::{
    Attempt, UnixTime,
    state::{ChrootState, Stage},
    work::TaskId,
};
use coppice_store::{AttemptRecord, BuildChroot};
use serde::Serialize;

use super::{
    card::first_error,
    load::{Around, Shown},
    waiting::{self, Why},
};
use crate::{
    api::chroot_results,
    pages::{
        chroot_word,
        frame::Moment,
        templates::mark,
        words::{clock, counted},
    },
    web::Web,
};

#[derive(Debug, Serialize)]
pub struct Row {
    pub name: String,
    pub word: &'static str,
    /// Taken by a builder, built, signed, installable.
    pub mini: Vec<&'static str>,
    pub mini_says: &'static str,
    /// When each step was done; of one that nobody began there are none.
    pub times: Option<Times>,
    pub took: Option<String>,
    pub since: Option<Moment>,
    pub attempts: String,
    pub log_url: Option<String>,
    pub is_live: bool,
    pub results: Option<String>,
    pub why: Option<Why>,
    /// Earlier attempts, when there were any.
    pub history: Vec<Earlier>,
    pub first_error: Option<FirstError>,
    pub message: Option<String>,
    pub compare: Option<Compare>,
}

#[derive(Debug, Serialize)]
pub struct Times {
    pub taken: Moment,
    /// Built, signed, published.
    pub steps: [Option<Timed>; 3],
}

/// A time with how long it was after the step before.
#[derive(Debug, Serialize)]
pub struct Timed {
    pub at: Moment,
    pub took: String,
}

#[derive(Debug, Serialize)]
pub struct Earlier {
    pub n: u32,
    pub outcome: String,
    pub mark: &'static str,
    pub builder: Option<String>,
    pub started: Option<Moment>,
    pub ended: Option<Moment>,
    pub log_url: String,
}

#[derive(Debug, Serialize)]
pub struct FirstError {
    pub n: u64,
    pub text: String,
    pub url: String,
}

#[derive(Debug, Serialize)]
pub struct Compare {
    pub build: i64,
    pub url: String,
}

/// Those that need somebody come first.
fn need(word: &str) -> u8 {
    match word {
        "failed" => 0,
        "signing" | "publishing" => 1,
        "running" | "starting" => 2,
        "retrying" => 3,
        "pending" => 4,
        "waiting" => 5,
        "canceled" => 6,
        "succeeded" | "forked" => 7,
        _ => 8,
    }
}

pub fn rows(shown: &Shown, around: &Around, web: &Web, url: &str) -> Vec<Row> {
    let mut rows: Vec<Row> =
        shown.view.chroots.iter().map(|chroot| row(shown, around, chroot, (web, url))).collect();
    rows.sort_by_key(|row| need(row.word));
    rows
}

fn row(shown: &Shown, around: &Around, chroot: &BuildChroot, (web, url): (&Web, &str)) -> Row {
    let name = chroot.chroot.to_string();
    let word = chroot_word(chroot);
    let why = waiting::of_chroot(shown, around, chroot);
    let on_hold = why.as_ref().is_some_and(|why| why.mark == "hold") && word == "pending";
    let log_url = format!("{url}log/{name}/");
    let is_live = !chroot.state.is_final();
    let has_failed = chroot.state == ChrootState::Failed;
    let failure = around.failures.get(&name).filter(|_| has_failed);
    let first_error = failure.and_then(first_error).map(|(n, text)| FirstError {
        n,
        text: text.to_owned(),
        url: format!("{log_url}#L{n}"),
    });
    let good = shown.last_good(&chroot.chroot).filter(|_| has_failed);
    let ended = chroot.started_on.zip(chroot.built_on.or(chroot.ended_on));
    Row {
        word: if on_hold { "on hold" } else { word },
        mini: mini(chroot),
        mini_says: mini_says(chroot),
        times: times(chroot, shown.now),
        took: ended.map(|(from, to)| clock(to.0 - from.0)),
        since: Moment::of(chroot.started_on.filter(|_| is_live && chroot.built_on.is_none()), shown.now),
        attempts: attempts(shown, chroot),
        log_url: chroot.result_dir.is_some().then_some(log_url),
        is_live,
        results: chroot_results(&shown.view, chroot, web),
        why,
        history: history(shown, (&chroot.task(), chroot.attempt), &format!("{url}log/{name}/")),
        message: chroot.failure.as_ref().filter(|_| first_error.is_none()).map(|f| f.message.clone()),
        first_error,
        compare: good.map(|good| Compare { build: good.build.0, url: format!("{url}compare/{name}/") }),
        name,
    }
}

fn times(chroot: &BuildChroot, now: UnixTime) -> Option<Times> {
    let taken = chroot.started_on?;
    let timed = |from: Option<UnixTime>, to: Option<UnixTime>| {
        let took = from.zip(to).map(|(from, to)| clock(to.0 - from.0)).unwrap_or_default();
        Some(Timed { at: Moment::new(to?, now), took })
    };
    let is_good = matches!(chroot.state, ChrootState::Succeeded | ChrootState::Forked);
    let published = chroot.ended_on.filter(|_| is_good);
    Some(Times {
        taken: Moment::new(taken, now),
        steps: [
            timed(Some(taken), chroot.built_on),
            timed(chroot.built_on, chroot.signed_on),
            timed(chroot.signed_on.or(chroot.built_on), published),
        ],
    })
}

fn mini(chroot: &BuildChroot) -> Vec<&'static str> {
    if matches!(chroot.state, ChrootState::Succeeded | ChrootState::Forked) {
        return vec!["ok"; 4];
    }
    if chroot.state == ChrootState::Failed {
        return vec!["fail", "", "", ""];
    }
    match (chroot.state, chroot.stage) {
        (ChrootState::Running, Some(Stage::Signing)) => vec!["ok", "ok", "run", ""],
        (ChrootState::Running, Some(Stage::Publishing)) => vec!["ok", "ok", "ok", "run"],
        (ChrootState::Running | ChrootState::Starting, _) => vec!["ok", "run", "", ""],
        _ => vec![""; 4],
    }
}

fn mini_says(chroot: &BuildChroot) -> &'static str {
    match (chroot.state, chroot.stage) {
        (ChrootState::Succeeded | ChrootState::Forked, _) => "installable",
        (ChrootState::Running, Some(Stage::Signing)) => "built",
        (ChrootState::Running, Some(Stage::Publishing)) => "signed",
        (ChrootState::Running | ChrootState::Starting, _) => "a builder has it",
        (ChrootState::Failed, _) => "failed",
        _ => "not begun",
    }
}

fn attempts(shown: &Shown, chroot: &BuildChroot) -> String {
    let made = shown.attempts_of(&chroot.task()).iter().filter(|record| record.started_on.is_some()).count();
    match (made, chroot.state.is_final()) {
        (0, _) => "–".to_owned(),
        (made, false) if made > 1 => format!("{made}, running"),
        (made, _) => made.to_string(),
    }
}

/// Attempts that another one followed.
pub fn history(shown: &Shown, (task, newest): (&TaskId, Attempt), log_url: &str) -> Vec<Earlier> {
    let earlier = |record: &&&AttemptRecord| record.attempt < newest;
    let records = shown.attempts_of(task);
    let line = |record: &&AttemptRecord| Earlier {
        n: record.attempt.0,
        outcome: record.outcome.clone().unwrap_or_else(|| "ended".into()),
        mark: mark("retrying"),
        builder: record.builder.clone(),
        started: Moment::of(record.started_on, shown.now),
        ended: Moment::of(record.ended_on, shown.now),
        log_url: format!("{log_url}?attempt={}", record.attempt),
    };
    records.iter().filter(earlier).map(line).collect()
}

/// `6 succeeded, 2 failed`, in the order of need.
pub fn summary(rows: &[Row]) -> String {
    let mut counts: Vec<(&str, u64)> = Vec::new();
    for row in rows {
        match counts.iter_mut().find(|(word, _)| *word == row.word) {
            Some((_, count)) => *count += 1,
            None => counts.push((row.word, 1)),
        }
    }
    let parts: Vec<String> = counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
    if parts.is_empty() { counted(0, "chroot") } else { parts.join(", ") }
}
