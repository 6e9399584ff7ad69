//! How far a build is, from submitted to installable.

use coppice_model::{
    UnixTime,
    state::{ChrootState, SourceState},
    work::TaskId,
};
use coppice_store::BuildChroot;
use serde::Serialize;

use super::load::Shown;
use crate::pages::{frame::Moment, words::clock};

/// One node of the stem.
#[derive(Debug, Serialize)]
pub struct Step {
    pub name: &'static str,
    /// `ok`, `run`, `fail`, or nothing when it did not begin.
    pub mark: &'static str,
    /// What the mark says, for who does not see it.
    pub word: &'static str,
    pub at: Option<Moment>,
    /// Before the time.
    pub when: &'static str,
    pub note: String,
}

pub fn of(shown: &Shown) -> Vec<Step> {
    let mut steps = vec![submitted(shown)];
    steps.extend(source(shown));
    steps.extend(chroots(shown));
    steps
}

fn step(name: &'static str, mark: &'static str, note: String) -> Step {
    let word = match mark {
        "ok" => "done",
        "run" => "under way",
        "fail" => "failed",
        _ => "to come",
    };
    Step { name, mark, word, at: None, when: "", note }
}

fn submitted(shown: &Shown) -> Step {
    let build = &shown.view.build;
    let by = build.submitter.as_ref().map(|name| format!("by {name}")).unwrap_or_default();
    Step { at: Some(Moment::new(build.submitted_on, shown.now)), ..step("Submitted", "ok", by) }
}

/// The sources, and their way into dist-git.
fn source(shown: &Shown) -> [Step; 2] {
    let build = &shown.view.build;
    let records = shown.attempts_of(&TaskId::Source(build.id));
    let made = records.last().and_then(|record| record.ended_on);
    let is_uploaded = build.source.is_uploaded_srpm();
    let (source_mark, import_mark) = match build.source_state {
        SourceState::Pending => ("", ""),
        SourceState::Starting | SourceState::Running => ("run", ""),
        SourceState::Importing => ("ok", "run"),
        SourceState::Succeeded => ("ok", "ok"),
        SourceState::Failed if is_uploaded || made.is_some() && build.srpm_url.is_some() => ("ok", "fail"),
        SourceState::Failed => ("fail", ""),
        SourceState::Canceled => ("", ""),
    };
    let took = build.source_started_on.zip(made).map(|(from, to)| format!("in {}", clock(to.0 - from.0)));
    let note = if is_uploaded { "uploaded".to_owned() } else { took.unwrap_or_default() };
    let source = Step {
        at: Moment::of(made.or(build.source_started_on).filter(|_| !is_uploaded), shown.now),
        ..step("Source", source_mark, note)
    };
    let begun = made.or(is_uploaded.then_some(build.submitted_on));
    let imported = build.source_ended_on.filter(|_| import_mark == "ok");
    let took = begun.zip(imported).map(|(from, to)| clock(to.0 - from.0)).unwrap_or_default();
    [source, Step { at: Moment::of(imported, shown.now), ..step("Imported", import_mark, took) }]
}

/// What chroots have in common: how many are how far.
fn chroots(shown: &Shown) -> Vec<Step> {
    let all: Vec<&BuildChroot> =
        shown.view.chroots.iter().filter(|chroot| chroot.state != ChrootState::Skipped).collect();
    let is_good =
        |chroot: &&&BuildChroot| matches!(chroot.state, ChrootState::Succeeded | ChrootState::Forked);
    let built = all.iter().filter(|chroot| chroot.built_on.is_some() || chroot.state.is_final()).count();
    let signed = all.iter().filter(|chroot| chroot.signed_on.is_some() || is_good(chroot)).count();
    let good = all.iter().filter(is_good).count();
    let failed = all.iter().filter(|chroot| chroot.state == ChrootState::Failed).count();
    let earliest =
        |time: fn(&BuildChroot) -> Option<UnixTime>| all.iter().filter_map(|chroot| time(chroot)).min();
    let started = earliest(|chroot| chroot.started_on);
    let installable = all.iter().filter(is_good).filter_map(|chroot| chroot.ended_on).min();
    let all_ended = built == all.len();
    let mark = |done: usize, begun: bool| match done {
        _ if all.is_empty() => "",
        done if done == all.len() => "ok",
        // What failed before never comes here.
        done if all_ended && done > 0 && done + failed == all.len() => "ok",
        0 if !begun || all_ended => "",
        _ => "run",
    };
    let count = |done: usize| if all.is_empty() { String::new() } else { format!("{done} of {}", all.len()) };
    let building = if all_ended && failed > 0 { "fail" } else { mark(built, started.is_some()) };
    let named = |name, mark, at: Option<UnixTime>, when, note| Step {
        at: Moment::of(at, shown.now),
        when: if at.is_some() { when } else { "" },
        ..step(name, mark, note)
    };
    vec![
        named(
            "Building",
            building,
            started,
            "since",
            if all.is_empty() { String::new() } else { format!("{} done", count(built)) },
        ),
        named("Signed", mark(signed, false), earliest(|chroot| chroot.signed_on), "first", count(signed)),
        named("Installable", mark(good, false), installable, "first", count(good)),
    ]
}
