//! One card for each distinct reason of failure, not for each chroot.

use coppice_model::work::FailureCause;
use coppice_store::{BuildChroot, BuildFailure};
use serde::Serialize;

use super::load::{Around, Shown};
use crate::{
    logs::{Failure, Line},
    pages::words::counted,
};

/// A reason with everything that failed by it.
#[derive(Debug, Serialize)]
pub struct Card {
    pub title: String,
    /// Chroots, or the source phase.
    pub what: String,
    pub sentence: String,
    /// What the service recorded; for failures that no log explains.
    pub message: Option<String>,
    pub is_ours: bool,
    /// What may be done about it.
    pub next: &'static str,
    /// The log at its first error.
    pub log_url: Option<String>,
    pub lines: Vec<CardLine>,
}

#[derive(Debug, Serialize)]
pub struct CardLine {
    pub n: u64,
    pub t: String,
    /// Error lines are links.
    pub url: Option<String>,
}

/// One failed task.
struct Failed<'a> {
    name: &'a str,
    message: Option<&'a BuildFailure>,
    failure: Option<&'a Failure>,
    has_log: bool,
}

impl Failed<'_> {
    /// Tasks with the same reason stand on one card.
    fn reason(&self) -> String {
        let cause = self.failure.filter(|failure| failure.is_known).and_then(Failure::cause);
        match (cause, self.message) {
            (Some(line), _) => {
                format!("{:?} {}", self.failure.and_then(|f| f.phase), without_numbers(&line.text))
            }
            (None, Some(message)) => message.message.clone(),
            (None, None) => String::new(),
        }
    }
}

/// Addresses and names of temporary files differ between chroots.
fn without_numbers(text: &str) -> String {
    text.chars().filter(|c| !c.is_ascii_digit()).collect()
}

pub fn of(shown: &Shown, around: &Around, url: &str) -> Vec<Card> {
    let failed = |chroot: &&BuildChroot| chroot.state == coppice_model::state::ChrootState::Failed;
    let mut all: Vec<Failed<'_>> = Vec::new();
    if let Some(failure) = &shown.view.build.failure {
        all.push(Failed {
            name: "source",
            message: Some(failure),
            failure: around.failures.get("source"),
            has_log: has_source_log(shown),
        });
    } else {
        all.extend(shown.view.chroots.iter().filter(failed).map(|chroot| Failed {
            name: chroot.chroot.as_str(),
            message: chroot.failure.as_ref(),
            failure: around.failures.get(chroot.chroot.as_str()),
            has_log: chroot.result_dir.is_some(),
        }));
    }
    let mut groups: Vec<(String, Vec<Failed<'_>>)> = Vec::new();
    for failed in all {
        let reason = failed.reason();
        match groups.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, group)) => group.push(failed),
            None => groups.push((reason, vec![failed])),
        }
    }
    groups.iter().map(|(_, group)| card(group, url)).collect()
}

fn card(group: &[Failed<'_>], url: &str) -> Card {
    let names: Vec<&str> = group.iter().map(|failed| failed.name).collect();
    let first = group.first();
    let failure = first.and_then(|failed| failed.failure);
    let message = first.and_then(|failed| failed.message);
    let is_ours = message.is_some_and(|message| message.cause.is_none());
    let cause = message.and_then(|message| message.cause);
    let has_log = first.is_some_and(|failed| failed.has_log);
    let log = |n: Option<u64>| {
        let anchor = n.map(|n| format!("#L{n}")).unwrap_or_default();
        names.first().map(|name| format!("{url}log/{name}/{anchor}"))
    };
    Card {
        title: match names.as_slice() {
            ["source"] => source_title(cause).to_owned(),
            [one] => format!("{one} failed"),
            many => format!("{} failed for one reason", counted(many.len() as u64, "chroot")),
        },
        what: if names.len() > 1 { names.join(", ") } else { String::new() },
        sentence: failure.map(Failure::sentence).unwrap_or_default(),
        message: message.map(|message| message.message.clone()),
        is_ours,
        next: next(cause),
        log_url: failure.and_then(|failure| log(failure.first)).or_else(|| log(None).filter(|_| has_log)),
        lines: failure
            .map(|failure| failure.lines.iter().map(|line| shown_line(line, &log)).collect())
            .unwrap_or_default(),
    }
}

/// Whether a builder made the sources, or tried to.
pub fn has_source_log(shown: &Shown) -> bool {
    let build = &shown.view.build;
    !build.source.is_uploaded_srpm() && build.source_started_on.is_some()
}

fn source_title(cause: Option<FailureCause>) -> &'static str {
    match cause {
        Some(FailureCause::SourceFetch) => "The sources could not be fetched",
        Some(FailureCause::SourceImport) => "The sources were not taken",
        _ => "The sources could not be made",
    }
}

/// What who submitted it may do; nothing where the log itself says it.
fn next(cause: Option<FailureCause>) -> &'static str {
    match cause {
        Some(FailureCause::SourceFetch) => {
            "Look whether the address, the branch or the version exists and everybody may read it; then build again."
        }
        Some(FailureCause::SourceMake) => {
            "The source log shows where it stops. When that is mended where the sources come from, build again."
        }
        Some(FailureCause::SourceImport) => {
            "Make a new source package with rpmbuild -bs, see whether rpm -qp reads it, and submit that one."
        }
        Some(FailureCause::BuildRequires) => {
            "Build what is missing first, or add a repository that has it to the settings of the project."
        }
        Some(FailureCause::Timeout) => "Build it again with a longer timeout.",
        Some(FailureCause::Build | FailureCause::Limit | FailureCause::ResultRefused) | None => "",
    }
}

fn shown_line(line: &Line, log: &impl Fn(Option<u64>) -> Option<String>) -> CardLine {
    CardLine { n: line.n, t: line.text.clone(), url: line.is_error.then(|| log(Some(line.n))).flatten() }
}

/// `rustc 1.88.0 is not supported: line 412 of the log`, for the row of a chroot.
pub fn first_error(failure: &Failure) -> Option<(u64, &str)> {
    let line = failure.cause().filter(|_| failure.is_known)?;
    Some((line.n, &line.text))
}
