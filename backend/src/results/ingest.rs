//! The way of one finished build into its repository.

use std::{
    fs,
    path::{Path, PathBuf},
};

use coppice_model::{
    BuildId, ProjectRef,
    package::Nevra,
    signing::{Grant, PublicKey},
    state::Stage,
    work::RpmWork,
};
use serde::{Deserialize, Serialize};

use super::{
    IngestError, Results, Staged,
    check::{BuiltRpm, check},
    place::{Placement, place},
    worker_log::WorkerLog,
};
use crate::{
    blocking::blocking,
    dispatch::intake::Verdict,
    facts::{self, BuildFacts, FileFacts},
    publisher::PublishError,
    signing::SigningError,
    tree::{RepoId, SUCCESS, is_placed},
};

/// `results.json` (contract, section 17).
#[derive(Debug, Serialize, Deserialize)]
struct ResultsFile {
    packages: Vec<Nevra>,
}

impl Results {
    /// All steps from staged files to an installable package. Run again after a crash or after
    /// [`IngestError::Unavailable`], it goes on where it stopped.
    pub async fn ingest(
        &self,
        work: &RpmWork,
        staged: &Staged,
        on_stage: &(dyn Fn(Stage) + Send + Sync),
    ) -> Result<Vec<Nevra>, IngestError> {
        let mut log = self.worker_log(work)?;
        let ended = self.ingest_steps(work, staged, on_stage, &mut log).await;
        if let Err(error) = &ended {
            log.note(&error.to_string()).map_err(IngestError::disk("writing backend.log"))?;
        }
        ended
    }

    /// Keeps the logs of a build that did not succeed; its packages are not kept.
    pub async fn keep_failed(&self, work: &RpmWork, staged: &Staged) -> Result<(), IngestError> {
        let target = self.result_dir(work);
        if is_placed(&target) {
            return Ok(());
        }
        self.worker_log(work)?
            .note("the build did not succeed; its logs are kept")
            .map_err(IngestError::disk("writing backend.log"))?;
        let texts = vec![build_info(work.context.build), json("buildroot.json", &staged.finish.buildroot)?];
        let placement = Placement { target, staged: staged.clone(), keep: |name| !name.is_rpm(), texts };
        self.place(placement).await
    }

    pub(super) async fn place(&self, placement: Placement) -> Result<(), IngestError> {
        let tree = self.tree.clone();
        let placed = blocking(move || place(&tree, &placement)).await?;
        placed.map_err(IngestError::disk("placing the results"))
    }

    async fn ingest_steps(
        &self,
        work: &RpmWork,
        staged: &Staged,
        on_stage: &(dyn Fn(Stage) + Send + Sync),
        log: &mut WorkerLog,
    ) -> Result<Vec<Nevra>, IngestError> {
        let target = self.result_dir(work);
        let mut note = |line: &str| log.note(line).map_err(IngestError::disk("writing backend.log"));
        if !is_placed(&target) {
            let rpms = self.check(work, staged).await?;
            note(&format!("checked {} packages of {}", rpms.len(), work.task()))?;
            on_stage(Stage::Signing);
            let key = self.sign(work, staged, &rpms).await?;
            self.put_public_keys(&work.context.project, &work.context.dir).await?;
            note(&format!("signed with key {} and verified with rpmkeys", key.fingerprint))?;
            let facts = self.facts(staged, &rpms, &key).await?;
            self.place_build(work, staged, (rpms, facts)).await?;
        }
        on_stage(Stage::Publishing);
        let of = (&work.context.project, work.grant.as_ref());
        self.add(&RepoId::of(work), &work.result_dir(), of).await?;
        note("published in the repository")?;
        log.finish(&self.tree).map_err(IngestError::disk("writing backend.log"))?;
        packages(&target)
    }

    async fn check(&self, work: &RpmWork, staged: &Staged) -> Result<Vec<BuiltRpm>, IngestError> {
        self.recover(staged).await?;
        let (work, staged) = (work.clone(), staged.clone());
        match blocking(move || check(&work, &staged)).await {
            Ok(checked) => checked,
            // What makes our reader stumble was sent by the builder.
            Err(_) => Err(IngestError::Refused("a package that the builder sent cannot be read".into())),
        }
    }

    async fn place_build(
        &self,
        work: &RpmWork,
        staged: &Staged,
        (rpms, facts): (Vec<BuiltRpm>, BuildFacts),
    ) -> Result<(), IngestError> {
        let facts = facts.to_bytes().map_err(IngestError::disk("describing the results"))?;
        let packages = rpms.into_iter().map(|rpm| rpm.nevra).collect();
        let mut texts = package_texts(work.context.build, packages)?;
        texts.push(json("buildroot.json", &staged.finish.buildroot)?);
        texts.push((facts::NAME, facts));
        let target = self.result_dir(work);
        self.place(Placement { target, staged: staged.clone(), keep: |_| true, texts }).await
    }

    /// A placed build into its repository; signed anew when a rotation was faster.
    pub(super) async fn add(
        &self,
        repo: &RepoId,
        folder: &str,
        (project, grant): (&ProjectRef, Option<&Grant>),
    ) -> Result<(), IngestError> {
        loop {
            match self.publisher.add(repo, folder.to_owned(), grant).await {
                Err(PublishError::OtherKey { build, wanted }) => {
                    let ring = self.keys.ring(project).await?;
                    let key = ring.keys.iter().find(|ring| ring.key.fingerprint == wanted);
                    let key = key.ok_or_else(|| SigningError::NoKey(project.clone()))?;
                    self.resign_build(repo, &build, &key.key, grant).await?;
                }
                added => return Ok(added?),
            }
        }
    }

    /// What is known of the packages as they are placed; only those that were signed late are read once more.
    async fn facts(
        &self,
        staged: &Staged,
        rpms: &[BuiltRpm],
        key: &PublicKey,
    ) -> Result<BuildFacts, IngestError> {
        let mut facts = BuildFacts::default();
        for rpm in rpms {
            let received = staged.received.iter().find(|(name, _)| name.as_str() == rpm.file);
            let known = received.and_then(|(_, received)| match &received.verdict {
                Verdict::Signed { by, .. } if by.eq_ignore_ascii_case(&key.fingerprint) => Some(FileFacts {
                    sha256: received.sha256.clone(),
                    size: received.size,
                    signed_by: by.clone(),
                }),
                _ => None,
            });
            let of_file = match known {
                Some(known) => known,
                None => self.read_facts(staged.dir.join(&rpm.file), key).await?,
            };
            facts.0.insert(rpm.file.clone(), of_file);
        }
        Ok(facts)
    }

    pub(super) async fn read_facts(&self, file: PathBuf, key: &PublicKey) -> Result<FileFacts, IngestError> {
        let signed_by = key.fingerprint.clone();
        let read = blocking(move || FileFacts::read(&file, signed_by)).await?;
        read.map_err(IngestError::disk("reading a package"))
    }

    fn worker_log(&self, work: &RpmWork) -> Result<WorkerLog, IngestError> {
        WorkerLog::open(&self.result_dir(work), &self.clock).map_err(IngestError::disk("reading backend.log"))
    }
}

/// Copr: backend's `build.info`; the address of the builder is of no use to users and stays ours.
fn build_info(build: BuildId) -> (&'static str, Vec<u8>) {
    ("build.info", format!("build_id={build}\nbuilder_ip=\n").into_bytes())
}

/// What stands beside packages that were published.
pub(super) fn package_texts(
    build: BuildId,
    packages: Vec<Nevra>,
) -> Result<Vec<(&'static str, Vec<u8>)>, IngestError> {
    let results = json("results.json", &ResultsFile { packages })?;
    Ok(vec![build_info(build), results, (SUCCESS, b"done\n".to_vec())])
}

pub(super) fn json(
    name: &'static str,
    value: &impl Serialize,
) -> Result<(&'static str, Vec<u8>), IngestError> {
    let mut bytes = serde_json::to_vec_pretty(value)
        .map_err(|error| IngestError::unavailable("describing the results", &error))?;
    bytes.push(b'\n');
    Ok((name, bytes))
}

fn packages(target: &Path) -> Result<Vec<Nevra>, IngestError> {
    let bytes = fs::read(target.join("results.json")).map_err(IngestError::disk("reading results.json"))?;
    let file: ResultsFile = serde_json::from_slice(&bytes)
        .map_err(|error| IngestError::unavailable("reading results.json", &error))?;
    Ok(file.packages)
}
