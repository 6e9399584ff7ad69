//! Who looks, and what they are told.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use coppice_model::BuildId;
use coppice_runtime::{Stop, secret::random_token};
use coppice_store::BuildView;
use tokio::sync::{Notify, broadcast};

use super::{StateEvent, of_build};
use crate::pages::build_word;

/// Who falls so many updates behind is sent away and comes again.
const BEHIND: usize = 256;
/// Updates that who comes again may still get one by one.
const KEPT: usize = 4_096;
/// Builds whose last told states are known.
const KNOWN: usize = 4_096;

/// A build that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    /// Grows by one with every update of this process.
    pub seq: u64,
    pub build: BuildId,
    /// `owner/name`; empty when the build is gone.
    pub project: String,
    pub word: &'static str,
    /// Only what is new; a change that no page shows has none.
    pub events: Vec<StateEvent>,
    pub is_final: bool,
}

#[derive(Debug, Default)]
struct Inner {
    seq: u64,
    kept: VecDeque<Arc<Update>>,
    known: HashMap<BuildId, Vec<StateEvent>>,
    /// Changed, and not yet read.
    pending: HashSet<BuildId>,
}

/// The news of one process.
#[derive(Debug)]
pub struct News {
    /// Tells the numbers of this process from those of another.
    pub(super) name: String,
    inner: Mutex<Inner>,
    sender: broadcast::Sender<Arc<Update>>,
    watching: AtomicUsize,
    pub(super) changed: Notify,
    /// Of the queue, as they were at an update.
    pub numbers: tokio::sync::Mutex<Option<(u64, String)>>,
    /// Nobody is told anything any more.
    pub stop: Stop,
}

impl Default for News {
    fn default() -> Self {
        Self {
            name: random_token().chars().take(12).collect(),
            inner: Mutex::default(),
            sender: broadcast::Sender::new(BEHIND),
            watching: AtomicUsize::new(0),
            changed: Notify::new(),
            numbers: tokio::sync::Mutex::default(),
            stop: Stop::new(),
        }
    }
}

/// One who looks, until it is dropped.
#[derive(Debug)]
pub struct Watching {
    news: Arc<News>,
    pub updates: broadcast::Receiver<Arc<Update>>,
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.news.watching.fetch_sub(1, Ordering::Relaxed);
    }
}

impl News {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on. Whoever wants to know the state before must read it after this.
    pub fn watch(self: &Arc<Self>) -> Watching {
        self.watching.fetch_add(1, Ordering::Relaxed);
        Watching { news: Arc::clone(self), updates: self.sender.subscribe() }
    }

    /// What an event is numbered by.
    pub fn event_id(&self, seq: u64) -> String {
        format!("{}-{seq}", self.name)
    }

    /// The number of the newest update.
    pub fn seq(&self) -> u64 {
        self.inner().seq
    }

    /// What came after the event of this number; `None` when that is not known any more.
    pub fn after(&self, event_id: &str) -> Option<Vec<Arc<Update>>> {
        let (name, seq) = event_id.rsplit_once('-')?;
        let seq: u64 = seq.parse().ok().filter(|_| name == self.name)?;
        let inner = self.inner();
        let oldest = inner.kept.front().map_or(inner.seq + 1, |update| update.seq);
        if seq > inner.seq || seq + 1 < oldest {
            return None;
        }
        Some(inner.kept.iter().filter(|update| update.seq > seq).cloned().collect())
    }

    /// Notes that builds changed.
    pub(super) fn note(&self, builds: &[BuildId]) {
        self.inner().pending.extend(builds);
        self.changed.notify_one();
    }

    /// What is to be read now. While nobody looks, nothing is, and what was told is forgotten.
    pub(super) fn take_pending(&self) -> Vec<BuildId> {
        let mut inner = self.inner();
        let pending: Vec<BuildId> = inner.pending.drain().collect();
        if self.watching.load(Ordering::Relaxed) == 0 {
            inner.known.clear();
            // A gap: who asks for what came before it must read anew.
            inner.seq += u64::from(!pending.is_empty());
            inner.kept.clear();
            return vec![];
        }
        pending
    }

    /// Tells what is new about these builds; those that are not among `views` are gone.
    pub(super) fn tell(&self, builds: &[BuildId], views: &[BuildView]) {
        let mut inner = self.inner();
        for id in builds {
            let view = views.iter().find(|view| view.build.id == *id);
            let update = Arc::new(inner.update(*id, view));
            inner.kept.push_back(Arc::clone(&update));
            if inner.kept.len() > KEPT {
                inner.kept.pop_front();
            }
            // An error says only that nobody looks any more.
            drop(self.sender.send(update));
        }
    }
}

impl Inner {
    fn update(&mut self, build: BuildId, view: Option<&BuildView>) -> Update {
        self.seq += 1;
        let seq = self.seq;
        let Some(view) = view else {
            self.known.remove(&build);
            let (project, events) = (String::new(), vec![]);
            return Update { seq, build, project, word: "deleted", events, is_final: true };
        };
        let states = of_build(view);
        if self.known.len() >= KNOWN {
            self.known.clear();
        }
        let before = self.known.insert(build, states.clone()).unwrap_or_default();
        let events = states.into_iter().filter(|event| !before.contains(event)).collect();
        let project = view.build.project.to_string();
        Update { seq, build, project, word: build_word(view), events, is_final: view.state().is_final() }
    }
}
