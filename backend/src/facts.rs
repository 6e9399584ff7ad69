//! What is known of the package files of a placed build, so that nobody reads them again: written once, beside
//! them, under a name that is never served.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
};

use coppice_runtime::files;
use serde::{Deserialize, Serialize};

const NAME: &str = ".packages.json";

/// Of one package file as it lies on the disk, its signature included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFacts {
    pub sha256: String,
    pub size: u64,
    /// Fingerprint of the key that signed it.
    pub signed_by: String,
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
        self.0.keys().map(|path| file_name(path))
    }

    /// Names of those packages of which some copy is signed by this key.
    pub fn files_signed_by(&self, fingerprint: &str) -> BTreeSet<&str> {
        let signed = self.0.iter().filter(|(_, facts)| facts.signed_by.eq_ignore_ascii_case(fingerprint));
        signed.map(|(path, _)| file_name(path)).collect()
    }

    pub fn write(&self, build_dir: &Path) -> io::Result<()> {
        files::write_atomic(&build_dir.join(NAME), &serde_json::to_vec(self)?)
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
