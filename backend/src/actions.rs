//! Work on repositories that no build asked for. Every action may run twice.

use std::{fs, io};

use coppice_model::{
    DirName, OwnerName, ProjectRef,
    messages::{
        BackendTask, BuildResults, Comps, DeleteBuilds, DeleteProject, PublishRepositories, RollBack,
        TakenPackage,
    },
    signing::PublicKey,
};
use coppice_runtime::files;

use crate::{
    blocking::blocking,
    publisher::PublishError,
    results::{IngestError, Results},
    signing::SigningError,
    tree::{RepoId, SUCCESS},
};

/// What an action brought that the frontend must know.
#[derive(Debug, Default)]
pub struct Brought {
    pub key: Option<PublicKey>,
    pub taken: Option<TakenPackage>,
}

/// Builds are the dispatcher's; it is not asked to do one here.
pub async fn handle(results: &Results, task: &BackendTask) -> Result<Brought, IngestError> {
    match task {
        BackendTask::PublishV1(publish) => results.publish(publish).await,
        BackendTask::DeleteBuildsV1(delete) => results.delete_builds(delete).await,
        BackendTask::DeleteProjectV1(delete) => results.delete_project(delete).await,
        BackendTask::RollBackV1(back) => results.roll_back(back).await,
        BackendTask::ForkV1(fork) => results.fork(fork).await,
        BackendTask::RotateKeyV1(rotate) => {
            let key = Some(results.rotate_key(rotate).await?);
            return Ok(Brought { key, ..Brought::default() });
        }
        BackendTask::TakePackageV1(take) => {
            ensure_of(&take.project, &take.dir)?;
            let taken = Some(results.take_package(take).await?);
            return Ok(Brought { taken, ..Brought::default() });
        }
        BackendTask::SourceBuildV1(_) | BackendTask::RpmBuildV1(_) | BackendTask::CancelV1 { .. } => {
            Err(IngestError::Refused("this is no action on repositories".into()))
        }
    }
    .map(|()| Brought::default())
}

impl Results {
    async fn publish(&self, publish: &PublishRepositories) -> Result<(), IngestError> {
        let project = &publish.project;
        for dir in &publish.dirs {
            ensure_of(project, dir)?;
            for chroot in &publish.chroots {
                let repo = RepoId { owner: project.owner.clone(), dir: dir.clone(), chroot: chroot.clone() };
                if let Some(comps) = &publish.comps {
                    self.put_comps(&repo, comps).map_err(IngestError::disk("placing comps.xml"))?;
                }
                self.publisher.reconcile(&repo, publish.from_scratch, publish.grant.as_ref()).await?;
                if let Some(is_devel) = publish.devel {
                    self.publisher.set_devel(&repo, is_devel, publish.from_scratch).await?;
                }
            }
        }
        // Repositories first: they shall exist even while keygen is away.
        match self.keys.ring(project).await {
            Ok(ring) => self.put_keys(project, &publish.dirs, &ring),
            Err(SigningError::NoKey(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Beside `repodata`, where the publisher finds it.
    fn put_comps(&self, repo: &RepoId, comps: &Comps) -> io::Result<()> {
        let path = self.tree.repository(repo).join("comps.xml");
        let Some(content) = &comps.content else { return files::remove_all(&path) };
        fs::create_dir_all(self.tree.repository(repo))?;
        self.tree.put(&path, content.as_bytes())
    }

    async fn roll_back(&self, back: &RollBack) -> Result<(), IngestError> {
        let RollBack { project, dir, chroot, snapshot, grant, .. } = back;
        ensure_of(project, dir)?;
        let repo = RepoId { owner: project.owner.clone(), dir: dir.clone(), chroot: chroot.clone() };
        match self.publisher.roll_back(&repo, *snapshot, grant.as_ref()).await {
            Err(error @ PublishError::NoSnapshot(..)) => Err(IngestError::Refused(error.to_string())),
            other => Ok(other?),
        }
    }

    /// dnf imports it from every directory's root (contract, section 16).
    pub(crate) fn put_public_key(
        &self,
        owner: &OwnerName,
        dir: &DirName,
        armored: &str,
    ) -> Result<(), IngestError> {
        let root = self.tree.dir(owner, dir);
        let path = root.join("pubkey.gpg");
        if fs::read(&path).is_ok_and(|old| old == armored.as_bytes()) {
            return Ok(());
        }
        fs::create_dir_all(&root).map_err(IngestError::disk("making a directory"))?;
        self.tree.put(&path, armored.as_bytes()).map_err(IngestError::disk("writing pubkey.gpg"))
    }

    /// First out of the metadata, then from the disk: dnf never sees a package that is gone.
    async fn delete_builds(&self, delete: &DeleteBuilds) -> Result<(), IngestError> {
        let (mut gone, mut sources) = (Vec::new(), Vec::new());
        let mut repositories = Vec::new();
        for build in &delete.builds {
            ensure_of(&delete.project, &build.dir)?;
            for repo in repositories_of(&delete.project, build) {
                let names = self.result_dirs(&repo, build)?;
                gone.extend(names.iter().map(|name| (repo.clone(), name.clone())));
                self.retract(&repo, names).await?;
                if !repositories.contains(&repo) {
                    repositories.push(repo);
                }
            }
            sources.push(self.tree.source_dir_of(&delete.project.owner, &build.dir, build.build));
        }
        for repo in repositories.iter().filter(|repo| self.tree.repository(repo).is_dir()) {
            self.publisher.publish(repo, delete.grant.as_ref()).await?;
        }
        for (repo, build) in gone {
            self.publisher.bury(&repo, build).await?;
        }
        let tree = self.tree.clone();
        let discarded = blocking(move || sources.iter().try_for_each(|path| tree.discard(path))).await?;
        discarded.map_err(IngestError::disk("removing results"))
    }

    /// Takes builds out of what the next publish says, for good: without its mark a build is never
    /// remembered again.
    async fn retract(&self, repo: &RepoId, names: Vec<String>) -> Result<(), IngestError> {
        let repository = self.tree.repository(repo);
        for name in &names {
            files::remove_all(&repository.join(name).join(SUCCESS))
                .map_err(IngestError::disk("removing results"))?;
        }
        Ok(self.publisher.forget(repo, names).await?)
    }

    /// Names of a build's result directories in a repository; the package may be unknown.
    fn result_dirs(&self, repo: &RepoId, build: &BuildResults) -> Result<Vec<String>, IngestError> {
        let prefix = format!("{}-", build.build.padded());
        if let Some(package) = &build.package {
            return Ok(vec![format!("{prefix}{package}")]);
        }
        let entries = match fs::read_dir(self.tree.repository(repo)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(IngestError::disk("reading a repository"))?,
        };
        let names = entries.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()));
        Ok(names.filter(|name| name.starts_with(&prefix)).collect())
    }

    /// Each directory goes at once, its metadata with it.
    async fn delete_project(&self, delete: &DeleteProject) -> Result<(), IngestError> {
        for dir in &delete.dirs {
            ensure_of(&delete.project, dir)?;
            let (tree, owner, dir) = (self.tree.clone(), delete.project.owner.clone(), dir.clone());
            let removed = blocking(move || {
                tree.discard(&tree.dir(&owner, &dir))?;
                files::remove_all(&tree.dir_state(&owner, &dir))
            });
            removed.await?.map_err(IngestError::disk("removing a project"))?;
        }
        Ok(())
    }
}

fn repositories_of(project: &ProjectRef, build: &BuildResults) -> Vec<RepoId> {
    let repo = |chroot: &coppice_model::ChrootName| RepoId {
        owner: project.owner.clone(),
        dir: build.dir.clone(),
        chroot: chroot.clone(),
    };
    build.chroots.iter().map(repo).collect()
}

fn ensure_of(project: &ProjectRef, dir: &DirName) -> Result<(), IngestError> {
    if dir.project() == project.name.as_str() {
        return Ok(());
    }
    Err(IngestError::Refused(format!("the directory {dir} is not of the project {project}")))
}
