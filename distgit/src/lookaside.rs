//! Large and binary sources, kept once by their content.

use std::{
    fs, io,
    io::{Read, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    str::FromStr,
};

use coppice_runtime::files::sync_dir;
use sha2::{Digest, Sha512};
use tempfile::NamedTempFile;

const CHUNK_BYTES: usize = 128 << 10;

/// SHA-512 in lower-case hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentHash(String);

impl ContentHash {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ContentHash {
    type Err = ();
    fn from_str(raw: &str) -> Result<Self, ()> {
        let plain = raw.len() == 128 && raw.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if plain { Ok(Self(raw.to_owned())) } else { Err(()) }
    }
}

/// Content on our disk that is not in the cache yet; dropped, it is gone.
#[derive(Debug)]
pub struct Received {
    pub hash: ContentHash,
    file: NamedTempFile,
}

#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    #[error("reading the content")]
    Read(#[source] io::Error),
    #[error("writing to the lookaside cache")]
    Write(#[source] io::Error),
}

#[derive(Debug, Clone)]
pub struct Lookaside {
    dir: PathBuf,
    temporary: PathBuf,
}

impl Lookaside {
    /// `temporary` is on the same file system.
    pub fn open(dir: PathBuf, temporary: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&dir)?;
        Ok(Self { dir, temporary })
    }

    pub fn path(&self, hash: &ContentHash) -> PathBuf {
        self.dir.join(&hash.0[..2]).join(&hash.0)
    }

    /// Writes a stream to the disk and hashes it on the way.
    pub fn receive(&self, content: &mut dyn Read) -> Result<Received, ReceiveError> {
        let mut file = NamedTempFile::new_in(&self.temporary).map_err(ReceiveError::Write)?;
        let mut hash = Sha512::new();
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            let length = content.read(&mut chunk).map_err(ReceiveError::Read)?;
            if length == 0 {
                break;
            }
            hash.update(&chunk[..length]);
            file.write_all(&chunk[..length]).map_err(ReceiveError::Write)?;
        }
        Ok(Received { hash: ContentHash(hex::encode(hash.finalize())), file })
    }

    /// Takes content into the cache, durably. Content that is there already stays as it is.
    pub fn keep(&self, received: Received) -> io::Result<()> {
        let path = self.path(&received.hash);
        if path.exists() {
            return Ok(());
        }
        let dir = path.parent().unwrap_or(&self.dir);
        fs::create_dir_all(dir)?;
        received.file.as_file().sync_all()?;
        received.file.as_file().set_permissions(fs::Permissions::from_mode(0o444))?;
        received.file.persist(&path).map_err(|e| e.error)?;
        sync_dir(dir).and_then(|()| sync_dir(&self.dir))
    }
}

/// The line of the file `sources` that names content in the cache.
pub fn sources_line(name: &str, hash: &ContentHash) -> String {
    format!("SHA512 ({name}) = {}\n", hash.as_str())
}

/// Content that belongs into the cache by its name, as rpkg decides.
pub fn is_archive(name: &str) -> bool {
    const ENDINGS: [&str; 36] = [
        "7z", "bz2", "cpio", "crate", "db", "deb", "egg", "exe", "gem", "gif", "gz", "iso", "jar", "jisp",
        "jpeg", "jpg", "lzma", "oxt", "pdf", "pdn", "png", "pack", "rar", "rpm", "tar", "tbz", "tbz2", "tgz",
        "tlz", "txz", "war", "whl", "xpi", "xz", "zip", "zst",
    ];
    let name = name.to_ascii_lowercase();
    name.rsplit_once('.').is_some_and(|(_, ending)| ENDINGS.contains(&ending))
        || Path::new(&name).file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with(".tar"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_kept_once_and_found_by_its_hash() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Lookaside::open(dir.path().join("lookaside"), dir.path().to_owned()).unwrap();
        for _ in 0..2 {
            let received = cache.receive(&mut &b"abc"[..]).unwrap();
            assert!(received.hash.as_str().starts_with("ddaf35a193617aba"));
            let path = cache.path(&received.hash);
            cache.keep(received).unwrap();
            assert_eq!(fs::read(path).unwrap(), b"abc");
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing temporary is left");
    }

    #[test]
    fn archives_are_known_by_their_names_and_hashes_by_their_form() {
        for archive in ["a-1.tar.gz", "a.tar.zst", "A.ZIP", "x.gem", "a.tar.unknown"] {
            assert!(is_archive(archive), "{archive}");
        }
        for text in ["a.patch", "README", "gz", "a.spec", "tar"] {
            assert!(!is_archive(text), "{text}");
        }
        for bad in ["", "../x", &"A".repeat(128), &"a".repeat(127)] {
            assert!(bad.parse::<ContentHash>().is_err(), "{bad}");
        }
    }
}
