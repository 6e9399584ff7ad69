//! What an agent is started with.

use std::{
    env,
    ffi::OsString,
    io,
    path::{Path, PathBuf},
};

use clap::Parser;
use url::Url;

/// Takes one build task from a Coppice backend
#[derive(Debug, Clone, Parser)]
#[command(name = "builder-agent", version)]
pub struct Options {
    /// Address of the backend's agent API
    #[arg(long, env = "COPPICE_BACKEND")]
    pub backend: Url,
    /// File with the one-time ticket; without it COPPICE_TICKET is read and removed
    #[arg(long)]
    pub ticket_file: Option<PathBuf>,
    /// The ticket comes on standard input
    #[arg(long, hide = true)]
    pub ticket_stdin: bool,
    /// Folder of this agent alone; emptied at every start
    #[arg(long)]
    pub work_dir: PathBuf,
    /// Folder that agents may share: build roots and package metadata
    #[arg(long)]
    pub cache_dir: PathBuf,
    /// Mock's program
    #[arg(long, env = "COPPICE_MOCK", default_value = "mock")]
    pub mock: PathBuf,
    /// Python lines for the end of every generated Mock configuration
    #[arg(long, env = "COPPICE_MOCK_EXTRA")]
    pub mock_extra: Option<PathBuf>,
    /// DNF's program [default: the first of dnf4, dnf-3 and dnf]
    #[arg(long)]
    pub dnf: Option<PathBuf>,
    /// Bubblewrap's program
    #[arg(long, default_value = "bwrap")]
    pub bwrap: PathBuf,
    /// How many cached build roots stay
    #[arg(long, default_value_t = 6)]
    pub roots_kept: usize,
    /// Days after which an unused build root goes
    #[arg(long, default_value_t = 14)]
    pub roots_kept_days: u64,
}

/// The options with everything looked up.
#[derive(Debug, Clone)]
pub struct Settings {
    pub backend: Url,
    pub work_dir: PathBuf,
    pub cache_dir: PathBuf,
    pub mock: PathBuf,
    pub mock_extra: Option<PathBuf>,
    pub dnf: Option<PathBuf>,
    pub bwrap: Option<PathBuf>,
    pub roots_kept: usize,
    pub roots_kept_days: u64,
    pub own: OwnProgram,
}

/// How this program is started anew: itself, and what the caller's program needs to become the agent.
#[derive(Debug, Clone)]
pub struct OwnProgram {
    pub path: PathBuf,
    pub prefix: Vec<OsString>,
}

impl OwnProgram {
    /// The last `own_count` arguments are the agent's; those before chose the agent (`run builder-agent`).
    pub fn find(own_count: usize) -> io::Result<Self> {
        let all: Vec<OsString> = env::args_os().skip(1).collect();
        let chosen_by = all.len().saturating_sub(own_count);
        let prefix = all.into_iter().take(chosen_by).collect();
        Ok(Self { path: env::current_exe()?, prefix })
    }
}

impl Options {
    pub fn settings(self, own_count: usize) -> io::Result<Settings> {
        let own = OwnProgram::find(own_count)?;
        std::fs::create_dir_all(&self.work_dir)?;
        std::fs::create_dir_all(&self.cache_dir)?;
        let dnf =
            self.dnf.or_else(|| ["dnf4", "dnf-3", "dnf"].iter().find_map(|name| in_path(Path::new(name))));
        Ok(Settings {
            backend: self.backend,
            work_dir: self.work_dir.canonicalize()?,
            cache_dir: self.cache_dir.canonicalize()?,
            mock: self.mock,
            mock_extra: self.mock_extra,
            dnf,
            bwrap: in_path(&self.bwrap),
            roots_kept: self.roots_kept,
            roots_kept_days: self.roots_kept_days,
            own,
        })
    }
}

/// The program of this name, looked up as a shell does.
pub fn in_path(name: &Path) -> Option<PathBuf> {
    if name.components().count() > 1 {
        return name.is_file().then(|| name.to_owned());
    }
    let paths = env::var_os("PATH").unwrap_or_else(|| "/usr/sbin:/usr/bin:/sbin:/bin".into());
    env::split_paths(&paths).map(|folder| folder.join(name)).find(|path| path.is_file())
}
