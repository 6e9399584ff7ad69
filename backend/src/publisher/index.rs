//! The index files of a repository, each named by the hash of its content.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::PathBuf,
};

use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use super::{
    fragment::{FragmentError, Summary, copy_section},
    shelf,
};
use crate::tree::{RepoId, Tree};

/// A user may upload it to the folder of a repository.
const COMPS: &str = "comps.xml";
const MAX_COMPS_BYTES: u64 = 16 << 20;

/// Name of the record, its element and what the element says.
const INDEXES: [(&str, &str, &str); 3] = [
    (
        "primary",
        "metadata",
        "xmlns=\"http://linux.duke.edu/metadata/common\" xmlns:rpm=\"http://linux.duke.edu/metadata/rpm\"",
    ),
    ("filelists", "filelists", "xmlns=\"http://linux.duke.edu/metadata/filelists\""),
    ("other", "otherdata", "xmlns=\"http://linux.duke.edu/metadata/other\""),
];

/// One index file, as `repomd.xml` tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub kind: &'static str,
    pub file: String,
    pub sha256: String,
    pub size: u64,
    /// Of the uncompressed content; `None` when the file is not compressed.
    pub open: Option<(String, u64)>,
}

#[derive(Debug)]
pub struct Index {
    pub packages: u64,
    pub records: Vec<Record>,
}

/// Writes all index files of what is remembered. Nothing refers to them yet.
pub fn write(tree: &Tree, repo: &RepoId) -> io::Result<Index> {
    let fragments = shelf::list(tree, repo).map_err(as_io)?;
    let repodata = tree.repository(repo).join("repodata");
    fs::create_dir_all(&repodata)?;
    let packages = fragments.iter().map(|(summary, _)| summary.packages).sum();
    let mut records = Vec::new();
    for section in 0..INDEXES.len() {
        let (fresh, record) = write_one(tree, section, packages, &fragments)?;
        tree.settle_file(fresh, &repodata.join(&record.file))?;
        records.push(record);
    }
    records.extend(copy_comps(tree, repo)?);
    Ok(Index { packages, records })
}

fn write_one(
    tree: &Tree,
    section: usize,
    packages: u64,
    fragments: &[(Summary, PathBuf)],
) -> io::Result<(NamedTempFile, Record)> {
    let (kind, element, namespaces) = INDEXES[section];
    let packed = Measured::new(BufWriter::new(tree.fresh_file()?));
    let mut text = Measured::new(GzEncoder::new(packed, Compression::default()));
    writeln!(text, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(text, "<{element} {namespaces} packages=\"{packages}\">")?;
    for (_, path) in fragments {
        copy_section(path, section, &mut text).map_err(as_io)?;
    }
    writeln!(text, "</{element}>")?;
    let (encoder, open_sha256, open_size) = text.end();
    let (output, sha256, size) = encoder.finish()?.end();
    let fresh = output.into_inner().map_err(io::IntoInnerError::into_error)?;
    let file = format!("{sha256}-{kind}.xml.gz");
    Ok((fresh, Record { kind, file, sha256, size, open: Some((open_sha256, open_size)) }))
}

fn copy_comps(tree: &Tree, repo: &RepoId) -> io::Result<Option<Record>> {
    let repository = tree.repository(repo);
    let mut comps = match File::open(repository.join(COMPS)) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        comps => io::Read::take(comps?, MAX_COMPS_BYTES),
    };
    let mut output = Measured::new(tree.fresh_file()?);
    io::copy(&mut comps, &mut output)?;
    let (fresh, sha256, size) = output.end();
    let file = format!("{sha256}-{COMPS}");
    tree.settle_file(fresh, &repository.join("repodata").join(&file))?;
    Ok(Some(Record { kind: "group", file, sha256, size, open: None }))
}

fn as_io(error: FragmentError) -> io::Error {
    match error {
        FragmentError::Io(error) => error,
        other => io::Error::other(other),
    }
}

/// Hashes and counts what passes through.
struct Measured<W> {
    inner: W,
    hasher: Sha256,
    bytes: u64,
}

impl<W> Measured<W> {
    fn new(inner: W) -> Self {
        Self { inner, hasher: Sha256::new(), bytes: 0 }
    }

    fn end(self) -> (W, String, u64) {
        (self.inner, hex::encode(self.hasher.finalize()), self.bytes)
    }
}

impl<W: Write> Write for Measured<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(buffer)?;
        self.hasher.update(&buffer[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
