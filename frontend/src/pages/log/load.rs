//! Which log is meant, and what is known of its task.

use coppice_model::{Attempt, BuildId, ChrootName, UnixTime, work::TaskId};
use coppice_store::{AttemptRecord, BuildChroot, BuildView, attempts, builds};

use crate::{
    App,
    logs::{LogAddress, LogFile},
    pages::{
        PageError,
        frame::ProjectPath,
        words::{chroot_word, source_word},
    },
};

/// One of a task's logs.
#[derive(Debug, Clone, Copy)]
pub struct Wish {
    /// `None`: the newest.
    pub attempt: Option<u32>,
    pub file: LogFile,
}

/// A log that may be there, and whose it is.
#[derive(Debug, Clone)]
pub struct LogOf {
    pub view: BuildView,
    /// `None`: of the source phase.
    pub chroot: Option<BuildChroot>,
    /// Of this task only.
    pub attempts: Vec<AttemptRecord>,
    pub attempt: Attempt,
    pub file: LogFile,
    pub now: UnixTime,
}

/// Reads what the address names; two statements.
pub async fn load(app: &App, path: &ProjectPath, wish: Wish) -> Result<LogOf, PageError> {
    let (id, task) = (path.rest("id").to_owned(), path.rest("task").to_owned());
    let full_name = format!("{}/{}", path.owner, path.project);
    let now = app.clock.now();
    let read = app.store.read(move |conn| {
        let missing = || PageError::NotFound(format!("Build {id} does not exist in {full_name}."));
        let build: BuildId = id.parse().map_err(|_| missing())?;
        let view = builds::find(conn, build)?.ok_or_else(missing)?;
        if view.build.project.to_string() != full_name {
            return Err(missing());
        }
        let attempts = attempts::list(conn, build)?;
        of(view, attempts, &task, (wish, now))
    });
    read.await
}

fn of(
    view: BuildView,
    attempts: Vec<AttemptRecord>,
    task: &str,
    (wish, now): (Wish, UnixTime),
) -> Result<LogOf, PageError> {
    let chroot = view.chroots.iter().find(|chroot| chroot.chroot.as_str() == task).cloned();
    let id = view.build.id;
    if chroot.is_none() && task != "source" {
        return Err(PageError::NotFound(format!("Build {id} has no chroot {task}.")));
    }
    let own = chroot.as_ref().map_or(TaskId::Source(id), BuildChroot::task);
    let newest = chroot.as_ref().map_or(view.build.source_attempt, |chroot| chroot.attempt);
    let attempt = Attempt(wish.attempt.unwrap_or(newest.0));
    if attempt < Attempt::FIRST || attempt > newest {
        let text = format!("There is no attempt {attempt} of {task}: {newest} is the newest.");
        return Err(PageError::NotFound(text));
    }
    let attempts = attempts.into_iter().filter(|record| record.task == own).collect();
    Ok(LogOf { view, chroot, attempts, attempt, file: wish.file, now })
}

impl LogOf {
    /// `None` when there cannot be one (yet).
    pub fn address(&self) -> Option<LogAddress> {
        match &self.chroot {
            Some(chroot) => LogAddress::of_chroot(&self.view, chroot, self.attempt, self.file),
            None => LogAddress::of_source(&self.view, self.attempt, self.file),
        }
    }

    pub fn task(&self) -> &str {
        self.chroot.as_ref().map(|chroot| &chroot.chroot).map_or("source", ChrootName::as_str)
    }

    pub fn newest(&self) -> Attempt {
        self.chroot.as_ref().map_or(self.view.build.source_attempt, |chroot| chroot.attempt)
    }

    pub fn is_newest(&self) -> bool {
        self.attempt == self.newest()
    }

    /// Of this attempt.
    pub fn record(&self) -> Option<&AttemptRecord> {
        self.attempts.iter().find(|record| record.attempt == self.attempt)
    }

    /// When a builder took it, and when it ended.
    pub fn times(&self) -> (Option<UnixTime>, Option<UnixTime>) {
        let record = self.record();
        let (started, ended) =
            (record.and_then(|record| record.started_on), record.and_then(|record| record.ended_on));
        match &self.chroot {
            Some(chroot) if self.is_newest() => (chroot.started_on.or(started), chroot.ended_on.or(ended)),
            _ => (started, ended),
        }
    }

    /// When its log was begun: as soon as the builder had it.
    pub fn began(&self) -> Option<UnixTime> {
        self.record().and_then(|record| record.started_on).or(self.times().0)
    }

    /// Whether lines may still come.
    pub fn is_live(&self) -> bool {
        self.is_newest() && !matches!(self.word(), "succeeded" | "failed" | "canceled" | "skipped" | "forked")
    }

    pub fn has_failed(&self) -> bool {
        self.is_newest() && self.word() == "failed"
    }

    /// The state of the task, or how an earlier attempt ended.
    pub fn word(&self) -> &'static str {
        match &self.chroot {
            _ if !self.is_newest() => "lost",
            Some(chroot) => chroot_word(chroot),
            // The sources are made, whatever becomes of them.
            None if source_word(&self.view) == "importing" => "succeeded",
            None => source_word(&self.view),
        }
    }
}
