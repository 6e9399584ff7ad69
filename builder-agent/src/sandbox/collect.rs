//! Copies the packages that a build left. Runs inside the build's root, where no path leads out of it,
//! and after everything of the build was killed.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use coppice_model::result_file::ResultFileName;

use super::step::{Ending, TOP_DIR};
use crate::results::open_plain;

/// `RPMS/<arch>/x.rpm` and nothing deeper.
const DEEPEST: usize = 2;

pub fn packages(to: &str, most_bytes: u64) -> io::Result<Ending> {
    let mut found = Vec::new();
    for folder in ["RPMS", "SRPMS"] {
        find(&Path::new(TOP_DIR).join(folder), DEEPEST, &mut found)?;
    }
    let mut total = 0;
    for path in found {
        let Some(name) = result_name(&path) else { continue };
        let Some(mut file) = open_plain(&path)? else { continue };
        total += file.metadata()?.len();
        if total > most_bytes {
            let sentence = format!("the packages are larger than the {most_bytes} bytes that are allowed");
            return Ok(Ending::Limit(sentence));
        }
        io::copy(&mut file, &mut File::create(Path::new(to).join(name.as_str()))?)?;
    }
    Ok(Ending::Exited(0))
}

fn find(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> io::Result<()> {
    let is_folder = fs::symlink_metadata(folder).is_ok_and(|meta| meta.is_dir());
    if depth == 0 || !is_folder {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            find(&entry.path(), depth - 1, found)?;
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
    Ok(())
}

fn result_name(path: &Path) -> Option<ResultFileName> {
    let name = ResultFileName::try_from(path.file_name()?.to_str()?.to_owned()).ok()?;
    name.is_rpm().then_some(name)
}
