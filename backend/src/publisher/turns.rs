//! Who publishes a repository, and for whom: one publish of a repository at a time, few of them at once, in the
//! order in which they were asked for. Those who ask while one waits share it.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use coppice_model::{UnixTime, publish_queue::Waiting};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::tree::RepoId;

#[derive(Debug)]
pub struct Turns {
    repositories: Mutex<HashMap<RepoId, Arc<Turn>>>,
    /// Fair: whoever asks first gets in first.
    slots: Semaphore,
}

/// Of one repository.
#[derive(Debug, Default)]
pub struct Turn {
    asked: AtomicU64,
    /// The highest number of `asked` that the last publish covers; its holder publishes.
    pub covered: tokio::sync::Mutex<u64>,
    waiting: Mutex<Option<Line>>,
}

#[derive(Debug, Clone)]
struct Line {
    requests: usize,
    since: UnixTime,
    trouble: Option<String>,
}

impl Turns {
    pub fn new(at_once: usize) -> Self {
        Self { repositories: Mutex::default(), slots: Semaphore::new(at_once.max(1)) }
    }

    pub fn of(&self, repo: &RepoId) -> Arc<Turn> {
        self.lock().entry(repo.clone()).or_default().clone()
    }

    /// Held while publishing.
    pub async fn slot(&self) -> Option<SemaphorePermit<'_>> {
        // It is never closed.
        self.slots.acquire().await.ok()
    }

    /// Longest waiting first.
    pub fn waiting(&self) -> Vec<Waiting> {
        let of = |(repo, turn): (&RepoId, &Arc<Turn>)| {
            let Line { requests, since, trouble } = turn.line().clone()?;
            Some(Waiting { repository: repo.to_string(), requests, since, trouble })
        };
        let mut all: Vec<Waiting> = self.lock().iter().filter_map(of).collect();
        all.sort_by_key(|waiting| waiting.since);
        all
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RepoId, Arc<Turn>>> {
        self.repositories.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// The number of a new request.
    pub fn ask(&self, now: UnixTime) -> u64 {
        let mut line = self.line();
        let line = line.get_or_insert(Line { requests: 0, since: now, trouble: None });
        line.requests += 1;
        self.asked.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// The highest number that a publish covers which begins now.
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }

    /// What all up to `covered` wait for is done.
    pub fn done(&self, covered: u64, now: UnixTime) {
        let left = usize::try_from(self.asked() - covered).unwrap_or(0);
        *self.line() = (left > 0).then_some(Line { requests: left, since: now, trouble: None });
    }

    pub fn failed(&self, trouble: String) {
        if let Some(line) = self.line().as_mut() {
            line.trouble = Some(trouble);
        }
    }

    fn line(&self) -> MutexGuard<'_, Option<Line>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repo(dir: &str) -> RepoId {
        RepoId {
            owner: "alice".parse().unwrap(),
            dir: dir.parse().unwrap(),
            chroot: "fedora-43-x86_64".parse().unwrap(),
        }
    }

    #[test]
    fn the_queue_tells_who_waits_since_when_and_why() {
        let turns = Turns::new(1);
        let (one, two) = (turns.of(&repo("one")), turns.of(&repo("two")));
        assert_eq!(two.ask(UnixTime(20)), 1);
        assert_eq!(one.ask(UnixTime(10)), 1);
        let covered = one.asked();
        assert_eq!(one.ask(UnixTime(11)), 2);
        two.failed("no space".into());
        let names = |waiting: Vec<Waiting>| -> Vec<(String, usize, Option<String>)> {
            waiting.into_iter().map(|w| (w.repository, w.requests, w.trouble)).collect()
        };
        let one_path = "alice/one/fedora-43-x86_64".to_owned();
        let two_path = "alice/two/fedora-43-x86_64".to_owned();
        let trouble = Some("no space".to_owned());
        assert_eq!(names(turns.waiting()), [(one_path.clone(), 2, None), (two_path.clone(), 1, trouble)]);
        one.done(covered, UnixTime(30));
        two.done(two.asked(), UnixTime(30));
        assert_eq!(names(turns.waiting()), [(one_path, 1, None)]);
        one.done(one.asked(), UnixTime(31));
        assert!(turns.waiting().is_empty());
    }
}
