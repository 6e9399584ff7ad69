//! What a repository's index says of one build's packages: rendered once, when the build comes.
//!
//! Every package of every placed build is listed, in the order in which the builds came: the same NEVRA twice
//! (clients take either; both are whole and signed), several versions, other epochs (clients compare them first),
//! source packages (in the same repository, as Copr does) and all architectures that a chroot's builds make.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
    time::UNIX_EPOCH,
};

use rpmrepo_metadata::{
    Checksum, FilelistsXml, MetadataError, OtherXml, Package, PackageOptions, PackageSource, PrimaryXml,
    utils::create_xml_writer,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::manifest::SECTIONS;
use crate::{
    facts::{BuildFacts, FileFacts},
    rpmfile::{RpmFile, RpmFileError},
};

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

/// What an index says of one build's packages.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Fragment {
    pub packages: u64,
    /// Primary, filelists and other.
    pub sections: [Vec<u8>; SECTIONS],
}

/// The first line of a stored fragment; the sections follow it.
#[derive(Debug, Serialize, Deserialize)]
struct Summary {
    packages: u64,
    /// Lengths.
    sections: [u64; SECTIONS],
}

/// What a description may be made from beside the headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// What was noted when the packages came; without a note the packages are read.
    Notes,
    /// Nothing: every byte is read again.
    Nothing,
}

impl Fragment {
    pub fn read(path: &Path) -> Result<Self, FragmentError> {
        let mut input = BufReader::new(File::open(path)?);
        let mut line = String::new();
        input.read_line(&mut line)?;
        let summary: Summary = serde_json::from_str(&line)?;
        let mut sections: [Vec<u8>; SECTIONS] = Default::default();
        for (section, length) in sections.iter_mut().zip(summary.sections) {
            if (&mut input).take(length).read_to_end(section)? as u64 != length {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
        }
        Ok(Self { packages: summary.packages, sections })
    }

    pub fn to_bytes(&self) -> Result<Vec<u8>, FragmentError> {
        let sections = self.sections.each_ref().map(|section| section.len() as u64);
        let summary = Summary { packages: self.packages, sections };
        let mut bytes = serde_json::to_vec(&summary)?;
        bytes.push(b'\n');
        self.sections.iter().for_each(|section| bytes.extend(section));
        Ok(bytes)
    }
}

/// What a file is apart from its headers.
struct Described {
    sha256: String,
    size: u64,
    modified: u64,
    href: String,
}

/// Whether a package that a builder sent can be described at all.
pub fn ensure_renderable(rpm: &RpmFile) -> Result<(), FragmentError> {
    let facts = Described { sha256: "0".repeat(64), size: 0, modified: 0, href: "x.rpm".into() };
    package(rpm, facts).map(drop)
}

/// Describes all packages of a placed build. Addresses are relative to the repository. Of a package that was
/// signed anew the copy with `key`'s signature counts.
pub fn render(
    build_dir: &Path,
    build: &str,
    key: Option<&str>,
    trust: Trust,
) -> Result<Fragment, FragmentError> {
    let mut primary = PrimaryXml::new_writer(create_xml_writer(Vec::new()));
    let mut filelists = FilelistsXml::new_writer(create_xml_writer(Vec::new()));
    let mut other = OtherXml::new_writer(create_xml_writer(Vec::new()));
    let notes = match trust {
        Trust::Notes => BuildFacts::read(build_dir)?.unwrap_or_default(),
        Trust::Nothing => BuildFacts::default(),
    };
    let files = rpm_files(build_dir, key)?;
    for file in &files {
        let path = build_dir.join(file);
        let failed = |source| FragmentError::Rpm { file: file.clone(), source };
        let rpm = RpmFile::open(&path).map_err(failed)?;
        let package = package(&rpm, facts(&path, format!("{build}/{file}"), notes.0.get(file))?)?;
        primary.write_package(&package)?;
        filelists.write_package(&package)?;
        other.write_package(&package)?;
    }
    let mut sections = [primary.into_inner(), filelists.into_inner(), other.into_inner()];
    sections.iter_mut().filter(|section| !section.is_empty()).for_each(|section| section.push(b'\n'));
    Ok(Fragment { packages: files.len() as u64, sections })
}

/// Packages of a placed build, without reading them.
pub fn count(build_dir: &Path) -> io::Result<u64> {
    rpm_files(build_dir, None).map(|files| files.len() as u64)
}

fn package(rpm: &RpmFile, facts: Described) -> Result<Package, FragmentError> {
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

fn facts(path: &Path, href: String, note: Option<&FileFacts>) -> io::Result<Described> {
    let mut file = File::open(path)?;
    let meta = file.metadata()?;
    let modified = meta.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let sha256 = match note {
        Some(note) if note.size == meta.len() => note.sha256.clone(),
        _ => hash(&mut file)?,
    };
    Ok(Described { sha256, size: meta.len(), modified, href })
}

fn hash(file: &mut File) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut chunk = vec![0; 256 << 10];
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(hex::encode(hasher.finalize())),
            count => hasher.update(&chunk[..count]),
        }
    }
}

/// Paths below the build's directory, sorted by file name.
fn rpm_files(dir: &Path, key: Option<&str>) -> io::Result<Vec<String>> {
    let signed_anew = key.map(|key| key_folder(key).to_owned()).filter(|folder| dir.join(folder).is_dir());
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".rpm") {
            names.push(name);
        }
    }
    names.sort();
    let Some(folder) = signed_anew else { return Ok(names) };
    let chosen = |name: String| match dir.join(&folder).join(&name).is_file() {
        true => format!("{folder}/{name}"),
        false => name,
    };
    Ok(names.into_iter().map(chosen).collect())
}

/// Where a build keeps copies of its packages that were signed anew with a key: the key's id.
pub fn key_folder(fingerprint: &str) -> &str {
    &fingerprint[fingerprint.len().saturating_sub(16)..]
}
