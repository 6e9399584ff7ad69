//! Repositories: what is remembered of placed packages becomes an index that dnf reads. One publish of a
//! repository at a time; builds that finish together share one.

mod config;
pub mod fragment;
mod index;
mod repomd;
mod retire;
mod shelf;

use std::{
    collections::HashMap,
    fs, io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use coppice_model::signing::{Grant, SignatureForm};
use coppice_runtime::{Clock, health::Metrics};
use prometheus::IntCounterVec;
use tokio::sync::Mutex;

use crate::{
    blocking::{Broken, blocking},
    signing::{Keygen, SignWith, SigningError, Unsigned},
    tree::{RepoId, Tree},
};
pub use config::PublishConfig;
use fragment::FragmentError;
use index::Index;

#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    #[error("writing the repository of {0}")]
    Write(String, #[source] io::Error),
    #[error("describing packages of {0}")]
    Fragment(String, #[source] FragmentError),
    #[error("signing the repository")]
    Sign(#[from] SigningError),
    #[error("writing the repository")]
    Broken(#[from] Broken),
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Publisher {
    inner: Arc<Inner>,
}

struct Inner {
    tree: Tree,
    keys: Keygen,
    clock: Clock,
    config: PublishConfig,
    repositories: std::sync::Mutex<HashMap<RepoId, Arc<Turn>>>,
    publishes: IntCounterVec,
}

/// Who publishes a repository, and for whom.
#[derive(Default)]
struct Turn {
    asked: AtomicU64,
    /// The highest number of `asked` that the last publish covers; its holder publishes.
    covered: Mutex<u64>,
}

/// A publish that is ready but for its switch.
struct Prepared {
    repomd: String,
    signature: Option<Vec<u8>>,
    index: Index,
}

impl Publisher {
    pub fn new(
        tree: &Tree,
        keys: &Keygen,
        clock: Clock,
        config: PublishConfig,
        metrics: &Metrics,
    ) -> Result<Self, prometheus::Error> {
        let publishes =
            metrics.counter("coppice_publishes_total", "Publishes of repositories.", &["outcome"])?;
        let (tree, keys, repositories) = (tree.clone(), keys.clone(), std::sync::Mutex::default());
        Ok(Self { inner: Arc::new(Inner { tree, keys, clock, config, repositories, publishes }) })
    }

    /// Adds a placed build, named as its result directory, and publishes.
    pub async fn add(&self, repo: &RepoId, build: String, grant: Option<&Grant>) -> Result<(), PublishError> {
        let (inner, of) = (self.inner.clone(), repo.clone());
        blocking(move || shelf::remember(&inner.tree, &of, &build, inner.clock.now()))
            .await?
            .map_err(|error| PublishError::Fragment(name(repo), error))?;
        self.publish(repo, grant).await
    }

    /// Makes what is remembered agree with what is placed, and publishes. `anew` forgets everything first.
    pub async fn reconcile(
        &self,
        repo: &RepoId,
        anew: bool,
        grant: Option<&Grant>,
    ) -> Result<(), PublishError> {
        let (inner, of) = (self.inner.clone(), repo.clone());
        blocking(move || shelf::reconcile(&inner.tree, &of, anew, inner.clock.now()))
            .await?
            .map_err(|error| PublishError::Fragment(name(repo), error))?;
        self.publish(repo, grant).await
    }

    /// Forgets builds; the next publish is without them.
    pub async fn forget(&self, repo: &RepoId, builds: Vec<String>) -> Result<(), PublishError> {
        let (inner, of) = (self.inner.clone(), repo.clone());
        blocking(move || shelf::forget(&inner.tree, &of, &builds))
            .await?
            .map_err(|error| PublishError::Write(name(repo), error))
    }

    /// Returns when a publish that began after this call is done.
    pub async fn publish(&self, repo: &RepoId, grant: Option<&Grant>) -> Result<(), PublishError> {
        let turn = self.turn(repo);
        let mine = turn.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let mut covered = turn.covered.lock().await;
        if *covered >= mine {
            return Ok(());
        }
        let covers = turn.asked.load(Ordering::SeqCst);
        let published = self.publish_now(repo, grant).await;
        let outcome = if published.is_ok() { "published" } else { "failed" };
        self.inner.publishes.with_label_values(&[outcome]).inc();
        published?;
        *covered = covers;
        Ok(())
    }

    fn turn(&self, repo: &RepoId) -> Arc<Turn> {
        let mut turns = self.inner.repositories.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        turns.entry(repo.clone()).or_default().clone()
    }

    async fn publish_now(&self, repo: &RepoId, grant: Option<&Grant>) -> Result<(), PublishError> {
        let (inner, of) = (self.inner.clone(), repo.clone());
        let index = blocking(move || index::write(&inner.tree, &of)).await?.map_err(writing(repo))?;
        let Some(prepared) = self.prepare(repo, index, grant).await? else { return Ok(()) };
        let (inner, of) = (self.inner.clone(), repo.clone());
        blocking(move || inner.switch(&of, &prepared)).await?.map_err(writing(repo))
    }

    /// `None` when the served repository already says the same.
    async fn prepare(
        &self,
        repo: &RepoId,
        index: Index,
        grant: Option<&Grant>,
    ) -> Result<Option<Prepared>, PublishError> {
        let repodata = self.inner.tree.repository(repo).join("repodata");
        let served = read(&repodata.join("repomd.xml")).map_err(writing(repo))?;
        let signed = repodata.join("repomd.xml.asc").is_file();
        let project = repo.project();
        let key = match self.inner.keys.find(&project).await {
            // An empty repository is made with the project, whether keygen runs or not.
            Err(_) if index.packages == 0 && served.is_none() => None,
            key => key?,
        };
        let since = served.as_deref().and_then(repomd::revision).unwrap_or(0);
        if served.is_some_and(|served| served == repomd::render(since, &index.records))
            && (signed || key.is_none())
        {
            return Ok(None);
        }
        let repomd = repomd::render(self.inner.clock.now().0.max(since + 1), &index.records);
        let signature = match key {
            Some(key) => {
                let item = Unsigned { label: "repomd.xml".into(), content: repomd.clone().into_bytes() };
                let with = SignWith { project: &project, key: &key, grant };
                self.inner.keys.sign(with, SignatureForm::Armored, &[item]).await?.pop()
            }
            None if index.packages == 0 => None,
            None => return Err(SigningError::NoKey(project).into()),
        };
        Ok(Some(Prepared { repomd, signature, index }))
    }
}

impl Inner {
    /// The moment from which dnf sees the new index. All files it names are on disk before.
    fn switch(&self, repo: &RepoId, prepared: &Prepared) -> io::Result<()> {
        let repodata = self.tree.repository(repo).join("repodata");
        let named: Vec<&str> = prepared.index.records.iter().map(|record| record.file.as_str()).collect();
        retire::mark(&repodata, &named, self.clock.now())?;
        // Both are on disk before either is switched: a full disk must not part them.
        let signature =
            prepared.signature.as_deref().map(|text| self.tree.fresh_content(text)).transpose()?;
        let repomd = self.tree.fresh_content(prepared.repomd.as_bytes())?;
        if let Some(signature) = signature {
            self.tree.settle_file(signature, &repodata.join("repomd.xml.asc"))?;
        }
        self.tree.settle_file(repomd, &repodata.join("repomd.xml"))?;
        if let Err(error) = retire::sweep(&repodata, &named, self.clock.now(), &self.config) {
            tracing::warn!(repository = name(repo), %error, "old index files could not be removed");
        }
        Ok(())
    }
}

fn read(path: &std::path::Path) -> io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        text => text.map(Some),
    }
}

fn writing(repo: &RepoId) -> impl FnOnce(io::Error) -> PublishError {
    let name = name(repo);
    |error| PublishError::Write(name, error)
}

fn name(repo: &RepoId) -> String {
    format!("{}/{}/{}", repo.owner, repo.dir, repo.chroot)
}
