//! Repositories: what is known of placed packages becomes an index that dnf reads. Every publish is numbered and
//! stays a while as a snapshot; builds that finish together share one.

mod config;
mod draft;
mod extras;
pub mod fragment;
mod graves;
mod index;
mod layout;
mod manifest;
mod packing;
mod pending;
mod repomd;
mod snapshots;
mod step;
mod turns;

use std::{io, sync::Arc};

use coppice_model::{
    publish_queue::Waiting,
    signing::{Grant, SignatureForm},
};
use coppice_runtime::{Clock, health::Metrics, logging::with_causes};
use prometheus::IntCounterVec;

use crate::{
    blocking::{Broken, blocking},
    facts::BuildFacts,
    signing::{Keygen, SignWith, SigningError, Unsigned},
    tree::{RepoId, Tree},
};
pub use config::{Compression, PublishConfig};
use draft::{Draft, Place, Wish};
use fragment::FragmentError;
use graves::{Grave, Graves};
pub use step::{Step, Watch};
use turns::Turns;

#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    #[error("writing the repository of {0}")]
    Write(String, #[source] io::Error),
    #[error("describing packages of {0}")]
    Fragment(String, #[source] FragmentError),
    #[error("signing the repository")]
    Sign(#[from] SigningError),
    #[error("the packages of {build} are signed with another key than their repository ({wanted})")]
    OtherKey { build: String, wanted: String },
    #[error("there is no snapshot {1} of {0}")]
    NoSnapshot(String, u64),
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
    results_url: String,
    watch: Watch,
    turns: Turns,
    graves: Graves,
    publishes: IntCounterVec,
}

/// What a publisher stands on.
pub struct Ground<'a> {
    pub tree: &'a Tree,
    pub keys: &'a Keygen,
    pub clock: Clock,
    pub results_url: &'a str,
    pub metrics: &'a Metrics,
}

impl Publisher {
    pub fn open(ground: Ground<'_>, config: PublishConfig, watch: Watch) -> Result<Self, OpenError> {
        let Ground { tree, keys, clock, results_url, metrics } = ground;
        let publishes =
            metrics.counter("coppice_publishes_total", "Publishes of repositories.", &["outcome"])?;
        let graves = Graves::open(tree.state())?;
        let turns = Turns::new(config.publishes_at_once);
        let (tree, keys, results_url) = (tree.clone(), keys.clone(), results_url.to_owned());
        Ok(Self {
            inner: Arc::new(Inner {
                tree,
                keys,
                clock,
                config,
                results_url,
                watch,
                turns,
                graves,
                publishes,
            }),
        })
    }

    /// Adds a placed build, named as its result directory, and publishes.
    pub async fn add(&self, repo: &RepoId, build: String, grant: Option<&Grant>) -> Result<(), PublishError> {
        self.on_disk(repo, move |place| {
            let key = place.manifests().key()?;
            ensure_signed_by(&place, &build, key.as_deref())?;
            Ok(place.describe(&build, key.as_deref())?)
        })
        .await?;
        self.publish(repo, grant).await
    }

    /// Makes what is known agree with what is placed, and publishes. `anew` describes every package again.
    pub async fn reconcile(
        &self,
        repo: &RepoId,
        anew: bool,
        grant: Option<&Grant>,
    ) -> Result<(), PublishError> {
        if !anew {
            self.on_disk(repo, |place| Ok(place.reconcile()?)).await?;
        }
        self.publish_as(repo, Wish { anew, ..Wish::default() }, grant).await
    }

    /// In devel mode users see new builds only after `with_all`; builds find them below `devel/` at once.
    pub async fn set_devel(&self, repo: &RepoId, is_devel: bool, with_all: bool) -> Result<(), PublishError> {
        let turn = self.inner.turns.of(repo);
        let _alone = turn.covered.lock().await;
        self.on_disk(repo, move |place| Ok(place.set_devel(is_devel, with_all)?)).await
    }

    /// Forgets builds; the next publish is without them.
    pub async fn forget(&self, repo: &RepoId, builds: Vec<String>) -> Result<(), PublishError> {
        self.on_disk(repo, move |place| {
            Ok(builds.iter().try_for_each(|build| place.pending().gone(build))?)
        })
        .await
    }

    /// Makes an earlier publish the current one, under a new number. What was placed later stays out, also of
    /// later publishes, until a snapshot that holds it is brought back; what was deleted does not come back.
    pub async fn roll_back(
        &self,
        repo: &RepoId,
        number: u64,
        grant: Option<&Grant>,
    ) -> Result<(), PublishError> {
        let known =
            self.on_disk(repo, move |place| Ok(place.manifests().numbers()?.contains(&number))).await?;
        if !known {
            return Err(PublishError::NoSnapshot(repo.to_string(), number));
        }
        self.publish_as(repo, Wish { back_to: Some(number), ..Wish::default() }, grant).await
    }

    /// Fingerprint of the key that signs the repository; `None` before its first signed publish.
    pub async fn key_of(&self, repo: &RepoId) -> Result<Option<String>, PublishError> {
        self.on_disk(repo, |place| Ok(place.manifests().key()?)).await
    }

    /// Builds of the repository that hold packages without a signature by `key`.
    pub async fn unsigned(&self, repo: &RepoId, key: &str) -> Result<Vec<String>, PublishError> {
        let key = key.to_owned();
        self.on_disk(repo, move |place| {
            let placed = place.placed()?.into_iter();
            Ok(placed.filter(|build| ensure_signed_by(&place, build, Some(&key)).is_err()).collect())
        })
        .await
    }

    /// From now on the repository and everything in it is signed with `key`. All its builds are, before.
    pub async fn rekey(&self, repo: &RepoId, key: &str, grant: Option<&Grant>) -> Result<(), PublishError> {
        self.publish_as(repo, Wish { key: Some(key.to_owned()), ..Wish::default() }, grant).await
    }

    /// Forgets all publishes but the current one, without any grace time.
    pub async fn drop_history(&self, repo: &RepoId) -> Result<(), PublishError> {
        let turn = self.inner.turns.of(repo);
        let _alone = turn.covered.lock().await;
        self.on_disk(repo, |place| Ok(place.drop_history()?)).await
    }

    /// Takes the files of a build that left the metadata off the disk, when its grace time is over.
    pub async fn bury(&self, repo: &RepoId, build: String) -> Result<(), PublishError> {
        let until = self.inner.clock.now().plus_seconds(self.inner.config.deleted_grace_s);
        let grave = Grave { repo: repo.clone(), build, until };
        let inner = self.inner.clone();
        self.on_disk(repo, move |_| Ok(inner.graves.dig(&grave)?)).await?;
        self.sweep().await
    }

    /// Removes what the grace time of deleted builds kept.
    pub async fn sweep(&self) -> Result<(), PublishError> {
        let inner = self.inner.clone();
        let now = inner.clock.now();
        let due = blocking(move || inner.graves.due(now)).await?;
        for grave in due.map_err(|error| PublishError::Write("deleted builds".into(), error))? {
            let turn = self.inner.turns.of(&grave.repo);
            let _alone = turn.covered.lock().await;
            let (inner, repo) = (self.inner.clone(), grave.repo.clone());
            self.on_disk(&repo, move |place| {
                place.drop_snapshots_of(&grave.build)?;
                place.tree.discard(&place.repository().join(&grave.build))?;
                Ok(inner.graves.close(&grave)?)
            })
            .await?;
        }
        Ok(())
    }

    /// Repositories that are to be published.
    pub fn queue(&self) -> Vec<Waiting> {
        self.inner.turns.waiting()
    }

    /// Returns when a publish that began after this call is done.
    pub async fn publish(&self, repo: &RepoId, grant: Option<&Grant>) -> Result<(), PublishError> {
        self.publish_as(repo, Wish::default(), grant).await
    }

    async fn publish_as(&self, repo: &RepoId, wish: Wish, grant: Option<&Grant>) -> Result<(), PublishError> {
        let turn = self.inner.turns.of(repo);
        let mine = turn.ask(self.inner.clock.now());
        let mut covered = turn.covered.lock().await;
        // A special wish is not what others asked for.
        if *covered >= mine && wish == Wish::default() {
            return Ok(());
        }
        let _slot = self.inner.turns.slot().await;
        let covers = turn.asked();
        let published = self.publish_now(repo, wish, grant).await;
        let outcome = if published.is_ok() { "published" } else { "failed" };
        self.inner.publishes.with_label_values(&[outcome]).inc();
        if let Err(error) = &published {
            turn.failed(with_causes(error));
        }
        published?;
        *covered = covers;
        turn.done(covers, self.inner.clock.now());
        Ok(())
    }

    async fn publish_now(
        &self,
        repo: &RepoId,
        mut wish: Wish,
        grant: Option<&Grant>,
    ) -> Result<(), PublishError> {
        if wish.key.is_none() && self.key_of(repo).await?.is_none() {
            wish.key = self.first_key(repo).await?;
        }
        let now = self.inner.clock.now();
        let draft = self.on_disk(repo, move |place| {
            let draft = place.draft(&wish, now)?;
            // What a killed process did not show yet.
            if draft.is_none() {
                place.show(&place.current()?)?;
            }
            Ok(draft)
        });
        let Some(draft) = draft.await? else { return Ok(()) };
        let signature = self.signature(repo, &draft, grant).await?;
        self.on_disk(repo, move |place| Ok(place.commit(&draft, signature.as_deref())?)).await
    }

    /// An empty repository is made with the project, whether keygen runs or not.
    async fn first_key(&self, repo: &RepoId) -> Result<Option<String>, PublishError> {
        match self.inner.keys.find(&repo.project()).await {
            Err(error) if self.on_disk(repo, |place| Ok(place.placed()?.is_empty())).await? => {
                let error = with_causes(&error);
                tracing::info!(repository = %repo, error, "an empty repository is not signed yet");
                Ok(None)
            }
            found => Ok(found?.map(|key| key.fingerprint)),
        }
    }

    async fn signature(
        &self,
        repo: &RepoId,
        draft: &Draft,
        grant: Option<&Grant>,
    ) -> Result<Option<Vec<u8>>, PublishError> {
        let project = repo.project();
        let Some(key) = draft.manifest.key.as_deref() else {
            let is_empty = draft.manifest.builds.is_empty();
            return if is_empty { Ok(None) } else { Err(SigningError::NoKey(project).into()) };
        };
        let item = Unsigned { label: "repomd.xml".into(), content: draft.repomd.clone().into_bytes() };
        let with = SignWith { project: &project, key, grant };
        Ok(self.inner.keys.sign(with, SignatureForm::Armored, &[item]).await?.pop())
    }

    async fn on_disk<T: Send + 'static>(
        &self,
        repo: &RepoId,
        work: impl FnOnce(Place) -> Result<T, FailedWork> + Send + 'static,
    ) -> Result<T, PublishError> {
        let inner = &self.inner;
        let place = Place {
            tree: inner.tree.clone(),
            config: inner.config.clone(),
            watch: inner.watch.clone(),
            results_url: inner.results_url.clone(),
            repo: repo.clone(),
        };
        blocking(move || work(place)).await?.map_err(|failed| failed.of(repo))
    }
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("opening the list of deleted builds")]
    Graves(#[from] io::Error),
    #[error("preparing the numbers of publishes")]
    Metrics(#[from] prometheus::Error),
}

/// Why something on the disk did not succeed.
enum FailedWork {
    Fragment(FragmentError),
    OtherKey { build: String, wanted: String },
}

impl From<io::Error> for FailedWork {
    fn from(error: io::Error) -> Self {
        Self::Fragment(error.into())
    }
}

impl From<FragmentError> for FailedWork {
    fn from(error: FragmentError) -> Self {
        Self::Fragment(error)
    }
}

impl FailedWork {
    fn of(self, repo: &RepoId) -> PublishError {
        match self {
            Self::Fragment(FragmentError::Io(error)) => PublishError::Write(repo.to_string(), error),
            Self::Fragment(error) => PublishError::Fragment(repo.to_string(), error),
            Self::OtherKey { build, wanted } => PublishError::OtherKey { build, wanted },
        }
    }
}

/// Refuses a build some of whose packages bear no signature by `key`. Without notes the packages were verified
/// before they were placed, and their repository never changed its key.
fn ensure_signed_by(place: &Place, build: &str, key: Option<&str>) -> Result<(), FailedWork> {
    let Some(wanted) = key else { return Ok(()) };
    let Some(notes) = BuildFacts::read(&place.repository().join(build))? else { return Ok(()) };
    let signed = notes.files_signed_by(wanted);
    if notes.files().all(|file| signed.contains(file)) {
        return Ok(());
    }
    Err(FailedWork::OtherKey { build: build.to_owned(), wanted: wanted.to_owned() })
}
