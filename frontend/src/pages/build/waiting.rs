//! Why something waits, in sentences: what limits, whose limit, the place in line. Never only "pending".

use coppice_model::{
    BuildId, ChrootName, OwnerName,
    build_queue::{Held, WaitingTask},
    state::{ChrootState, SourceState, Stage},
    work::TaskId,
};
use coppice_store::BuildChroot;
use serde::Serialize;

use super::{
    estimate::{self, Line},
    load::{Around, Shown},
};
use crate::pages::{
    frame::Moment,
    words::{clock, counted},
};

/// A reason with what follows from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Why {
    /// The mark of the style sheet.
    pub mark: &'static str,
    pub finding: String,
    pub cause: String,
    pub since: Option<Moment>,
    /// Whether the rule of sharing is worth a link.
    pub is_shared: bool,
}

fn why(mark: &'static str, finding: &str, cause: impl Into<String>) -> Why {
    Why { mark, finding: finding.to_owned(), cause: cause.into(), since: None, is_shared: false }
}

/// Of the source phase; `None` when it does not wait.
pub fn of_source(shown: &Shown, around: &Around) -> Option<Why> {
    let build = &shown.view.build;
    match build.source_state {
        SourceState::Pending => {
            Some(for_builder(shown, around, &TaskId::Source(build.id), build.source_attempt.0))
        }
        SourceState::Starting => Some(why("run", "A builder has it.", "It begins to fetch the sources.")),
        SourceState::Running => {
            Some(why("run", "The sources are being fetched.", "A builder makes the source package."))
        }
        SourceState::Importing => Some(why(
            "src",
            "The sources are being stored in dist-git.",
            "That usually takes seconds; then each chroot is built.",
        )),
        SourceState::Succeeded | SourceState::Failed | SourceState::Canceled => None,
    }
}

/// Of one chroot; `None` when it has ended.
pub fn of_chroot(shown: &Shown, around: &Around, chroot: &BuildChroot) -> Option<Why> {
    match (chroot.state, chroot.stage) {
        (ChrootState::Waiting, _) => Some(why(
            "wait",
            "It waits for the sources.",
            "It is built as soon as they are stored in dist-git.",
        )),
        (ChrootState::Pending, _) => Some(for_builder(shown, around, &chroot.task(), chroot.attempt.0)),
        (ChrootState::Starting, _) => {
            Some(why("run", "A builder has it.", "It prepares the build root; the log begins in a moment."))
        }
        (ChrootState::Running, stage) => Some(running(shown, chroot, stage)),
        _ => None,
    }
}

fn running(shown: &Shown, chroot: &BuildChroot, stage: Option<Stage>) -> Why {
    let note = chroot.stage_note.as_deref();
    match (stage, note) {
        (_, Some(note)) => why(
            "retry",
            "It stands still, for a reason that is ours, not yours.",
            format!("{note}. It goes on by itself, and nothing of the build is lost."),
        ),
        (Some(Stage::Signing), None) => {
            why("pub", "Built.", "The packages are checked and signed with the key of the project.")
        }
        (Some(Stage::Publishing), None) => why(
            "pub",
            "Built and signed.",
            "It waits for the next publication of this repository. Trouble there never fails your build.",
        ),
        (Some(Stage::Building) | None, None) => {
            let durations = shown.durations(&chroot.chroot);
            let elapsed = chroot.started_on.map_or(0, |at| shown.now.0 - at.0);
            let told = usual(&durations).zip(estimate::to_go(&durations, elapsed));
            let none = || "This package was not built here before, so there is no estimate.".into();
            let cause = told.map_or_else(none, |(usual, to_go)| format!("{usual} {to_go}"));
            why("run", "It is being built.", cause)
        }
    }
}

/// `Usually 4:31 (4:02 to 5:20 in the last 8 builds).`
pub fn usual(durations: &[i64]) -> Option<String> {
    let (first, last) = (durations.first()?, durations.last()?);
    let median = durations[durations.len() / 2];
    Some(match durations.len() {
        1 => format!("The last build took {}.", clock(median)),
        count => format!(
            "Usually {} ({} to {} in the last {count} builds).",
            clock(median),
            clock(*first),
            clock(*last)
        ),
    })
}

fn for_builder(shown: &Shown, around: &Around, task: &TaskId, attempt: u32) -> Why {
    let mut reason = match (&around.queue, shown.waits_for.as_slice()) {
        (_, [_, ..]) => behind(&shown.waits_for),
        (None, _) => why(
            "pend",
            "It waits for a builder.",
            "The service that keeps the queue does not answer just now, so its place is not known. Nothing is lost.",
        ),
        (Some(queue), _) => match queue.iter().find(|waiting| waiting.task == *task) {
            Some(waiting) => in_line(shown, around, waiting),
            None => {
                why("pend", "It is on its way to the queue of the builders.", "That usually takes seconds.")
            }
        },
    };
    if attempt > 1 {
        reason.mark = "retry";
        reason.finding =
            format!("Attempt {attempt} follows, for a reason that is ours, not yours. {}", reason.finding);
    }
    if let TaskId::Rpm(_, chroot) = task {
        add_estimate(&mut reason, shown, chroot);
    }
    reason
}

fn add_estimate(reason: &mut Why, shown: &Shown, chroot: &ChrootName) {
    if let Some(usual) = usual(&shown.durations(chroot)) {
        reason.cause = format!("{} Then: {}", reason.cause, lower(&usual));
    }
}

fn lower(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

fn behind(builds: &[BuildId]) -> Why {
    let names: Vec<String> = builds.iter().take(5).map(ToString::to_string).collect();
    let more = if builds.len() > 5 { format!(" and {} more", builds.len() - 5) } else { String::new() };
    let what = if builds.len() == 1 { "build" } else { "builds" };
    why(
        "wait",
        &format!("It waits for {what} {}{more}.", names.join(", ")),
        "Its batch begins when all builds of the batch before it have ended; there is no estimate before that.",
    )
}

fn in_line(shown: &Shown, around: &Around, waiting: &WaitingTask) -> Why {
    let owner = &shown.view.build.project.owner;
    let arch = waiting.arch.as_deref().unwrap_or_default();
    let mut reason = match &waiting.held {
        Held::Owner { running, most } => limit(owner, (*running, *most), "", waiting.ahead),
        Held::Project { running, most } => {
            limit(owner, (*running, *most), " in this project by one submitter", waiting.ahead)
        }
        Held::NoBuilder => why(
            "hold",
            &format!("There is no {arch} builder now.").replace("  ", " "),
            "It is built when one is back; nothing needs to be done. There is no estimate before that.",
        ),
        Held::Earlier => {
            why("retry", "The attempt before is being closed.", "This one begins as soon as its log is kept.")
        }
        Held::Builders { busy } => builders(arch, *busy, waiting.ahead),
    };
    if let Some(begins) = begins(shown, around, waiting) {
        reason.cause = format!("{} {begins}", reason.cause);
    }
    if waiting.background {
        reason.cause.push_str(" It is a background build: all others go first.");
    }
    reason.since = Some(Moment::new(waiting.since, shown.now));
    reason
}

/// When it gets a builder, or why nobody knows; nothing where the cause says that already.
fn begins(shown: &Shown, around: &Around, waiting: &WaitingTask) -> Option<String> {
    match waiting.held {
        Held::NoBuilder | Held::Earlier => return None,
        Held::Builders { busy: 0 } => {
            return Some("There is no estimate: how long a new builder takes is not known.".into());
        }
        Held::Builders { .. } | Held::Owner { .. } | Held::Project { .. } => {}
    }
    let durations = match &waiting.task {
        TaskId::Rpm(_, chroot) => shown.durations(chroot),
        TaskId::Source(_) => vec![],
    };
    let usual_s = durations.get(durations.len() / 2).copied();
    let work = around.work.as_ref();
    let line = work.and_then(|work| Line::of(waiting, &shown.view.build, (work, usual_s), shown.now));
    let none = || "There is no estimate: nothing was built here in the last week.".to_owned();
    Some(line.map_or_else(none, |line| line.sentence()))
}

fn limit(owner: &OwnerName, (running, most): (usize, usize), of: &str, ahead: usize) -> Why {
    let cause = format!(
        "{running} of {most} builders work for {owner}{of}. {} Other owners do not delay it.",
        place(ahead, "in that line")
    );
    Why { is_shared: true, ..why("pend", "Your own limit is reached.", cause) }
}

fn builders(arch: &str, busy: usize, ahead: usize) -> Why {
    let arch = if arch.is_empty() { String::new() } else { format!("{arch} ") };
    let (finding, cause) = match busy {
        0 => (format!("A {arch}builder is being made ready."), place(ahead, "in line")),
        1 => (format!("The only {arch}builder is busy."), place(ahead, "in line")),
        busy => (format!("All {busy} {arch}builders are busy."), place(ahead, "in line")),
    };
    Why { is_shared: true, ..why("pend", &finding, cause) }
}

fn place(ahead: usize, line: &str) -> String {
    match ahead {
        0 => format!("It is the next {line}."),
        ahead => format!("{} before it {line}.", counted(ahead as u64, "task")),
    }
}
