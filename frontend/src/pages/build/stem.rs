//! How far a build is, from submitted to installable.

use coppice_model::{
    UnixTime,
    state::{ChrootState, SourceState},
    work::TaskId,
};
use coppice_store::BuildChroot;
use serde::Serialize;

use super::load::Shown;
use crate::pages::{
    frame::Moment,
    words::{clock, counted},
};

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

/// How far the chroots are.
struct Counts {
    all: usize,
    built: usize,
    signed: usize,
    /// A repository that has the packages is one that dnf installs them from.
    good: usize,
    failed: usize,
    ended: usize,
    /// Whether a builder took one.
    has_begun: bool,
    /// Whether one that is built has not ended.
    is_signing: bool,
}

impl Counts {
    fn of(all: &[&BuildChroot], has_begun: bool) -> Self {
        let count = |wanted: fn(&BuildChroot) -> bool| all.iter().filter(|chroot| wanted(chroot)).count();
        Self {
            all: all.len(),
            built: count(|chroot| chroot.built_on.is_some() || chroot.state.is_final()),
            signed: count(|chroot| chroot.signed_on.is_some() || is_good(chroot)),
            good: count(is_good),
            failed: count(|chroot| chroot.state == ChrootState::Failed),
            ended: count(|chroot| chroot.state.is_final()),
            is_signing: count(|chroot| chroot.state == ChrootState::Running && chroot.built_on.is_some()) > 0,
            has_begun,
        }
    }

    fn all_built(&self) -> bool {
        self.built == self.all
    }

    fn mark(&self, done: usize, has_begun: bool) -> &'static str {
        match done {
            _ if self.all == 0 => "",
            done if done == self.all => "ok",
            // What failed before never comes here.
            done if self.all_built() && done > 0 && done + self.failed == self.all => "ok",
            0 if !has_begun || self.ended == self.all => "",
            _ => "run",
        }
    }

    fn building(&self) -> &'static str {
        if self.all_built() && self.failed > 0 { "fail" } else { self.mark(self.built, self.has_begun) }
    }

    fn note(&self, done: usize) -> String {
        if self.all == 0 { String::new() } else { format!("{done} of {}", self.all) }
    }

    /// Where the build is of use by now.
    fn place(&self) -> String {
        match self.good {
            0 => String::new(),
            good if good == self.all => "everywhere".to_owned(),
            good => format!("in {good} of {}", counted(self.all as u64, "chroot")),
        }
    }
}

fn is_good(chroot: &BuildChroot) -> bool {
    matches!(chroot.state, ChrootState::Succeeded | ChrootState::Forked)
}

/// What chroots have in common: how many are how far. Each repository is published for itself: the first one that has
/// the packages is the beginning of "published", the last one the time from which the build is installable wherever it
/// can be.
fn chroots(shown: &Shown) -> Vec<Step> {
    let all: Vec<&BuildChroot> =
        shown.view.chroots.iter().filter(|chroot| chroot.state != ChrootState::Skipped).collect();
    let times =
        |time: fn(&BuildChroot) -> Option<UnixTime>| all.iter().filter_map(move |chroot| time(chroot));
    let published = |chroot: &BuildChroot| chroot.ended_on.filter(|_| is_good(chroot));
    let started = times(|chroot| chroot.started_on).min();
    let counts = Counts::of(&all, started.is_some());
    let named = |name, mark, (when, at): (&'static str, Option<UnixTime>), note| Step {
        at: Moment::of(at, shown.now),
        when: if at.is_some() { when } else { "" },
        ..step(name, mark, note)
    };
    let done = if counts.all == 0 { String::new() } else { format!("{} done", counts.note(counts.built)) };
    let (signed, last) = (times(|chroot| chroot.signed_on).min(), times(published).max());
    let is_complete = counts.mark(counts.good, false) == "ok";
    vec![
        named("Building", counts.building(), ("since", started), done),
        named(
            "Signed",
            counts.mark(counts.signed, counts.is_signing),
            ("first", signed),
            counts.note(counts.signed),
        ),
        named(
            "Published",
            counts.mark(counts.good, counts.signed > 0),
            ("first", times(published).min()),
            counts.note(counts.good),
        ),
        named(
            "Installable",
            counts.mark(counts.good, false),
            ("since", last.filter(|_| is_complete)),
            counts.place(),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use coppice_model::{Attempt, BuildId};

    use super::*;

    fn chroot(state: ChrootState, (built, signed): (bool, bool)) -> BuildChroot {
        BuildChroot {
            id: 1,
            build: BuildId(1),
            chroot: "fedora-43-x86_64".parse().unwrap(),
            state,
            stage: None,
            attempt: Attempt::FIRST,
            started_on: None,
            ended_on: None,
            result_dir: None,
            commit: None,
            builder: None,
            failure: None,
            stage_note: None,
            built_on: built.then_some(UnixTime(1)),
            signed_on: signed.then_some(UnixTime(2)),
            failure_log: None,
        }
    }

    #[test]
    fn published_goes_chroot_by_chroot_and_installable_says_where() {
        use ChrootState::{Canceled, Failed, Running, Succeeded};
        let (built, signed, none) = ((true, false), (true, true), (false, false));
        for (chroots, marks, place) in [
            (vec![], ["", "", "", ""], ""),
            (vec![(Running, none)], ["run", "", "", ""], ""),
            (vec![(Running, built)], ["ok", "run", "", ""], ""),
            (vec![(Running, signed)], ["ok", "ok", "run", ""], ""),
            (vec![(Succeeded, signed)], ["ok", "ok", "ok", "ok"], "everywhere"),
            (vec![(Succeeded, signed), (Running, none)], ["run", "run", "run", "run"], "in 1 of 2 chroots"),
            (vec![(Succeeded, signed), (Failed, none)], ["fail", "ok", "ok", "ok"], "in 1 of 2 chroots"),
            (vec![(Failed, none)], ["fail", "", "", ""], ""),
            (vec![(Canceled, none)], ["ok", "", "", ""], ""),
        ] {
            let own: Vec<BuildChroot> = chroots.iter().map(|(state, how)| chroot(*state, *how)).collect();
            let counts = Counts::of(&own.iter().collect::<Vec<_>>(), true);
            let found = [
                counts.building(),
                counts.mark(counts.signed, counts.is_signing),
                counts.mark(counts.good, counts.signed > 0),
                counts.mark(counts.good, false),
            ];
            assert_eq!((found, counts.place().as_str()), (marks, place), "{chroots:?}");
        }
    }
}
