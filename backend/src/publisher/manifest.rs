//! What one publish of a repository consists of, and where each build's part of it lies in the index files.
//! The published files themselves are the store of the compressed parts.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use coppice_model::UnixTime;
use coppice_runtime::files;
use serde::{Deserialize, Serialize};

use super::config::Compression;

/// Primary, filelists and other, in this order everywhere.
pub const SECTIONS: usize = 3;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Of the publish; they only grow. 0: nothing was published yet.
    pub number: u64,
    pub published_on: UnixTime,
    pub compression: Compression,
    /// Fingerprint of the key that signed `repomd.xml` and all packages.
    pub key: Option<String>,
    /// The index files, then what is carried along.
    pub records: Vec<Record>,
    /// Compressed bytes before the first block.
    pub head: [u64; SECTIONS],
    pub blocks: Vec<Block>,
    /// In the order in which they came.
    pub builds: Vec<BuildEntry>,
    /// Placed builds that a roll back took out.
    pub withheld: BTreeSet<String>,
    /// The publishes that are still there, oldest first, this one last.
    pub history: Vec<Snapshot>,
    /// Users see this publish, and newer ones lie below `devel/`; `None`: they see the newest.
    #[serde(default)]
    pub shown: Option<u64>,
}

/// One file, as `repomd.xml` tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub kind: String,
    pub file: String,
    pub sha256: String,
    pub size: u64,
    /// Of the uncompressed content; `None` when the file is not compressed.
    pub open_size: Option<u64>,
}

/// Builds that are compressed together, independently of all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// How many of the builds.
    pub builds: usize,
    pub parts: [Part; SECTIONS],
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    pub raw: u64,
    pub packed: u64,
    /// CRC-32 of the raw bytes.
    pub crc: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildEntry {
    /// Name of the result directory.
    pub name: String,
    pub packages: u64,
    /// Uncompressed bytes in each section.
    pub raw: [u64; SECTIONS],
}

/// A publish as people see it in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    pub number: u64,
    pub published_on: UnixTime,
    pub packages: u64,
    pub builds: u64,
    /// The earlier publish that this one brought back.
    pub of: Option<u64>,
    pub key: Option<String>,
    /// Of its index files.
    pub bytes: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
}

impl Manifest {
    pub fn nothing(number: u64, compression: Compression) -> Self {
        Self {
            number,
            published_on: UnixTime(0),
            compression,
            key: None,
            records: Vec::new(),
            head: [0; SECTIONS],
            blocks: Vec::new(),
            builds: Vec::new(),
            withheld: BTreeSet::new(),
            history: Vec::new(),
            shown: None,
        }
    }

    pub fn packages(&self) -> u64 {
        self.builds.iter().map(|build| build.packages).sum()
    }

    pub fn has(&self, build: &str) -> bool {
        self.builds.iter().any(|entry| entry.name == build)
    }

    /// Whether its files are packed so and carry exactly these along.
    pub fn says(&self, compression: Compression, extras: &[Record]) -> bool {
        self.number > 0 && self.compression == compression && self.records.get(SECTIONS..) == Some(extras)
    }

    pub fn files(&self) -> Vec<String> {
        self.records.iter().map(|record| record.file.clone()).collect()
    }

    pub fn snapshot(&self, of: Option<u64>) -> Snapshot {
        Snapshot {
            number: self.number,
            published_on: self.published_on,
            packages: self.packages(),
            builds: self.builds.len() as u64,
            of,
            key: self.key.clone(),
            bytes: self.records.iter().map(|record| record.size).sum(),
            files: self.files(),
        }
    }
}

/// The manifests of one repository, one for each kept snapshot.
#[derive(Debug, Clone)]
pub struct Manifests {
    dir: PathBuf,
}

impl Manifests {
    pub fn new(state: &Path) -> Self {
        Self { dir: state.join("manifests") }
    }

    /// The newest one: what is, or is about to be, served. One that cannot be read counts as empty, so that the
    /// packages themselves are asked again.
    pub fn current(&self, compression: Compression) -> io::Result<Manifest> {
        let Some(number) = self.numbers()?.into_iter().max() else {
            return Ok(Manifest::nothing(0, compression));
        };
        match self.get(number) {
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                tracing::error!(number, %error, "a manifest cannot be read; the packages are read instead");
                Ok(Manifest::nothing(number, compression))
            }
            manifest => manifest,
        }
    }

    /// The key of the newest one, without reading all of it into memory.
    pub fn key(&self) -> io::Result<Option<String>> {
        #[derive(Deserialize)]
        struct KeyOnly {
            key: Option<String>,
        }
        let Some(number) = self.numbers()?.into_iter().max() else { return Ok(None) };
        let only: Result<KeyOnly, _> = serde_json::from_slice(&fs::read(self.path(number))?);
        Ok(only.ok().and_then(|only| only.key))
    }

    pub fn get(&self, number: u64) -> io::Result<Manifest> {
        Ok(serde_json::from_slice(&fs::read(self.path(number))?)?)
    }

    pub fn put(&self, manifest: &Manifest) -> io::Result<()> {
        fs::create_dir_all(&self.dir)?;
        files::write_atomic(&self.path(manifest.number), &serde_json::to_vec(manifest)?)
    }

    pub fn remove(&self, number: u64) -> io::Result<()> {
        files::remove_all(&self.path(number))
    }

    pub fn numbers(&self) -> io::Result<Vec<u64>> {
        let entries = match fs::read_dir(&self.dir) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut numbers = Vec::new();
        for entry in entries {
            // Half-written files have other names.
            numbers.extend(entry?.file_name().to_str().and_then(|name| name.parse::<u64>().ok()));
        }
        Ok(numbers)
    }

    fn path(&self, number: u64) -> PathBuf {
        self.dir.join(number.to_string())
    }
}
