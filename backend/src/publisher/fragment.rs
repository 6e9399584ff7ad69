//! What a repository's index says of one build's packages: rendered once, stored, copied by every publish.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    path::Path,
    time::UNIX_EPOCH,
};

use coppice_model::UnixTime;
use rpmrepo_metadata::{
    Checksum, FilelistsXml, MetadataError, OtherXml, Package, PackageOptions, PackageSource, PrimaryXml,
    utils::create_xml_writer,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::rpmfile::{RpmFile, RpmFileError};

/// Sum of the lengths of all paths of a package. A header can name few long folders for very many files, so
/// its own size bounds nothing.
const MAX_PATHS_BYTES: usize = 64 << 20;

#[derive(Debug, thiserror::Error)]
pub enum FragmentError {
    #[error("reading or writing what the index says of a package")]
    Io(#[from] io::Error),
    #[error("{file}: {source}")]
    Rpm { file: String, source: RpmFileError },
    #[error("its header cannot be described in a repository: {0}")]
    Metadata(Box<MetadataError>),
    #[error("its file list is larger than we take")]
    FileList,
    #[error("a stored description of packages is damaged")]
    Damaged(#[from] serde_json::Error),
}

impl From<MetadataError> for FragmentError {
    fn from(error: MetadataError) -> Self {
        Self::Metadata(Box::new(error))
    }
}

/// The first line of a stored fragment; the three sections follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Packages stand in the index in the order in which they came.
    pub added: UnixTime,
    pub packages: u64,
    /// Lengths of primary, filelists and other.
    sections: [u64; 3],
}

/// What a file is apart from its headers.
struct FileFacts {
    sha256: String,
    size: u64,
    modified: u64,
    href: String,
}

/// Whether a package that a builder sent can be described at all.
pub fn ensure_renderable(rpm: &RpmFile) -> Result<(), FragmentError> {
    let facts = FileFacts { sha256: "0".repeat(64), size: 0, modified: 0, href: "x.rpm".into() };
    package(rpm, facts).map(drop)
}

/// Describes all packages of a placed build. Addresses are relative to the repository.
pub fn render(build_dir: &Path, build: &str, added: UnixTime) -> Result<Vec<u8>, FragmentError> {
    let mut primary = PrimaryXml::new_writer(create_xml_writer(Vec::new()));
    let mut filelists = FilelistsXml::new_writer(create_xml_writer(Vec::new()));
    let mut other = OtherXml::new_writer(create_xml_writer(Vec::new()));
    let files = rpm_files(build_dir)?;
    for file in &files {
        let path = build_dir.join(file);
        let rpm = RpmFile::open(&path).map_err(|source| FragmentError::Rpm { file: file.clone(), source })?;
        let package = package(&rpm, facts(&path, format!("{build}/{file}"))?)?;
        primary.write_package(&package)?;
        filelists.write_package(&package)?;
        other.write_package(&package)?;
    }
    let sections = [primary.into_inner(), filelists.into_inner(), other.into_inner()];
    store(added, files.len() as u64, sections)
}

/// Opens a stored fragment at its first section.
pub fn open(path: &Path) -> Result<(Summary, BufReader<File>), FragmentError> {
    let mut input = BufReader::new(File::open(path)?);
    let mut line = String::new();
    input.read_line(&mut line)?;
    Ok((serde_json::from_str(&line)?, input))
}

/// Copies one section: 0 primary, 1 filelists, 2 other.
pub fn copy_section(path: &Path, section: usize, output: &mut impl Write) -> Result<(), FragmentError> {
    let (summary, mut input) = open(path)?;
    let before: u64 = summary.sections[..section].iter().sum();
    let skip = i64::try_from(before).map_err(io::Error::other)?;
    input.seek_relative(skip)?;
    let length = summary.sections[section];
    if io::copy(&mut input.take(length), output)? != length {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    Ok(())
}

fn store(added: UnixTime, packages: u64, sections: [Vec<u8>; 3]) -> Result<Vec<u8>, FragmentError> {
    let lengths = sections.each_ref().map(|section| section.len() as u64 + u64::from(!section.is_empty()));
    let mut bytes = serde_json::to_vec(&Summary { added, packages, sections: lengths })?;
    bytes.push(b'\n');
    for section in sections.iter().filter(|section| !section.is_empty()) {
        bytes.extend(section);
        bytes.push(b'\n');
    }
    Ok(bytes)
}

fn package(rpm: &RpmFile, facts: FileFacts) -> Result<Package, FragmentError> {
    let metadata =
        rpm.metadata().map_err(|source| FragmentError::Rpm { file: facts.href.clone(), source })?;
    ensure_bounded_paths(&metadata)?;
    let source = PackageSource {
        checksum: Some(Checksum::Sha256(facts.sha256)),
        size_package: Some(facts.size),
        time_file: facts.modified,
        location_href: facts.href,
        location_base: None,
    };
    Ok(Package::from_package_metadata(&metadata, source, PackageOptions::default())?)
}

fn ensure_bounded_paths(metadata: &rpm::PackageMetadata) -> Result<(), FragmentError> {
    use rpm::IndexTag as T;
    let texts = |tag| metadata.header.get_entry_data_as_string_array(tag).unwrap_or_default();
    let (names, dirs) = (texts(T::RPMTAG_BASENAMES), texts(T::RPMTAG_DIRNAMES));
    let indexes = metadata.header.get_entry_data_as_u32_array(T::RPMTAG_DIRINDEXES).unwrap_or_default();
    let dir_bytes = |index: &u32| dirs.get(*index as usize).map_or(0, |dir| dir.len());
    let bytes: usize =
        names.iter().map(|name| name.len()).sum::<usize>() + indexes.iter().map(dir_bytes).sum::<usize>();
    if bytes <= MAX_PATHS_BYTES { Ok(()) } else { Err(FragmentError::FileList) }
}

fn facts(path: &Path, href: String) -> io::Result<FileFacts> {
    let mut file = File::open(path)?;
    let meta = file.metadata()?;
    let modified = meta.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let mut hasher = Sha256::new();
    let mut chunk = vec![0; 256 << 10];
    file.seek(SeekFrom::Start(0))?;
    loop {
        match file.read(&mut chunk)? {
            0 => break,
            count => hasher.update(&chunk[..count]),
        }
    }
    Ok(FileFacts { sha256: hex::encode(hasher.finalize()), size: meta.len(), modified, href })
}

fn rpm_files(dir: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".rpm") {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}
