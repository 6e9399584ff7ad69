//! Everything that the page of a build shows: what the store knows, and what other services say about it.

use std::{collections::HashMap, time::Duration};

use coppice_model::{
    BuildId, ChrootName, UnixTime,
    build_queue::{Held, WaitingTask},
    package::Nevra,
    state::{ChrootState, SourceState},
    work::{FailureCause, TaskId},
};
use coppice_runtime::logging::with_causes;
use coppice_store::{
    AttemptRecord, BuildChroot, BuildView, StoreError, attempts, build_chroots,
    build_chroots::Good,
    builds,
    queue::{self, AtWork},
};
use futures_util::{StreamExt, stream};

use crate::{
    App,
    api::packages_by_chroot,
    logs::{Failure, LogAddress, LogFile},
    ops,
    pages::{
        PageError, Viewer,
        frame::{ProjectHead, ProjectPath},
    },
    web::Web,
};

/// Earlier results that are looked at.
const GOOD: i64 = 400;
/// A page waits no longer for logs that nobody has read yet; they come with the next look.
const PATIENCE: Duration = Duration::from_secs(4);
/// Logs that one look reads, and how many of them at a time.
const MOST_LOGS: usize = 12;
const AT_ONCE: usize = 4;
/// What ended before says nothing about how long tasks take now.
const RECENT_S: i64 = 7 * 24 * 3_600;

/// From the store, in a fixed number of statements.
#[derive(Debug)]
pub struct Shown {
    pub head: ProjectHead,
    pub view: BuildView,
    pub built: HashMap<ChrootName, Vec<Nevra>>,
    pub attempts: Vec<AttemptRecord>,
    /// Of the same package, newest first.
    pub good: Vec<Good>,
    /// Builds that must end before.
    pub waits_for: Vec<BuildId>,
    pub now: UnixTime,
}

/// From elsewhere; what is missing is not shown.
#[derive(Debug, Default)]
pub struct Around {
    /// `None`: the backend does not say.
    pub queue: Option<Vec<WaitingTask>>,
    /// Only while something waits in line: what an estimate is made of.
    pub work: Option<AtWork>,
    /// By the name of the chroot; `source` for the source phase.
    pub failures: HashMap<String, Failure>,
}

/// Whether earlier builds tell something: how long what is open may take, or what was otherwise when it was good.
pub fn has_use_of_earlier(view: &BuildView) -> bool {
    let says_nothing = |chroot: &BuildChroot| chroot.state.is_final() && chroot.state != ChrootState::Failed;
    !view.chroots.iter().all(says_nothing)
}

/// Earlier builds are looked up only where `wants_earlier` says so: they are most of the work.
pub async fn load(
    app: &App,
    viewer: &Viewer,
    path: &ProjectPath,
    wants_earlier: fn(&BuildView) -> bool,
) -> Result<Shown, PageError> {
    let (raw, full_name) = (path.rest("id").to_owned(), format!("{}/{}", path.owner, path.project));
    let now = app.clock.now();
    // The viewer is borrowed by no other thread: what the head needs is asked for in the same reading.
    let caller = viewer.caller().cloned();
    let read = app.store.read(move |conn| {
        let missing = || PageError::NotFound(format!("Build {raw} does not exist in {full_name}."));
        let id: BuildId = raw.parse().map_err(|_| missing())?;
        let (view, project) = builds::find_with_project(conn, id)?.ok_or_else(missing)?;
        if view.build.project.to_string() != full_name {
            return Err(missing());
        }
        let head = ProjectHead::of(conn, &project, caller.as_ref())?;
        let good = match view.build.package().filter(|_| wants_earlier(&view)) {
            Some(package) => build_chroots::list_good(conn, project.id, package, id, GOOD)?,
            None => vec![],
        };
        let (built, attempts) = (packages_by_chroot(conn, id)?, attempts::list(conn, id)?);
        let waits_for = ops::waits_for_builds(conn, &view)?;
        Ok(Shown { head, view, built, attempts, good, waits_for, now })
    });
    read.await
}

impl Shown {
    /// The newest build before this one that succeeded in the chroot.
    pub fn last_good(&self, chroot: &ChrootName) -> Option<&Good> {
        self.good.iter().find(|good| good.chroot == *chroot)
    }

    /// How long the newest of them took, in order of length.
    pub fn durations(&self, chroot: &ChrootName) -> Vec<i64> {
        let own = self.good.iter().filter(|good| good.chroot == *chroot);
        let mut seconds: Vec<i64> = own.filter_map(Good::seconds).filter(|s| *s >= 0).take(10).collect();
        seconds.sort_unstable();
        seconds
    }

    /// Every attempt of a task, in order.
    pub fn attempts_of(&self, task: &TaskId) -> Vec<&AttemptRecord> {
        self.attempts.iter().filter(|record| record.task == *task).collect()
    }
}

pub async fn around(app: &App, web: &Web, shown: &Shown) -> Around {
    let line = async {
        let queue = waiting(web, shown).await;
        let work = work(app, shown, queue.as_deref().unwrap_or_default()).await;
        (queue, work)
    };
    let ((queue, work), failures) = tokio::join!(line, failures(app, web, shown));
    Around { queue, work, failures }
}

/// One statement more, and only while it is good for something.
async fn work(app: &App, shown: &Shown, queue: &[WaitingTask]) -> Option<AtWork> {
    let is_in_line = |task: &WaitingTask| {
        matches!(task.held, Held::Builders { busy: 1.. } | Held::Owner { .. } | Held::Project { .. })
    };
    if !queue.iter().any(is_in_line) {
        return None;
    }
    let since = UnixTime(shown.now.0 - RECENT_S);
    let read: Result<AtWork, StoreError> = app.store.read(move |conn| queue::at_work(conn, since)).await;
    match read {
        Ok(work) => Some(work),
        Err(error) => {
            tracing::debug!(error = with_causes(&error), "what builders do could not be read");
            None
        }
    }
}

/// Only when something waits for a builder.
async fn waiting(web: &Web, shown: &Shown) -> Option<Vec<WaitingTask>> {
    let waits = |chroot: &BuildChroot| chroot.state == ChrootState::Pending;
    let source_waits = shown.view.build.source_state == SourceState::Pending;
    if !source_waits && !shown.view.chroots.iter().any(waits) {
        return Some(vec![]);
    }
    match web.peers.build_queue(shown.view.build.id).await {
        Ok(queue) => Some(queue),
        Err(error) => {
            tracing::debug!(error = with_causes(&error), "the backend does not say why a build waits");
            None
        }
    }
}

/// Kept ones, and those that can be read now. A failure's log is read when somebody looks for the first time: most
/// failures nobody looks at, and a report must not wait for another server.
async fn failures(app: &App, web: &Web, shown: &Shown) -> HashMap<String, Failure> {
    let mut failures = HashMap::new();
    let mut unread: Vec<(String, Whose, LogAddress)> = Vec::new();
    let view = &shown.view;
    for chroot in view.chroots.iter().filter(|chroot| is_of_log(chroot)) {
        let kept = chroot.failure_log.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let address = LogAddress::of_chroot(view, chroot, chroot.attempt, LogFile::LIVE);
        match (kept, address) {
            (Some(kept), _) => drop(failures.insert(chroot.chroot.to_string(), kept)),
            (None, Some(address)) => {
                unread.push((chroot.chroot.to_string(), Whose::Chroot(chroot.id), address));
            }
            (None, None) => {}
        }
    }
    if is_of_source_log(view) {
        let kept = view.build.failure_log.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let address = LogAddress::of_source(view, view.build.source_attempt, LogFile::LIVE);
        match (kept, address) {
            (Some(kept), _) => drop(failures.insert("source".to_owned(), kept)),
            (None, Some(address)) => {
                unread.push(("source".to_owned(), Whose::Source(view.build.id), address));
            }
            (None, None) => {}
        }
    }
    let reading = stream::iter(unread.into_iter().take(MOST_LOGS)).map(|(name, whose, address)| async move {
        let failure = read(app, web, whose, address).await;
        (name, failure)
    });
    let mut reading = Box::pin(reading.buffer_unordered(AT_ONCE));
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while let Ok(Some((name, failure))) = tokio::time::timeout_at(deadline, reading.next()).await {
        failures.extend(failure.map(|failure| (name, failure)));
    }
    failures
}

/// A builder ran it and it failed there.
fn is_of_log(chroot: &BuildChroot) -> bool {
    chroot.state == ChrootState::Failed
        && chroot.failure.as_ref().is_some_and(|failure| failure.cause.is_some())
}

/// The builder's log has nothing to say where the sources were refused after it had made them.
fn is_of_source_log(view: &BuildView) -> bool {
    let cause = view.build.failure.as_ref().and_then(|failure| failure.cause);
    view.build.source_state == SourceState::Failed
        && cause.is_some_and(|cause| cause != FailureCause::SourceImport)
}

/// Whose failure it is that a log tells of.
#[derive(Debug, Clone, Copy)]
enum Whose {
    Source(BuildId),
    Chroot(i64),
}

async fn read(app: &App, web: &Web, whose: Whose, address: LogAddress) -> Option<Failure> {
    let spool = match web.logs.find(app, &web.peers, &address).await {
        Ok(spool) => spool?,
        Err(error) => {
            tracing::debug!(error = with_causes(&error), "the log of a failure could not be read");
            return None;
        }
    };
    let overview = spool.overview();
    if overview.lines == 0 {
        return None;
    }
    let failure = overview.failure;
    if let (true, Ok(text)) = (overview.is_complete, serde_json::to_string(&failure)) {
        let kept = app.store.tidy(move |conn| match whose {
            Whose::Source(build) => builds::keep_failure_log(conn, build, &text),
            Whose::Chroot(id) => build_chroots::keep_failure_log(conn, id, &text),
        });
        if let Err(error) = kept.await {
            let error: StoreError = error;
            tracing::debug!(error = with_causes(&error), "what a log says could not be kept");
        }
    }
    Some(failure)
}
