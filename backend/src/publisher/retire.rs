//! Replaced index files: kept for clients that read the old `repomd.xml` a moment ago, then removed.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use coppice_model::UnixTime;

use super::PublishConfig;

/// Names that are exchanged in place and never retire.
const LASTING: [&str; 2] = ["repomd.xml", "repomd.xml.asc"];

/// Files that the served `repomd.xml` names and the next one does not: their grace time begins now.
pub fn mark(repodata: &Path, named: &[&str], now: UnixTime) -> io::Result<()> {
    let served = match fs::read_to_string(repodata.join("repomd.xml")) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        text => text?,
    };
    for (file, _) in replaced(repodata, named)? {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        if served.contains(&*name) {
            File::options().append(true).open(&file)?.set_modified(time(now))?;
        }
    }
    Ok(())
}

/// Removes replaced files whose grace time is over, and the oldest of too many.
pub fn sweep(repodata: &Path, named: &[&str], now: UnixTime, config: &PublishConfig) -> io::Result<()> {
    let mut files = replaced(repodata, named)?;
    files.sort_by_key(|(_, since)| std::cmp::Reverse(*since));
    let over = time(now.plus_seconds(-config.index_grace_s));
    let old = files
        .iter()
        .enumerate()
        .filter(|(rank, (_, since))| *since < over || *rank >= config.replaced_files_kept);
    old.map(|(_, (file, _))| file).try_for_each(fs::remove_file)
}

fn replaced(repodata: &Path, named: &[&str]) -> io::Result<Vec<(PathBuf, SystemTime)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(repodata)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if !LASTING.contains(&&*name) && !named.contains(&&*name) {
            files.push((entry.path(), entry.metadata()?.modified()?));
        }
    }
    Ok(files)
}

fn time(UnixTime(seconds): UnixTime) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}
