//! An import: download, check, keep, commit, report.

use std::{collections::BTreeMap, io, path::PathBuf};

use coppice_model::{
    ChrootName,
    messages::{DistGitTask, Import, Imported, Report},
    work::{DistGitCommit, Failure, FailureCause},
};
use coppice_runtime::{Bus, Clock, Envelope, Handler, Verdict, logging::with_causes};
use prometheus::IntCounterVec;

use crate::{
    config::Limits,
    download::{self, DownloadError},
    lookaside::{Lookaside, sources_line},
    outcomes::{Known, Outcomes},
    repository::{Commit, Repositories, RepositoryError, Tree, is_branch_name},
    srpm::{self, Content, ReadError, Source},
};

/// Our own trouble: the import is tried again.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    Download(DownloadError),
    #[error(transparent)]
    Read(ReadError),
    #[error("reading the source RPM was interrupted")]
    Interrupted(#[from] tokio::task::JoinError),
    #[error("keeping files")]
    Files(#[from] io::Error),
    #[error(transparent)]
    Repository(#[from] RepositoryError),
}

impl From<DownloadError> for ImportError {
    fn from(error: DownloadError) -> Self {
        match error {
            DownloadError::Refused(sentence) => Self::Refused(sentence),
            other => Self::Download(other),
        }
    }
}

impl From<ReadError> for ImportError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Refused(sentence) => Self::Refused(sentence),
            other => Self::Read(other),
        }
    }
}

/// Handles the messages for DistGit.
#[derive(Debug)]
pub struct Importer {
    pub bus: Bus,
    pub clock: Clock,
    pub client: reqwest::Client,
    pub limits: Limits,
    pub public_url: String,
    pub temporary: PathBuf,
    pub lookaside: Lookaside,
    pub repositories: Repositories,
    pub outcomes: Outcomes,
    /// By outcome.
    pub counted: IntCounterVec,
}

impl Handler<DistGitTask> for Importer {
    async fn handle(&self, envelope: Envelope<DistGitTask>) -> Verdict {
        let DistGitTask::ImportV1(import) = envelope.body;
        let report = match self.report(&import).await {
            Ok(report) => report,
            Err(error) => {
                self.counted.with_label_values(&["again"]).inc();
                return Verdict::Retry(with_causes(&error));
            }
        };
        match self.bus.send(&report).await {
            Ok(()) => Verdict::Done,
            Err(error) => Verdict::Retry(with_causes(&error)),
        }
    }
}

impl Importer {
    /// The outcome for good, remembered before it is told.
    async fn report(&self, import: &Import) -> Result<Report, ImportError> {
        let known = self.outcomes.recall(import)?;
        if let Known::Ended(report) = known {
            return Ok(report);
        }
        let (report, outcome) = match self.carry_out(import, known == Known::Begun).await {
            Ok(imported) => (Report::ImportedV1(imported), "imported"),
            Err(ImportError::Refused(message)) => (self.failed(import, message), "refused"),
            Err(ours) => return Err(ours),
        };
        self.outcomes.end(import, &report)?;
        self.counted.with_label_values(&[outcome]).inc();
        tracing::info!(build.id = %import.build, project = %import.project, outcome, "an import ended");
        Ok(report)
    }

    fn failed(&self, import: &Import, message: String) -> Report {
        let failure = Failure { cause: FailureCause::SourceImport, message };
        Report::ImportFailedV1 { build: import.build, failure, at: self.clock.now() }
    }

    async fn carry_out(&self, import: &Import, again: bool) -> Result<Imported, ImportError> {
        let branches = distinct_branches(import)?;
        let source = self.fetch_and_read(import).await?;
        let header = source.header.clone();
        let tree = self.keep(source).await?;
        self.outcomes.begin(import)?;
        let commit = Commit {
            project: &import.project,
            package: &header.name,
            branches: &branches,
            title: format!("Import {} {}", header.name, header.evr()),
            tree,
            at: self.clock.now(),
            again,
        };
        let commits = self.repositories.commit(&commit).await?;
        let commits = self.by_chroot(import, header.name.as_str(), &commits);
        Ok(Imported { build: import.build, header, commits, at: self.clock.now() })
    }

    async fn fetch_and_read(&self, import: &Import) -> Result<Source, ImportError> {
        let most = self.limits.srpm_bytes;
        let file = download::fetch(&self.client, &import.srpm_url, most, &self.temporary).await?;
        let (limits, lookaside) = (self.limits.clone(), self.lookaside.clone());
        let read = tokio::task::spawn_blocking(move || srpm::read(file.path(), &limits, &lookaside)).await?;
        Ok(read?)
    }

    /// Content goes to the cache before a commit names it.
    async fn keep(&self, source: Source) -> Result<Tree, ImportError> {
        let lookaside = self.lookaside.clone();
        let kept = tokio::task::spawn_blocking(move || {
            let mut sources = String::new();
            let mut files = Vec::new();
            for file in source.files {
                match file.content {
                    Content::Text(text) => files.push((file.name, file.executable, text)),
                    Content::Cached(received) => {
                        sources.push_str(&sources_line(&file.name, &received.hash));
                        lookaside.keep(received)?;
                    }
                }
            }
            files.push(("sources".into(), false, sources.into_bytes()));
            Ok::<_, io::Error>(Tree::from_iter(files))
        });
        Ok(kept.await??)
    }

    fn by_chroot(
        &self,
        import: &Import,
        package: &str,
        commits: &BTreeMap<String, String>,
    ) -> BTreeMap<ChrootName, DistGitCommit> {
        let (base, project) = (self.public_url.trim_end_matches('/'), &import.project);
        let commit = |hash: &String| DistGitCommit {
            clone_url: format!("{base}/git/{project}/{package}"),
            commit: hash.clone(),
            lookaside_url: format!("{base}/repo/pkgs/{project}/{package}"),
        };
        let of = |branch| commits.get(branch).map(commit);
        import.branches.iter().filter_map(|b| Some((b.chroot.clone(), of(&b.branch)?))).collect()
    }
}

fn distinct_branches(import: &Import) -> Result<Vec<String>, ImportError> {
    let mut branches: Vec<String> = Vec::new();
    for branch in import.branches.iter().map(|b| &b.branch) {
        if !is_branch_name(branch) {
            let shown: String = branch.chars().take(60).collect();
            let sentence = format!("The branch {shown:?} is not valid: ask the administrator to correct it");
            return Err(ImportError::Refused(sentence));
        }
        if !branches.contains(branch) {
            branches.push(branch.clone());
        }
    }
    Ok(branches)
}
