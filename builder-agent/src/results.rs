//! The files that are sent to the backend: regular, plainly named, measured, within the quota.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use coppice_model::{agent::SentFile, result_file::ResultFileName, work::FailureCause};
use nix::fcntl::OFlag;
use sha2::{Digest, Sha256};

use crate::ended::{Ended, OrBroken};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gathered {
    pub sent: SentFile,
    pub path: PathBuf,
}

/// Everything in `folder` that the backend takes, in order of name. Of a failure only what helps to
/// understand it: no binary packages.
pub fn gather(folder: &Path, succeeded: bool, most_bytes: u64) -> Result<Vec<Gathered>, Ended> {
    let mut found = Vec::new();
    let mut total = 0;
    for name in names(folder).or_broken("listing the results")? {
        let wanted = succeeded || !name.is_rpm() || name.is_source_rpm();
        let path = folder.join(name.as_str());
        let Some(file) = open_plain(&path).or_broken(&format!("opening {name}"))?.filter(|_| wanted) else {
            continue;
        };
        total += file.metadata().or_broken("measuring a result")?.len();
        if total > most_bytes {
            let message = format!("the results are larger than the {most_bytes} bytes that are allowed");
            return Err(Ended::failed(FailureCause::Limit, message));
        }
        let (size, sha256) = measure(file).or_broken(&format!("reading {name}"))?;
        found.push(Gathered { sent: SentFile { name, size, sha256 }, path });
    }
    Ok(found)
}

fn names(folder: &Path) -> io::Result<Vec<ResultFileName>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let raw = entry?.file_name().to_string_lossy().into_owned();
        match ResultFileName::try_from(raw) {
            Ok(name) => names.push(name),
            Err(refused) => tracing::warn!("left out of the results: {refused}"),
        }
    }
    names.sort();
    Ok(names)
}

/// Opens a regular file; never follows a link, never waits for a pipe.
pub fn open_plain(path: &Path) -> io::Result<Option<File>> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let opened = OpenOptions::new().read(true).custom_flags(flags.bits()).open(path);
    match opened {
        Ok(file) => Ok(file.metadata()?.is_file().then_some(file)),
        Err(error) if error.raw_os_error() == Some(nix::libc::ELOOP) => Ok(None),
        Err(error) => Err(error),
    }
}

fn measure(mut file: File) -> io::Result<(u64, String)> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 256 << 10];
    let mut size = 0;
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((size, hex::encode(hash.finalize()))),
            count => {
                hash.update(&buffer[..count]);
                size += count as u64;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, content) in files {
            fs::write(dir.path().join(name), content).unwrap();
        }
        dir
    }

    fn names_of(found: &[Gathered]) -> Vec<&str> {
        found.iter().map(|file| file.sent.name.as_str()).collect()
    }

    #[test]
    fn links_pipes_and_odd_names_are_never_sent() {
        let dir = folder_with(&[("a-1-1.noarch.rpm", "rpm"), ("index.html", "x"), (".hidden.log", "x")]);
        std::os::unix::fs::symlink("/etc/passwd", dir.path().join("passwd.log")).unwrap();
        nix::unistd::mkfifo(&dir.path().join("pipe.log"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        fs::create_dir(dir.path().join("folder.log")).unwrap();
        let found = gather(dir.path(), true, 1_000).unwrap();
        assert_eq!(names_of(&found), ["a-1-1.noarch.rpm"]);
        assert_eq!(found[0].sent.size, 3);
        assert_eq!(found[0].sent.sha256, "9e7ab438597fee20e16e8e441bed0ce966bd59e0fb993fa7c94be31fb1384d88");
    }

    #[test]
    fn a_failure_sends_logs_and_the_source_package_only() {
        let files = [("a-1-1.noarch.rpm", "rpm"), ("a-1-1.src.rpm", "srpm"), ("build.log", "log")];
        let found = gather(folder_with(&files).path(), false, 1_000);
        assert_eq!(names_of(&found.unwrap()), ["a-1-1.src.rpm", "build.log"]);
    }

    #[test]
    fn results_above_the_quota_are_a_limit_failure() {
        let dir = folder_with(&[("a.log", "12345"), ("b.log", "12345")]);
        assert!(gather(dir.path(), true, 10).is_ok());
        let refused = gather(dir.path(), true, 9).unwrap_err();
        assert!(matches!(refused, Ended::Failed { cause: FailureCause::Limit, .. }));
    }
}
