//! One publish, but for the signature: what changed, the new index files, and the switch to them.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use coppice_model::UnixTime;
use coppice_runtime::files;

use super::{
    config::PublishConfig,
    extras,
    fragment::{self, FragmentError, Trust},
    index::{Described, Sources, Written},
    layout,
    manifest::{Manifest, Manifests, Record, SECTIONS, Snapshot},
    pending::{Changes, Pending},
    repomd, snapshots,
    step::{Step, Watch},
};
use crate::{
    facts::BuildFacts,
    tree::{RepoId, Tree, is_placed},
};

/// One repository on the disk.
#[derive(Clone)]
pub struct Place {
    pub tree: Tree,
    pub config: PublishConfig,
    pub watch: Watch,
    /// What users put before the repository's path, for `mirrorlist`.
    pub results_url: String,
    pub repo: RepoId,
}

/// A publish that lacks its signature and the switch.
pub struct Draft {
    pub manifest: Manifest,
    pub repomd: String,
    changes: Changes,
    /// What was kept until now.
    previous: Vec<Snapshot>,
}

/// What is wanted beside the changes that wait.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wish {
    /// Describe all packages again, from their bytes.
    pub anew: bool,
    /// Bring this earlier publish back.
    pub back_to: Option<u64>,
    /// Fingerprint of the key to sign with from now on; `None`: as before.
    pub key: Option<String>,
}

impl Place {
    pub fn repository(&self) -> PathBuf {
        self.tree.repository(&self.repo)
    }

    pub fn manifests(&self) -> Manifests {
        Manifests::new(&self.tree.repository_state(&self.repo))
    }

    pub fn pending(&self) -> Pending {
        Pending::new(&self.tree.repository_state(&self.repo))
    }

    pub fn current(&self) -> io::Result<Manifest> {
        let mut current = self.manifests().current(self.config.compression)?;
        if current.number == 0 {
            // The memory may be lost; numbers are never given twice.
            current.number = snapshots::newest(&self.repository())?;
        }
        Ok(current)
    }

    /// Builds whose results are complete.
    pub fn placed(&self) -> io::Result<BTreeSet<String>> {
        let repository = self.repository();
        let entries = match fs::read_dir(&repository) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
            entries => entries?,
        };
        let mut builds = BTreeSet::new();
        for entry in entries {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if is_placed(&repository.join(&name)) {
                builds.insert(name);
            }
        }
        Ok(builds)
    }

    /// Notes what was placed or vanished without a word.
    pub fn reconcile(&self) -> Result<(), FragmentError> {
        let (current, changes) = (self.current()?, self.pending().changes()?);
        let unheard = self.unheard(&current, &changes)?;
        unheard.came.iter().try_for_each(|build| self.describe(build, current.key.as_deref()))?;
        Ok(unheard.gone.iter().try_for_each(|build| self.pending().gone(build))?)
    }

    /// What was placed or vanished without a word.
    fn unheard(&self, current: &Manifest, changes: &Changes) -> io::Result<Changes> {
        let mut placed = self.placed()?;
        let known: BTreeSet<&str> = current.builds.iter().map(|entry| entry.name.as_str()).collect();
        let vanished = known.iter().filter(|name| !placed.contains(**name));
        let gone = vanished.map(|name| (*name).to_owned()).collect();
        placed.retain(|build| !known.contains(build.as_str()) && !current.withheld.contains(build));
        placed.retain(|build| !changes.came.contains(build) && !changes.gone.contains(build));
        Ok(Changes { came: placed, gone })
    }

    /// Describes a placed build, once.
    pub fn describe(&self, build: &str, key: Option<&str>) -> Result<(), FragmentError> {
        if self.pending().fragment(build).exists() {
            return Ok(());
        }
        let dir = self.repository().join(build);
        let fragment = fragment::render(&dir, build, key, Trust::Notes)?;
        Ok(self.pending().came(build, &fragment.to_bytes()?)?)
    }

    /// The next publish; `None` when the served repository says all already.
    pub fn draft(&self, wish: &Wish, now: UnixTime) -> Result<Option<Draft>, FragmentError> {
        let current = self.current()?;
        let waiting = self.pending().changes()?;
        let mut changes = waiting.clone();
        changes.came.retain(|build| !current.has(build));
        // A first publish, or one that remembers nothing.
        let is_first = current.records.is_empty();
        if is_first || wish.anew {
            let unheard = self.unheard(&current, &changes)?;
            changes.came.extend(unheard.came);
            changes.gone.extend(unheard.gone);
        }
        let base = self.base(&current, wish)?;
        let key = wish.key.clone().or(current.key.clone());
        let is_lost = is_first || !self.is_whole(&base);
        let trust = match (wish.anew, is_lost || (key != current.key && !base.builds.is_empty())) {
            (true, _) => Some(Trust::Nothing),
            (false, true) => Some(Trust::Notes),
            (false, false) => None,
        };
        let extras = extras::carry(&self.tree, &self.repository())?;
        let is_same = trust.is_none()
            && wish.back_to.is_none()
            && key == current.key
            && !changes.concern(&current)
            && current.says(self.config.compression, &extras);
        if is_same {
            self.pending().settle(&waiting)?;
            return Ok(None);
        }
        let pieces = self.pieces(&base, &changes, trust, wish.back_to.is_some())?;
        let (repository, nothing) = (self.repository(), Manifest::nothing(0, base.compression));
        let sources = Sources {
            tree: &self.tree,
            repository: &repository,
            last: if trust.is_some() { &nothing } else { &base },
            key: key.as_deref(),
        };
        let mut written = sources.write(&pieces, self.config.compression)?;
        written.records.extend(extras);
        self.watch.done(Step::IndexFiles)?;
        let manifest = self.manifest((&base, &current), (written, key), now, wish);
        let repomd = repomd::render(manifest.published_on.0, &manifest.records);
        Ok(Some(Draft { manifest, repomd, changes: waiting, previous: current.history }))
    }

    /// What the publish starts from: the current one, or that which is brought back.
    fn base(&self, current: &Manifest, wish: &Wish) -> io::Result<Manifest> {
        let Some(number) = wish.back_to else { return Ok(current.clone()) };
        let earlier = self.manifests().get(number)?;
        let back: BTreeSet<&String> = earlier.builds.iter().map(|entry| &entry.name).collect();
        let of_now = current.builds.iter().map(|entry| &entry.name).chain(&current.withheld);
        let withheld = of_now.filter(|name| !back.contains(name)).cloned().collect();
        Ok(Manifest { withheld, ..earlier })
    }

    /// Whether everything is there that the manifest counts on.
    fn is_whole(&self, base: &Manifest) -> bool {
        let repository = self.repository();
        let is_there = |record: &Record| {
            let meta = fs::metadata(repository.join("repodata").join(&record.file));
            meta.is_ok_and(|meta| meta.len() == record.size)
        };
        let snapshot = snapshots::folder_of(&repository, base.number).join("repodata/repomd.xml");
        base.number == 0 || (snapshot.is_file() && base.records.iter().take(SECTIONS).all(is_there))
    }

    /// The blocks of the next publish; with `trust` every package is described anew.
    fn pieces(
        &self,
        base: &Manifest,
        changes: &Changes,
        trust: Option<Trust>,
        is_back: bool,
    ) -> io::Result<Vec<layout::Piece<Described>>> {
        let repository = self.repository();
        let mut gone: BTreeSet<&str> = changes.gone.iter().map(String::as_str).collect();
        if is_back {
            // Deleted since.
            let is_gone = |name: &&str| !is_placed(&repository.join(name));
            gone.extend(base.builds.iter().map(|entry| entry.name.as_str()).filter(is_gone));
        }
        let tiers = self.config.compression.tiers();
        let Some(trust) = trust else {
            let stored = |build: &String| {
                let described =
                    Described::Stored { build: build.clone(), path: self.pending().fragment(build) };
                fragment::count(&repository.join(build)).map(|packages| (described, packages))
            };
            let came = changes.came.iter().map(stored).collect::<io::Result<Vec<_>>>()?;
            return Ok(layout::plan(base, &gone, came, tiers, base.compression == self.config.compression));
        };
        let known = base.builds.iter().map(|entry| &entry.name).filter(|name| !gone.contains(name.as_str()));
        let asked = |build: &String| {
            let described = Described::Packages { build: build.clone(), trust };
            fragment::count(&repository.join(build)).map(|packages| (described, packages))
        };
        let all = known.chain(&changes.came).map(asked).collect::<io::Result<Vec<_>>>()?;
        let nothing = Manifest::nothing(base.number, self.config.compression);
        Ok(layout::plan(&nothing, &BTreeSet::new(), all, tiers, false))
    }

    fn manifest(
        &self,
        (base, current): (&Manifest, &Manifest),
        (written, key): (Written, Option<String>),
        now: UnixTime,
        wish: &Wish,
    ) -> Manifest {
        let mut manifest = Manifest {
            number: current.number + 1,
            published_on: UnixTime(now.0.max(current.published_on.0 + 1)),
            compression: self.config.compression,
            key,
            records: written.records,
            head: written.head,
            blocks: written.blocks,
            builds: written.builds,
            withheld: base.withheld.clone(),
            history: current.history.clone(),
            shown: current.shown,
        };
        let snapshot = manifest.snapshot(wish.back_to);
        manifest.history.push(snapshot);
        manifest.history = snapshots::kept(&manifest.history, now, (&self.config, manifest.shown));
        manifest
    }

    /// Makes the publish count, then makes it seen. All files that it names are on the disk before.
    pub fn commit(&self, draft: &Draft, signature: Option<&[u8]>) -> io::Result<()> {
        let previous = &draft.previous;
        self.settle_snapshot(draft, signature)?;
        self.watch.done(Step::Snapshot)?;
        self.manifests().put(&draft.manifest)?;
        self.watch.done(Step::Manifest)?;
        self.show(&draft.manifest)?;
        self.pending().settle(&draft.changes)?;
        self.watch.done(Step::Settled)?;
        if let Err(error) = snapshots::sweep(&self.repository(), &self.manifests(), &draft.manifest) {
            tracing::warn!(repository = %self.repo, %error, "old index files could not be removed");
        }
        // Worth a look only when the last publish with another key has just gone.
        let had_other = previous.iter().any(|snapshot| snapshot.key != draft.manifest.key);
        let has_other = draft.manifest.history.iter().any(|snapshot| snapshot.key != draft.manifest.key);
        if had_other && !has_other {
            self.settle_signed_anew(&draft.manifest)?;
        }
        self.watch.done(Step::Swept)
    }

    fn settle_snapshot(&self, draft: &Draft, signature: Option<&[u8]>) -> io::Result<()> {
        let fresh = self.tree.fresh_dir()?;
        let repodata = fresh.path().join("repodata");
        fs::create_dir(&repodata)?;
        let signature = signature.map(|signature| ("repomd.xml.asc", signature));
        for (name, content) in [("repomd.xml", draft.repomd.as_bytes())].into_iter().chain(signature) {
            let mut file = File::create_new(repodata.join(name))?;
            file.write_all(content)?;
            file.sync_all()?;
        }
        let target = snapshots::folder_of(&self.repository(), draft.manifest.number);
        // One that a killed process left was never served.
        files::remove_all(&target)?;
        self.tree.settle_dir(fresh, &target)
    }

    /// Chooses what users see: the newest publish, or in devel mode the last one that was made for them, which is the
    /// newest now if `with_all`.
    pub fn set_devel(&self, is_devel: bool, with_all: bool) -> io::Result<()> {
        let mut current = self.current()?;
        let shown = match current.shown {
            Some(number) if is_devel && !with_all => Some(number),
            _ => is_devel.then_some(current.number),
        };
        if current.number > 0 && shown != current.shown {
            current.shown = shown;
            self.manifests().put(&current)?;
            self.show(&current)?;
        }
        Ok(())
    }

    /// Below `devel/` builds find the newest publish; packages and index files lie in the repository.
    fn show_devel(&self, manifest: &Manifest) -> io::Result<()> {
        let devel = self.repository().join("devel");
        if manifest.shown.is_none() {
            return files::remove_all(&devel);
        }
        let repodata = devel.join("repodata");
        fs::create_dir_all(&repodata)?;
        let newest = snapshots::folder_of(&self.repository(), manifest.number).join("repodata");
        ["repomd.xml.asc", "repomd.xml"]
            .iter()
            .try_for_each(|name| self.link(&newest.join(name), &repodata.join(name)))
    }

    /// Makes what is served agree with a manifest; what agrees already is left alone.
    pub fn show(&self, manifest: &Manifest) -> io::Result<()> {
        self.show_devel(manifest)?;
        let repository = self.repository();
        let shown = manifest.shown.unwrap_or(manifest.number);
        let url = format!("{}/{}", self.results_url, self.repo);
        let mirrorlist = format!("{url}/snapshots/{shown}/\n");
        self.put(&repository.join("mirrorlist"), mirrorlist.as_bytes())?;
        self.watch.done(Step::Mirrorlist)?;
        let list = snapshots::list(manifest)?;
        self.put(&snapshots::folder(&repository).join("index.json"), &list)?;
        self.watch.done(Step::List)?;
        let (from, to) = (snapshots::folder_of(&repository, shown), repository.join("repodata"));
        for (name, step) in [("repomd.xml.asc", Step::Signature), ("repomd.xml", Step::Repomd)] {
            self.link(&from.join("repodata").join(name), &to.join(name))?;
            self.watch.done(step)?;
        }
        Ok(())
    }

    fn put(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        match fs::read(path) {
            Ok(served) if served == content => Ok(()),
            _ => self.tree.put(path, content),
        }
    }

    /// The file of the snapshot takes the place of the served one: no bytes are written, so a full disk does not
    /// part `repomd.xml` from its signature.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        match (fs::read(from), fs::read(to)) {
            (Ok(wanted), Ok(served)) if wanted == served => Ok(()),
            (Err(e), _) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            (Err(e), _) => Err(e),
            _ => self.tree.link_over(from, to),
        }
    }

    /// Only the current publish stays, and of its packages only those that it names.
    pub fn drop_history(&self) -> io::Result<()> {
        let mut current = self.current()?;
        current.history.retain(|snapshot| snapshot.number == current.number);
        current.shown = current.shown.map(|_| current.number);
        self.manifests().put(&current)?;
        self.show(&current)?;
        snapshots::sweep(&self.repository(), &self.manifests(), &current)?;
        self.settle_signed_anew(&current)
    }

    /// When no publish names the packages as they were signed before, those that were signed anew take their names.
    pub fn settle_signed_anew(&self, current: &Manifest) -> io::Result<()> {
        let Some(key) = current.key.as_deref() else { return Ok(()) };
        let is_settled = current.history.iter().all(|snapshot| snapshot.key.as_deref() == Some(key));
        for build in current.builds.iter().filter(|_| is_settled) {
            let dir = self.repository().join(&build.name);
            let Some(mut notes) = BuildFacts::read(&dir)? else { continue };
            if notes.settle(&dir, key)? {
                notes.write(&dir)?;
            }
        }
        Ok(())
    }

    /// A deleted build leaves for good: no snapshot that names it stays, so that none is ever incomplete.
    pub fn drop_snapshots_of(&self, build: &str) -> io::Result<()> {
        let mut current = self.current()?;
        let mut naming = BTreeSet::new();
        for number in current.history.iter().map(|snapshot| snapshot.number) {
            if number != current.number && self.manifests().get(number)?.has(build) {
                naming.insert(number);
            }
        }
        if naming.is_empty() {
            return Ok(());
        }
        current.history.retain(|snapshot| !naming.contains(&snapshot.number));
        // Users cannot be shown what names packages that are gone.
        if current.shown.is_some_and(|shown| naming.contains(&shown)) {
            current.shown = Some(current.number);
        }
        self.manifests().put(&current)?;
        self.show(&current)?;
        snapshots::sweep(&self.repository(), &self.manifests(), &current)
    }
}
