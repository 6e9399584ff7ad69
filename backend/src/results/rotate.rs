//! A project's new key: everything that its repositories hold is signed anew beside the old, then each repository
//! changes over in one publish. Cut off anywhere, the same action goes on where it stopped.

use std::path::Path;

use coppice_model::{
    DirName, ProjectRef,
    messages::RotateKey,
    signing::{BeginRotation, EndRotation, Grant, KeyRing, KeyRole, PublicKey, RingKey},
};

use super::{IngestError, Results};
use crate::{
    blocking::blocking,
    facts::BuildFacts,
    publisher::fragment::key_folder,
    signing::{SignWith, SigningError},
    tree::RepoId,
};

impl Results {
    /// Returns the new key.
    pub(crate) async fn rotate_key(&self, rotate: &RotateKey) -> Result<PublicKey, IngestError> {
        let (project, grant) = (&rotate.project, rotate.grant.as_ref());
        let (next, ring) = self.next_key(rotate).await?;
        // Clients may meet the new key from now on.
        self.put_keys_of(rotate, &ring).await?;
        for repo in &self.repositories(project).await? {
            self.change_over(repo, &next, grant).await?;
        }
        let end = EndRotation {
            key: next.fingerprint.clone(),
            compromised: rotate.compromised,
            grant: rotate.grant.clone(),
        };
        let ring = self.keys.end_rotation(project, &end).await?;
        self.put_keys_of(rotate, &ring).await?;
        // With those that came meanwhile.
        for repo in &self.repositories(project).await? {
            self.change_over(repo, &next, grant).await?;
            if rotate.compromised {
                self.publisher.drop_history(repo).await?;
            }
        }
        Ok(next)
    }

    /// The key that this action changes to. It is noted, so that a repeat begins no second rotation.
    async fn next_key(&self, rotate: &RotateKey) -> Result<(PublicKey, KeyRing), IngestError> {
        let project = &rotate.project;
        let (name, notes) = (rotate.action.to_string(), &self.rotations);
        let noted = notes.get(&name).map_err(IngestError::disk("reading how far a rotation is"))?;
        let ring = match &noted {
            Some(_) => self.keys.ring(project).await?,
            None => {
                let begin = BeginRotation { algorithm: rotate.algorithm, grant: rotate.grant.clone() };
                self.keys.begin_rotation(project, &begin).await?
            }
        };
        let is_it = |ring: &&RingKey| match &noted {
            Some(fingerprint) => ring.key.fingerprint == *fingerprint,
            None => ring.role == KeyRole::Next,
        };
        let next = ring.keys.iter().find(is_it).map(|ring| ring.key.clone());
        let next = next.ok_or_else(|| SigningError::NoKey(project.clone()))?;
        let written = notes.put_durable(&name, &next.fingerprint);
        written.map_err(IngestError::disk("noting how far a rotation is"))?;
        Ok((next, ring))
    }

    /// Signs every build that is not yet, then publishes with the new key; builds that come meanwhile are signed in
    /// the next round.
    async fn change_over(
        &self,
        repo: &RepoId,
        key: &PublicKey,
        grant: Option<&Grant>,
    ) -> Result<(), IngestError> {
        if self.publisher.key_of(repo).await?.as_deref() == Some(&key.fingerprint) {
            return Ok(());
        }
        loop {
            let unsigned = self.publisher.unsigned(repo, &key.fingerprint).await?;
            if unsigned.is_empty() {
                return Ok(self.publisher.rekey(repo, &key.fingerprint, grant).await?);
            }
            tracing::info!(repository = %repo, builds = unsigned.len(), "signing with the new key");
            for build in &unsigned {
                self.resign_build(repo, build, key, grant).await?;
            }
        }
    }

    /// Copies of all packages of a build, signed with another key, in a folder of that key; the old ones stay for
    /// clients that have the old metadata.
    pub(super) async fn resign_build(
        &self,
        repo: &RepoId,
        build: &str,
        key: &PublicKey,
        grant: Option<&Grant>,
    ) -> Result<(), IngestError> {
        let dir = self.tree.repository(repo).join(build);
        let (of, signer) = (dir.clone(), key.fingerprint.clone());
        let facts = blocking(move || BuildFacts::read_or_find(&of, &signer)).await?;
        let mut facts = facts.map_err(IngestError::disk("reading what is known of a build"))?;
        let signed = facts.files_signed_by(&key.fingerprint);
        let missing: Vec<String> =
            facts.files().filter(|file| !signed.contains(file)).map(ToOwned::to_owned).collect();
        let (project, folder) = (repo.project(), key_folder(&key.fingerprint).to_owned());
        make_dir(&dir.join(&folder)).map_err(IngestError::disk("making a folder"))?;
        let with = SignWith { project: &project, key: &key.fingerprint, grant };
        let mut names = Vec::new();
        for file in missing {
            let path = format!("{folder}/{file}");
            self.resign(with, &dir.join(&file), &dir.join(&path)).await?;
            facts.0.insert(path.clone(), self.read_facts(dir.join(&path), key).await?);
            // Noted one by one, so that no signature is made twice.
            let (noted, to) = (facts.clone(), dir.clone());
            let written = blocking(move || noted.write(&to)).await?;
            written.map_err(IngestError::disk("noting a signature"))?;
            names.push(file);
        }
        Ok(self.verifier.verify(&dir.join(&folder), &names, key).await?)
    }

    /// All that are on the disk, also in directories that were made after the rotation was ordered.
    async fn repositories(&self, project: &ProjectRef) -> Result<Vec<RepoId>, IngestError> {
        let (tree, project) = (self.tree.clone(), project.clone());
        let found = blocking(move || tree.repositories_of(&project.owner, &tree.dirs_of(&project)?)).await?;
        found.map_err(IngestError::disk("looking for repositories"))
    }

    /// Also of directories that were made after the rotation was ordered.
    async fn put_keys_of(&self, rotate: &RotateKey, ring: &KeyRing) -> Result<(), IngestError> {
        let (tree, project) = (self.tree.clone(), rotate.project.clone());
        let found = blocking(move || tree.dirs_of(&project)).await?;
        let mut dirs = found.map_err(IngestError::disk("looking for directories"))?;
        dirs.extend(rotate.dirs.iter().filter(|dir| !dirs.contains(dir)).cloned().collect::<Vec<_>>());
        self.put_keys(&rotate.project, &dirs, ring)
    }

    /// `pubkey.gpg` of every directory: each key whose signatures clients may meet.
    pub(crate) fn put_keys(
        &self,
        project: &ProjectRef,
        dirs: &[DirName],
        ring: &KeyRing,
    ) -> Result<(), IngestError> {
        let trusted = ring.keys.iter().filter(|ring| ring.role != KeyRole::Revoked);
        let armored: String = trusted.map(|ring| ring.key.armored.as_str()).collect();
        dirs.iter().try_for_each(|dir| self.put_public_key(&project.owner, dir, &armored))
    }

    pub(super) async fn put_public_keys(
        &self,
        project: &ProjectRef,
        dir: &DirName,
    ) -> Result<(), IngestError> {
        let ring = self.keys.ring(project).await?;
        self.put_keys(project, std::slice::from_ref(dir), &ring)
    }
}

fn make_dir(dir: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(dir)
}
