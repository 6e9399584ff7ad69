//! Where everything lies (contract, section 17), and changes to it that are seen whole or not at all.

use std::{
    fmt,
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use coppice_model::{
    BuildId, ChrootName, DirName, OwnerName, ProjectName, ProjectRef,
    work::{BuildContext, RpmWork},
};
use coppice_runtime::files;
use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
use serde::{Deserialize, Serialize};
use tempfile::{NamedTempFile, TempDir};

/// Present only in the directory of a build that succeeded (contract, section 17).
pub const SUCCESS: &str = "success";
const SOURCE_BUILDS: &str = "srpm-builds";
/// Begins with a dot, so it is never served; on the file system of the results, so renames work.
const FRESH: &str = ".fresh";

/// One repository: what `baseurl` of a `.repo` file points to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RepoId {
    pub owner: OwnerName,
    pub dir: DirName,
    pub chroot: ChrootName,
}

impl RepoId {
    pub fn of(work: &RpmWork) -> Self {
        let context = &work.context;
        Self { owner: context.project.owner.clone(), dir: context.dir.clone(), chroot: work.chroot().clone() }
    }

    /// Whose key signs it.
    pub fn project(&self) -> ProjectRef {
        let name = ProjectName::try_from(self.dir.project().to_owned());
        let name = name.expect("a directory's name begins with a checked project name");
        ProjectRef { owner: self.owner.clone(), name }
    }
}

/// Its path below the results.
impl fmt::Display for RepoId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.owner, self.dir, self.chroot)
    }
}

#[derive(Debug, Clone)]
pub struct Tree {
    public: PathBuf,
    state: PathBuf,
}

impl Tree {
    /// Also throws away what a killed process had begun.
    pub fn open(data: &Path) -> io::Result<Self> {
        let tree = Self { public: data.join("results"), state: data.join("state") };
        fs::create_dir_all(&tree.public)?;
        files::remove_all(&tree.public.join(FRESH))?;
        fs::create_dir(tree.public.join(FRESH))?;
        fs::create_dir_all(tree.state.join("repositories"))?;
        Ok(tree)
    }

    pub fn public(&self) -> &Path {
        &self.public
    }

    pub fn state(&self) -> &Path {
        &self.state
    }

    pub fn keyrings(&self) -> PathBuf {
        self.state.join("keyrings")
    }

    pub fn dir(&self, owner: &OwnerName, dir: &DirName) -> PathBuf {
        self.public.join(owner.as_str()).join(dir.as_str())
    }

    pub fn repository(&self, repo: &RepoId) -> PathBuf {
        self.dir(&repo.owner, &repo.dir).join(repo.chroot.as_str())
    }

    /// What is remembered of the packages of all repositories of a directory.
    pub fn dir_state(&self, owner: &OwnerName, dir: &DirName) -> PathBuf {
        self.state.join("repositories").join(owner.as_str()).join(dir.as_str())
    }

    /// What is remembered of a repository: its manifests, and what waits for the next one.
    pub fn repository_state(&self, repo: &RepoId) -> PathBuf {
        self.dir_state(&repo.owner, &repo.dir).join(repo.chroot.as_str())
    }

    /// The project's directories that are on the disk, sorted.
    pub fn dirs_of(&self, project: &ProjectRef) -> io::Result<Vec<DirName>> {
        let entries = match fs::read_dir(self.public.join(project.owner.as_str())) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut dirs = Vec::new();
        for entry in entries {
            let dir = entry?.file_name().to_str().and_then(|name| name.parse::<DirName>().ok());
            dirs.extend(dir.filter(|dir| dir.project() == project.name.as_str()));
        }
        dirs.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        Ok(dirs)
    }

    /// The repositories that are on the disk in these directories.
    pub fn repositories_of(&self, owner: &OwnerName, dirs: &[DirName]) -> io::Result<Vec<RepoId>> {
        let mut found = Vec::new();
        for dir in dirs {
            let entries = match fs::read_dir(self.dir(owner, dir)) {
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                entries => entries?,
            };
            for entry in entries {
                let entry = entry?;
                let chroot = entry.file_name().to_str().and_then(|name| name.parse::<ChrootName>().ok());
                let is_repository = entry.path().join("repodata").is_dir();
                if let Some(chroot) = chroot.filter(|_| is_repository) {
                    found.push(RepoId { owner: owner.clone(), dir: dir.clone(), chroot });
                }
            }
        }
        found.sort_by(|a, b| (a.dir.as_str(), a.chroot.as_str()).cmp(&(b.dir.as_str(), b.chroot.as_str())));
        Ok(found)
    }

    pub fn source_dir(&self, context: &BuildContext) -> PathBuf {
        self.source_dir_of(&context.project.owner, &context.dir, context.build)
    }

    pub fn source_dir_of(&self, owner: &OwnerName, dir: &DirName, build: BuildId) -> PathBuf {
        self.dir(owner, dir).join(SOURCE_BUILDS).join(build.padded())
    }

    /// A file that takes its name later; it vanishes when that never happens.
    pub fn fresh_file(&self) -> io::Result<NamedTempFile> {
        let readable = fs::Permissions::from_mode(0o644);
        tempfile::Builder::new().permissions(readable).tempfile_in(self.public.join(FRESH))
    }

    pub fn fresh_dir(&self) -> io::Result<TempDir> {
        let readable = fs::Permissions::from_mode(0o755);
        tempfile::Builder::new().permissions(readable).tempdir_in(self.public.join(FRESH))
    }

    /// The same with its content, on disk.
    pub fn fresh_content(&self, content: &[u8]) -> io::Result<NamedTempFile> {
        let mut fresh = self.fresh_file()?;
        fresh.write_all(content)?;
        fresh.as_file().sync_all()?;
        Ok(fresh)
    }

    /// Replaces a file of the public tree.
    pub fn put(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        self.settle_file(self.fresh_content(content)?, path)
    }

    pub fn settle_file(&self, fresh: NamedTempFile, path: &Path) -> io::Result<()> {
        fresh.as_file().sync_all()?;
        fresh.persist(path).map_err(|e| e.error)?;
        sync_parent(path)
    }

    /// A second name for `from` that replaces `to`.
    pub fn link_over(&self, from: &Path, to: &Path) -> io::Result<()> {
        let link = |name: &Path| fs::hard_link(from, name);
        let fresh = tempfile::Builder::new().make_in(self.public.join(FRESH), link)?;
        fresh.persist(to).map_err(|error| error.error)?;
        sync_parent(to)
    }

    /// Replaces a folder of the public tree; the old one goes away.
    pub fn settle_dir(&self, fresh: TempDir, path: &Path) -> io::Result<()> {
        sync_content(fresh.path())?;
        fs::create_dir_all(path.parent().unwrap_or(&self.public))?;
        match fs::rename(fresh.path(), path) {
            // After the exchange the temporary folder is the old one.
            Err(_) if path.is_dir() => exchange(fresh.path(), path)?,
            other => other?,
        }
        sync_parent(path)?;
        match fresh.close() {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        }
    }

    /// Takes a file or folder out of the public tree at once, then removes it.
    pub fn discard(&self, path: &Path) -> io::Result<()> {
        let grave = self.fresh_dir()?;
        match fs::rename(path, grave.path().join("gone")) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            moved => moved?,
        }
        sync_parent(path)?;
        grave.close()
    }
}

fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    renameat2(AT_FDCWD, one, AT_FDCWD, other, RenameFlags::RENAME_EXCHANGE).map_err(Into::into)
}

fn sync_content(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        File::open(entry?.path())?.sync_all()?;
    }
    files::sync_dir(dir)
}

fn sync_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), files::sync_dir)
}

/// Whether the directory of a successful build is complete. It is never replaced: the repository refers
/// to its files.
pub fn is_placed(target: &Path) -> bool {
    target.join(SUCCESS).is_file()
}
