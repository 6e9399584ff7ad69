//! Results of one project copied into another: every package gets the other project's signature, everything else is
//! shared. Cut off anywhere, the same action goes on where it stopped.

use std::{collections::BTreeSet, fs, io, path::Path};

use coppice_model::{
    BuildId, ChrootName, DirName, ProjectRef,
    messages::{Fork, ForkedBuild},
    signing::{KeyRole, PublicKey},
};

use super::{IngestError, Results};
use crate::{
    blocking::blocking,
    facts::{self, BuildFacts},
    signing::{SignWith, SigningError},
    tree::{RepoId, is_placed},
};

impl Results {
    pub(crate) async fn fork(&self, fork: &Fork) -> Result<(), IngestError> {
        let ring = self.keys.ring(&fork.project).await?;
        let key =
            ring.with_role(KeyRole::Current).ok_or_else(|| SigningError::NoKey(fork.project.clone()))?;
        for build in &fork.builds {
            self.fork_build(fork, build, key).await?;
        }
        for chroot in &fork.comps_of {
            let (from, to) = (repo(&fork.from, chroot), repo(&fork.project, chroot));
            self.fork_comps(&from, &to).map_err(IngestError::disk("copying comps.xml"))?;
        }
        let built = fork.builds.iter().map(|build| &build.chroot);
        for chroot in built.chain(&fork.comps_of).collect::<BTreeSet<_>>() {
            self.publisher.reconcile(&repo(&fork.project, chroot), false, fork.grant.as_ref()).await?;
        }
        self.put_keys(&fork.project, &[DirName::from(&fork.project.name)], &ring)
    }

    /// One that went away since is left out.
    async fn fork_build(&self, fork: &Fork, build: &ForkedBuild, key: &PublicKey) -> Result<(), IngestError> {
        let name = |id: BuildId| format!("{}-{}", id.padded(), build.package);
        let from = self.tree.repository(&repo(&fork.from, &build.chroot)).join(name(build.from));
        let to = self.tree.repository(&repo(&fork.project, &build.chroot)).join(name(build.to));
        if is_placed(&to) {
            return Ok(());
        }
        if !is_placed(&from) {
            tracing::warn!(from = %from.display(), "a build to be forked is not there any more");
            return Ok(());
        }
        let fresh = self.tree.fresh_dir().map_err(IngestError::disk("making a folder"))?;
        let (source, target) = (from.clone(), fresh.path().to_owned());
        let packages = blocking(move || share_all_but_packages(&source, &target)).await?;
        let packages = packages.map_err(IngestError::disk("copying results"))?;
        let with = SignWith { project: &fork.project, key: &key.fingerprint, grant: fork.grant.as_ref() };
        let mut notes = BuildFacts::default();
        for package in &packages {
            let signed = fresh.path().join(package);
            self.resign(with, &from.join(package), &signed).await?;
            notes.0.insert(package.clone(), self.read_facts(signed, key).await?);
        }
        self.verifier.verify(fresh.path(), &packages, key).await?;
        notes.write(fresh.path()).map_err(IngestError::disk("noting signatures"))?;
        let tree = self.tree.clone();
        let placed = blocking(move || tree.settle_dir(fresh, &to)).await?;
        placed.map_err(IngestError::disk("placing results"))
    }

    fn fork_comps(&self, from: &RepoId, to: &RepoId) -> io::Result<()> {
        let of = |repo: &RepoId| self.tree.repository(repo).join("comps.xml");
        match fs::read(of(from)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            content => {
                fs::create_dir_all(self.tree.repository(to))?;
                self.tree.put(&of(to), &content?)
            }
        }
    }
}

/// In the main directory.
fn repo(project: &ProjectRef, chroot: &ChrootName) -> RepoId {
    RepoId { owner: project.owner.clone(), dir: DirName::from(&project.name), chroot: chroot.clone() }
}

/// Files never change once they are placed, so both may have the same. Returns the names of the packages.
fn share_all_but_packages(from: &Path, to: &Path) -> io::Result<Vec<String>> {
    let mut packages = Vec::new();
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // Folders hold packages that a rotation signed anew.
        if !entry.file_type()?.is_file() || name == facts::NAME {
            continue;
        }
        if name.ends_with(".rpm") {
            packages.push(name);
        } else {
            fs::hard_link(entry.path(), to.join(&name))?;
        }
    }
    packages.sort();
    Ok(packages)
}
