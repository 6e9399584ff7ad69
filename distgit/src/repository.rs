//! Bare git repositories, one per owner, project and package. Only this module writes them.

mod stream;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use coppice_model::{PackageName, ProjectRef, UnixTime};
use coppice_runtime::files::{remove_all, sync_dir};

use crate::git::{self, GitError};

pub use stream::Tree;

#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    #[error("preparing the git repository")]
    Files(#[from] io::Error),
    #[error("committing to the git repository")]
    Git(#[from] GitError),
    #[error("waiting for the lock of a git repository")]
    Lock(#[from] tokio::task::JoinError),
}

/// What to commit, where and when.
#[derive(Debug)]
pub struct Commit<'a> {
    pub project: &'a ProjectRef,
    pub package: &'a PackageName,
    /// Distinct, checked by [`is_branch_name`].
    pub branches: &'a [String],
    pub title: String,
    pub tree: Tree,
    pub at: UnixTime,
    /// The same import has begun before, so its commits may exist behind newer ones.
    pub again: bool,
}

#[derive(Debug, Clone)]
pub struct Repositories {
    root: PathBuf,
    temporary: PathBuf,
}

/// The newest commit of a branch.
struct Tip {
    commit: String,
    content: String,
}

impl Repositories {
    pub fn open(root: PathBuf, temporary: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&root)?;
        Ok(Self { root, temporary })
    }

    pub fn path(&self, project: &ProjectRef, package: &PackageName) -> PathBuf {
        self.project_dir(project).join(package.as_str())
    }

    fn project_dir(&self, project: &ProjectRef) -> PathBuf {
        self.root.join(project.owner.as_str()).join(project.name.as_str())
    }

    /// Makes the content the newest of each branch; returns the commit of each.
    pub async fn commit(&self, commit: &Commit<'_>) -> Result<BTreeMap<String, String>, RepositoryError> {
        let log = self.lock(commit).await?;
        let path = self.path(commit.project, commit.package);
        if let Some(first) = commit.branches.first() {
            self.ensure_exists(&path, first)?;
        }
        remove_left_locks(&path)?;
        let tips = tips(&path).await?;
        Locked { path, log, tips, commit, temporary: &self.temporary }.commit().await
    }

    /// One import of a package at a time, also across a killed service whose git still works.
    async fn lock(&self, commit: &Commit<'_>) -> Result<File, RepositoryError> {
        let dir = self.project_dir(commit.project);
        fs::create_dir_all(&dir)?;
        // No package name begins with a dot.
        let path = dir.join(format!(".{}.lock", commit.package));
        let locked = tokio::task::spawn_blocking(move || {
            let log = File::options().read(true).append(true).create(true).open(path)?;
            log.lock()?;
            log.set_len(0)?;
            Ok::<_, io::Error>(log)
        });
        Ok(locked.await??)
    }

    /// Appears as a whole or not at all. The first branch is what `git clone` checks out.
    fn ensure_exists(&self, path: &Path, first_branch: &str) -> io::Result<()> {
        if path.exists() {
            return Ok(());
        }
        let made = tempfile::Builder::new().prefix("repository-").tempdir_in(&self.temporary)?;
        for dir in ["objects/info", "objects/pack", "refs/heads", "refs/tags"] {
            fs::create_dir_all(made.path().join(dir))?;
        }
        fs::write(made.path().join("HEAD"), format!("ref: refs/heads/{first_branch}\n"))?;
        fs::write(made.path().join("config"), "[core]\n\trepositoryformatversion = 0\n\tbare = true\n")?;
        set_readable(made.path())?;
        sync_dir(made.path())?;
        fs::rename(made.keep(), path)?;
        path.parent().map_or(Ok(()), sync_dir)
    }
}

/// A repository that nobody else writes now, and what shall get into it.
struct Locked<'a> {
    path: PathBuf,
    log: File,
    tips: BTreeMap<String, Tip>,
    commit: &'a Commit<'a>,
    temporary: &'a Path,
}

impl Locked<'_> {
    async fn commit(&self) -> Result<BTreeMap<String, String>, RepositoryError> {
        let mut commits = BTreeMap::new();
        let mut missing = Vec::new();
        for branch in self.commit.branches {
            match self.existing(branch).await? {
                Some(commit) => drop(commits.insert(branch.clone(), commit)),
                None => missing.push(branch),
            }
        }
        commits.extend(self.write(&missing).await?);
        Ok(commits)
    }

    /// The commit that already holds the content, if there is one to report.
    async fn existing(&self, branch: &str) -> Result<Option<String>, GitError> {
        let Some(tip) = self.tips.get(branch) else { return Ok(None) };
        if tip.content == self.commit.tree.digest() {
            return Ok(Some(tip.commit.clone()));
        }
        if !self.commit.again {
            return Ok(None);
        }
        let grep = format!("--grep={}", stream::content_line(&self.commit.tree));
        let reference = format!("refs/heads/{branch}");
        let log = ["log", "-1", "--format=%H", "--fixed-strings", &grep, &reference, "--"];
        let found = git::ask(&self.path, &log).await?;
        Ok(Some(found.trim().to_owned()).filter(|hash| !hash.is_empty()))
    }

    async fn write(&self, branches: &[&String]) -> Result<BTreeMap<String, String>, RepositoryError> {
        if branches.is_empty() {
            return Ok(BTreeMap::new());
        }
        let parent = |branch: &str| self.tips.get(branch).map(|tip| tip.commit.as_str());
        let parents: Vec<_> = branches.iter().map(|b| (b.as_str(), parent(b))).collect();
        let input = stream::write(self.commit, &parents, self.temporary)?;
        let mut import = git::command(&self.path);
        import.args(["fast-import", "--quiet", "--done"]);
        let answer = git::feed(import, input, &self.log).await?;
        let commits: Vec<&str> = answer.lines().collect();
        if commits.len() != branches.len() {
            return Err(GitError::Answer(answer).into());
        }
        sync_dir(&self.path.join("refs/heads"))?;
        sync_dir(&self.path.join("objects/pack"))?;
        Ok(branches.iter().zip(commits).map(|(b, c)| ((*b).clone(), c.to_owned())).collect())
    }
}

async fn tips(path: &Path) -> Result<BTreeMap<String, Tip>, GitError> {
    if !path.exists() {
        return Ok(BTreeMap::new());
    }
    let format = format!(
        "--format=%(refname:lstrip=2) %(objectname) %(contents:trailers:key={},valueonly,separator=%2C)",
        stream::CONTENT_KEY
    );
    let answer = git::ask(path, &["for-each-ref", &format, "refs/heads/"]).await?;
    let tip = |line: &str| {
        let mut words = line.split(' ');
        let (branch, commit) = (words.next()?.to_owned(), words.next()?.to_owned());
        Some((branch, Tip { commit, content: words.next().unwrap_or_default().to_owned() }))
    };
    answer.lines().map(|line| tip(line).ok_or_else(|| GitError::Answer(line.to_owned()))).collect()
}

/// What a git that was killed left behind. We hold the lock, so nobody else writes.
fn remove_left_locks(path: &Path) -> io::Result<()> {
    let left = |name: &str| {
        name.ends_with(".lock") || name.starts_with("tmp_pack_") || name.starts_with("fast_import_crash_")
    };
    for dir in ["", "refs/heads", "objects/pack"] {
        let Ok(entries) = fs::read_dir(path.join(dir)) else { continue };
        for entry in entries {
            let entry = entry?;
            if entry.file_name().to_str().is_some_and(left) {
                remove_all(&entry.path())?;
            }
        }
    }
    Ok(())
}

fn set_readable(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(dir, fs::Permissions::from_mode(0o755))
}

/// Names that are safe as a ref and as a file; stricter than git.
pub fn is_branch_name(name: &str) -> bool {
    (1..=100).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
        && !name.contains("..")
        && !name.ends_with('.')
        && !name.ends_with(".lock")
}

#[cfg(test)]
mod tests;
