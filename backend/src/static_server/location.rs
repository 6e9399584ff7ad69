//! From the path of a request to a file or folder below the root, and never elsewhere.

use std::{
    fs::File,
    io,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use nix::{
    errno::Errno,
    fcntl::{OFlag, open, openat},
    sys::stat::Mode,
};

pub enum Found {
    File(FoundFile),
    Folder { path: PathBuf, with_slash: bool, at_root: bool },
}

/// An open file and the name that it was asked for by.
pub struct FoundFile {
    pub file: File,
    pub name: String,
    /// Where it lies.
    pub folder: PathBuf,
    pub in_repodata: bool,
    /// The file is `<name>.gz`, to be unpacked by the browser.
    pub packed: bool,
}

#[derive(Debug)]
pub enum NotFound {
    Absent,
    Broken(io::Error),
}

impl From<Errno> for NotFound {
    fn from(errno: Errno) -> Self {
        match errno {
            // A link on the way answers ELOOP or ENOTDIR.
            Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP | Errno::ENAMETOOLONG => Self::Absent,
            other => Self::Broken(other.into()),
        }
    }
}

/// `wanted` begins with a slash and is still percent-encoded.
pub fn find(root: &Path, wanted: &str) -> Result<Found, NotFound> {
    let parts = parts(wanted)?;
    let Some((name, folders)) = parts.split_last() else {
        return Ok(Found::Folder { path: root.to_owned(), with_slash: true, at_root: true });
    };
    let mut folder = open(root, OFlag::O_DIRECTORY | OFlag::O_CLOEXEC | OFlag::O_RDONLY, Mode::empty())?;
    for part in folders {
        folder = open_below(&folder, part, OFlag::O_DIRECTORY)?;
    }
    let with_slash = wanted.ends_with('/');
    let opened = open_below(&folder, name, OFlag::empty()).map(File::from);
    let (file, packed) = match opened {
        Err(Errno::ENOENT) if !with_slash && name.ends_with(".log") => {
            (File::from(open_below(&folder, &format!("{name}.gz"), OFlag::empty())?), true)
        }
        file => (file?, false),
    };
    let kind = file.metadata().map_err(NotFound::Broken)?.file_type();
    if kind.is_dir() {
        let path = parts.iter().fold(root.to_owned(), |path, part| path.join(part));
        return Ok(Found::Folder { path, with_slash, at_root: false });
    }
    if !kind.is_file() || with_slash {
        return Err(NotFound::Absent);
    }
    let in_repodata = folders.last().is_some_and(|folder| folder == "repodata");
    let folder = folders.iter().fold(root.to_owned(), |path, part| path.join(part));
    Ok(Found::File(FoundFile { file, name: name.clone(), folder, in_repodata, packed }))
}

/// Follows no link; does not wait for the other end of a pipe.
fn open_below(folder: &OwnedFd, name: &str, flags: OFlag) -> Result<OwnedFd, Errno> {
    let flags = flags | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK | OFlag::O_RDONLY;
    openat(folder, name, flags, Mode::empty())
}

/// Decoded names on the way; a name that begins with a dot exists for nobody.
fn parts(wanted: &str) -> Result<Vec<String>, NotFound> {
    let inner = wanted.strip_prefix('/').unwrap_or(wanted);
    let inner = inner.strip_suffix('/').unwrap_or(inner);
    if inner.is_empty() {
        return if wanted.len() <= 1 { Ok(Vec::new()) } else { Err(NotFound::Absent) };
    }
    inner
        .split('/')
        .map(|part| decode(part).filter(|part| is_servable(part)).ok_or(NotFound::Absent))
        .collect()
}

pub fn is_servable(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\0'])
}

pub fn decode(part: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let [first, after @ ..] = rest {
        if *first == b'%' {
            let digits = std::str::from_utf8(after.get(..2)?).ok()?;
            bytes.extend(hex::decode(digits).ok()?);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_decoded_one_by_one_and_tricks_are_not_found() {
        let good = parts("/%40team/foo:pr:1/gcc-c%2B%2B-1~rc1%5E2.x86_64.rpm").unwrap();
        assert_eq!(good, ["@team", "foo:pr:1", "gcc-c++-1~rc1^2.x86_64.rpm"]);
        for bad in [
            "/..",
            "/a/../b",
            "/%2e%2e/x",
            "/a%2fb",
            "/a//b",
            "//",
            "/.fresh",
            "/a%00",
            "/%zz",
            "/%f",
            "/%ff",
        ] {
            assert!(parts(bad).is_err(), "{bad}");
        }
    }
}
