//! What is known of the package files of a placed build, so that nobody reads them again: written once, beside
//! them, under a name that is never served.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
};

use coppice_runtime::files;
use serde::{Deserialize, Serialize};

use crate::measured::Measured;

pub const NAME: &str = ".packages.json";

/// Of one package file as it lies on the disk, its signature included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFacts {
    pub sha256: String,
    pub size: u64,
    /// Fingerprint of the key that signed it.
    pub signed_by: String,
}

impl FileFacts {
    /// Reads the whole file.
    pub fn read(path: &Path, signed_by: String) -> io::Result<Self> {
        let mut hash = Measured::new(io::sink());
        io::copy(&mut fs::File::open(path)?, &mut hash)?;
        let (_, sha256, size) = hash.end();
        Ok(Self { sha256, size, signed_by })
    }
}

/// By path below the build's directory: `hello-1-1.x86_64.rpm`, or `<key id>/hello-1-1.x86_64.rpm` for a copy
/// that was signed anew while the old one was still served.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BuildFacts(pub BTreeMap<String, FileFacts>);

impl BuildFacts {
    /// `None` when nothing was written, or nothing that can be read: then the packages tell.
    pub fn read(build_dir: &Path) -> io::Result<Option<Self>> {
        match fs::read(build_dir.join(NAME)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            bytes => Ok(serde_json::from_slice(&bytes?).ok()),
        }
    }

    /// Names of the packages, whatever folder their copies are in.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(|path| file_name(path)).collect::<BTreeSet<_>>().into_iter()
    }

    /// Names of those packages of which some copy is signed by this key.
    pub fn files_signed_by(&self, fingerprint: &str) -> BTreeSet<&str> {
        let signed = self.0.iter().filter(|(_, facts)| facts.signed_by.eq_ignore_ascii_case(fingerprint));
        signed.map(|(path, _)| file_name(path)).collect()
    }

    /// Finds the packages when nothing was noted of them; who signed those is not known.
    pub fn read_or_find(build_dir: &Path, but_not: &str) -> io::Result<Self> {
        if let Some(noted) = Self::read(build_dir)? {
            return Ok(noted);
        }
        let mut found = Self::default();
        for entry in fs::read_dir(build_dir)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name.ends_with(".rpm") {
                found
                    .0
                    .insert(name.clone(), FileFacts::read(&build_dir.join(&name), format!("not {but_not}"))?);
            }
        }
        Ok(found)
    }

    /// The copy that `key` signed becomes the package itself; `false` when nothing was to be done.
    pub fn settle(&mut self, build_dir: &Path, key: &str) -> io::Result<bool> {
        let is_copy = |(path, facts): &(&String, &FileFacts)| {
            path.contains('/') && facts.signed_by.eq_ignore_ascii_case(key)
        };
        let copies: Vec<(String, FileFacts)> =
            self.0.iter().filter(is_copy).map(|(path, facts)| (path.clone(), facts.clone())).collect();
        let mut changed = false;
        for (path, facts) in copies {
            let name = file_name(&path).to_owned();
            if self.0.get(&name) != Some(&facts) {
                let fresh = build_dir.join(format!(".settle-{name}"));
                files::remove_all(&fresh)?;
                fs::hard_link(build_dir.join(&path), &fresh)?;
                fs::rename(&fresh, build_dir.join(&name))?;
                self.0.insert(name, facts);
                changed = true;
            }
        }
        Ok(changed)
    }

    pub fn to_bytes(&self) -> io::Result<Vec<u8>> {
        Ok(serde_json::to_vec(self)?)
    }

    pub fn write(&self, build_dir: &Path) -> io::Result<()> {
        files::write_atomic(&build_dir.join(NAME), &self.to_bytes()?)
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
