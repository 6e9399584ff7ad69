//! One result directory: made aside, then switched into the public tree.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use coppice_model::result_file::ResultFileName;
use flate2::{Compression, write::GzEncoder};

use super::Staged;
use crate::tree::Tree;

pub struct Placement {
    pub target: PathBuf,
    pub staged: Staged,
    /// Which of the sent files are kept.
    pub keep: fn(&ResultFileName) -> bool,
    /// Files that we write ourselves.
    pub texts: Vec<(&'static str, Vec<u8>)>,
}

pub fn place(tree: &Tree, placement: &Placement) -> io::Result<()> {
    let fresh = tree.fresh_dir()?;
    take_sent_files(placement, fresh.path())?;
    take_watched_logs(&placement.target, fresh.path())?;
    for (name, content) in &placement.texts {
        fs::write(fresh.path().join(name), content)?;
    }
    tree.settle_dir(fresh, &placement.target)
}

fn take_sent_files(placement: &Placement, fresh: &Path) -> io::Result<()> {
    let kept =
        placement.staged.finish.files.iter().map(|file| &file.name).filter(|name| (placement.keep)(name));
    for name in kept {
        let sent = placement.staged.dir.join(name.as_str());
        // A builder that was cut off may have announced more than it sent.
        if !sent.is_file() {
            continue;
        }
        if name.as_str().ends_with(".log") {
            pack(&sent, fresh)?;
        } else {
            take(&sent, &fresh.join(name.as_str()))?;
        }
    }
    Ok(())
}

/// A second name for the same file costs nothing; the staging goes away later.
fn take(sent: &Path, kept: &Path) -> io::Result<()> {
    fs::set_permissions(sent, fs::Permissions::from_mode(0o644))?;
    match fs::hard_link(sent, kept) {
        Err(e) if e.kind() == io::ErrorKind::CrossesDevices => fs::copy(sent, kept).map(drop),
        other => other,
    }
}

/// Logs that were written into the target while the build ran, those of earlier attempts included.
fn take_watched_logs(target: &Path, fresh: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(target) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.ends_with(".log") {
            pack(&entry.path(), fresh)?;
        } else if name.ends_with(".log.gz") && !fresh.join(&*name).exists() {
            take(&entry.path(), &fresh.join(&*name))?;
        }
    }
    Ok(())
}

/// `x.log` becomes `x.log.gz`, unless that is there already.
fn pack(log: &Path, dir: &Path) -> io::Result<()> {
    let name = log.file_name().unwrap_or_default().to_string_lossy();
    let packed = OpenOptions::new().write(true).create_new(true).open(dir.join(format!("{name}.gz")));
    let packed = match packed {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        packed => packed?,
    };
    let mut packer = GzEncoder::new(io::BufWriter::new(packed), Compression::default());
    io::copy(&mut File::open(log)?, &mut packer)?;
    packer.finish()?.into_inner().map(drop).map_err(io::IntoInnerError::into_error)
}
