//! Which log: of a build's source phase or of one chroot, of one attempt, one of several files.

use coppice_model::{Attempt, work::TaskId};
use coppice_store::{BuildChroot, BuildView};

/// What a builder leaves beside its packages. The first is everything that it printed.
const FILES: [(&str, &str); 8] = [
    ("live", "builder-live"),
    ("build", "build"),
    ("root", "root"),
    ("state", "state"),
    ("mock", "mock"),
    ("backend", "backend"),
    ("installed_pkgs", "installed_pkgs"),
    ("hw_info", "hw_info"),
];

/// One of the logs that a task leaves; holding it proves that it is one that exists here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LogFile(usize);

impl LogFile {
    /// Everything that the builder printed, while it prints.
    pub const LIVE: Self = Self(0);

    pub fn parse(name: &str) -> Option<Self> {
        FILES.iter().position(|(word, _)| *word == name).map(Self)
    }

    /// All but [`LogFile::LIVE`], with the name of the file.
    pub fn others() -> impl Iterator<Item = (&'static str, String)> {
        FILES.iter().skip(1).map(|(word, file)| (*word, format!("{file}.log")))
    }

    /// As addresses know it.
    pub fn name(self) -> &'static str {
        FILES[self.0].0
    }

    fn base(self) -> &'static str {
        FILES[self.0].1
    }
}

/// Where a log lies.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LogAddress {
    pub task: TaskId,
    /// Below the address of all results; no slash at its end.
    pub folder: String,
    pub attempt: Attempt,
    /// Whether no attempt came after this one.
    pub is_latest: bool,
    /// Whether it may grow.
    pub is_live: bool,
    pub file: LogFile,
}

impl LogAddress {
    /// `None` while no builder had it: then it has no folder.
    pub fn of_chroot(
        view: &BuildView,
        chroot: &BuildChroot,
        attempt: Attempt,
        file: LogFile,
    ) -> Option<Self> {
        let build = &view.build;
        let result_dir = chroot.result_dir.as_deref()?;
        let folder = format!("{}/{}/{}/{result_dir}", build.project.owner, build.dir, chroot.chroot);
        let is_latest = attempt == chroot.attempt;
        let is_live = is_latest && !chroot.state.is_final();
        Some(Self { task: chroot.task(), folder, attempt, is_latest, is_live, file })
    }

    /// `None` for sources that no builder made.
    pub fn of_source(view: &BuildView, attempt: Attempt, file: LogFile) -> Option<Self> {
        let build = &view.build;
        build.source_started_on.or(build.source_ended_on).filter(|_| !build.source.is_uploaded_srpm())?;
        let folder = format!("{}/{}/srpm-builds/{}", build.project.owner, build.dir, build.id.padded());
        let is_latest = attempt == build.source_attempt;
        let is_live = is_latest && !build.source_state.is_final();
        Some(Self { task: TaskId::Source(build.id), folder, attempt, is_latest, is_live, file })
    }

    /// Below the address of all results, the likelier one first: the log of an attempt that another one followed is
    /// kept beside the newest.
    pub fn paths(&self) -> Vec<String> {
        let newest = format!("{}/{}.log", self.folder, self.file.base());
        if self.file != LogFile::LIVE {
            return vec![newest];
        }
        let kept = format!("{}/{}.attempt-{}.log", self.folder, self.file.base(), self.attempt);
        if self.is_latest { vec![newest, kept] } else { vec![kept] }
    }
}
