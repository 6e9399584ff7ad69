//! Reads a source RPM: its header becomes our words, its files become text or cached content.
//! Nothing of it is executed or expanded.

mod fields;

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use coppice_model::package::SourceHeader;
use rpm::{FileFlags, FileType, IndexSignatureTag, IndexTag, PackageMetadata, PackageReader};
use sha2::{Digest, Sha256};

use crate::{
    config::Limits,
    envelope::{self, BadEnvelope},
    lookaside::{Lookaside, ReceiveError, Received, is_archive},
};

/// Text beyond this is cached like binary content.
const TEXT_BYTES: u64 = 64 << 10;

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The user's file is at fault; the text tells what to do.
    #[error("{0}")]
    Refused(String),
    #[error("keeping the files of a source RPM")]
    Ours(#[source] io::Error),
}

/// A source RPM that passed every check.
#[derive(Debug)]
pub struct Source {
    pub header: SourceHeader,
    /// Sorted by name.
    pub files: Vec<SourceFile>,
}

#[derive(Debug)]
pub struct SourceFile {
    pub name: String,
    pub executable: bool,
    pub content: Content,
}

#[derive(Debug)]
pub enum Content {
    Text(Vec<u8>),
    Cached(Received),
}

pub fn refused<T>(sentence: impl Into<String>) -> Result<T, ReadError> {
    Err(ReadError::Refused(sentence.into()))
}

fn damaged(cause: impl ToString) -> ReadError {
    let cause: String = cause.to_string().chars().filter(|c| !c.is_control()).take(120).collect();
    let sentence = format!("The source RPM is damaged ({cause}): make it again and submit it once more");
    ReadError::Refused(sentence)
}

/// Reads the file at `path`, which a stranger wrote.
pub fn read(path: &Path, limits: &Limits, lookaside: &Lookaside) -> Result<Source, ReadError> {
    // The parser is meant for friendly files; a panic of it is the file's fault.
    let read = catch_unwind(AssertUnwindSafe(|| read_checked(path, limits, lookaside)));
    read.unwrap_or_else(|_| Err(damaged("its header contradicts itself")))
}

fn read_checked(path: &Path, limits: &Limits, lookaside: &Lookaside) -> Result<Source, ReadError> {
    let mut file = File::open(path).map_err(ReadError::Ours)?;
    check_envelope(&mut file)?;
    let mut package = PackageReader::open(path).map_err(damaged)?;
    ensure_source(&package.metadata)?;
    ensure_complete(&package.metadata, &mut file)?;
    let header = fields::source_header(&package.metadata)?;
    ensure_files(&package.metadata, limits)?;
    let files = Unpacking { limits, lookaside, text_bytes: 0 }.unpack(&mut package)?;
    Ok(Source { header, files })
}

fn check_envelope(file: &mut File) -> Result<(), ReadError> {
    envelope::check(&mut BufReader::new(file)).map_err(|error| match error {
        BadEnvelope::NotAnRpm => {
            ReadError::Refused("The file is not an RPM: submit a source RPM (.src.rpm)".into())
        }
        BadEnvelope::Truncated => truncated(),
        BadEnvelope::Malformed { .. } => damaged(error),
        BadEnvelope::Io(error) => ReadError::Ours(error),
    })
}

fn truncated() -> ReadError {
    ReadError::Refused("The source RPM is truncated: submit the whole file again".into())
}

fn ensure_source(metadata: &PackageMetadata) -> Result<(), ReadError> {
    if metadata.is_source_package() {
        return Ok(());
    }
    refused("The RPM is a binary package: submit its source RPM (.src.rpm)")
}

/// Sizes and digests that the RPM carries about itself.
fn ensure_complete(metadata: &PackageMetadata, file: &mut File) -> Result<(), ReadError> {
    metadata
        .check_digests()
        .and_then(|report| report.result())
        .map_err(|_| damaged("its header does not match its digest"))?;
    let segments = metadata.get_package_segment_offsets();
    let length = file.metadata().map_err(ReadError::Ours)?.len();
    let signature = &metadata.signature;
    let stated = signature
        .get_entry_data_as_u64(IndexSignatureTag::RPMSIGTAG_LONGSIZE)
        .ok()
        .or_else(|| signature.get_entry_data_as_u32(IndexSignatureTag::RPMSIGTAG_SIZE).ok().map(u64::from));
    if stated.is_some_and(|stated| segments.header.saturating_add(stated) > length) {
        return Err(truncated());
    }
    ensure_payload_digest(metadata, file, segments.payload)
}

/// RPMs since 2017 carry the payload's digest; older ones are covered by their size and the compressor's check.
fn ensure_payload_digest(metadata: &PackageMetadata, file: &mut File, payload: u64) -> Result<(), ReadError> {
    let stated = metadata.header.get_entry_data_as_string_array(IndexTag::RPMTAG_PAYLOADSHA256);
    let Some(stated) = stated.ok().and_then(|digests| digests.first().map(ToString::to_string)) else {
        return Ok(());
    };
    let mut hash = Sha256::new();
    file.seek(SeekFrom::Start(payload)).map_err(ReadError::Ours)?;
    let mut chunk = vec![0; 1 << 17];
    loop {
        match file.read(&mut chunk).map_err(ReadError::Ours)? {
            0 => break,
            length => hash.update(&chunk[..length]),
        }
    }
    if hex::encode(hash.finalize()) == stated {
        Ok(())
    } else {
        Err(damaged("its files do not match their digest; it may be truncated"))
    }
}

/// What the header says about the files, before one of them is unpacked.
fn ensure_files(metadata: &PackageMetadata, limits: &Limits) -> Result<(), ReadError> {
    let entries = metadata.get_file_entries().map_err(damaged)?;
    if entries.len() > limits.files {
        return refused(format!("The source RPM has more than {} files: pack them up", limits.files));
    }
    let size = entries.iter().fold(0_u64, |sum, entry| sum.saturating_add(entry.size() as u64));
    if size > limits.unpacked_bytes {
        return refused(format!("The files of the source RPM exceed {} MiB", limits.unpacked_bytes >> 20));
    }
    for entry in &entries {
        fields::ensure_plain_file(entry.dirname(), entry.basename())?;
        if entry.flags().contains(FileFlags::GHOST) {
            return refused(format!(
                "The source RPM leaves out {}: drop NoSource from its spec",
                entry.basename()
            ));
        }
        if entry.file_type() != FileType::Regular {
            return refused(format!(
                "{} in the source RPM is not a plain file: pack it up",
                entry.basename()
            ));
        }
    }
    match entries.iter().filter(|entry| entry.basename().ends_with(".spec")).count() {
        1 => Ok(()),
        count => refused(format!("The source RPM holds {count} spec files: it must hold exactly one")),
    }
}

struct Unpacking<'a> {
    limits: &'a Limits,
    lookaside: &'a Lookaside,
    text_bytes: u64,
}

impl Unpacking<'_> {
    fn unpack(mut self, package: &mut PackageReader) -> Result<Vec<SourceFile>, ReadError> {
        let expected = package.metadata.get_file_entries().map_err(damaged)?.len();
        let mut files = Vec::new();
        while let Some(mut file) = package.next_file().map_err(damaged)? {
            let name = file.metadata.basename().to_owned();
            let size = file.metadata.size() as u64;
            let executable = file.metadata.permissions() & 0o100 != 0;
            let mut counted = Counted { inner: file.by_ref().take(size.saturating_add(1)), bytes: 0 };
            let content = self.content(&name, &mut counted)?;
            if counted.bytes != size {
                return Err(damaged(format!("{name} has another size than its header says")));
            }
            file.finish().map_err(damaged)?;
            files.push(SourceFile { name, executable, content });
        }
        if files.len() != expected {
            return Err(damaged("files are missing"));
        }
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(files)
    }

    fn content(&mut self, name: &str, reader: &mut impl Read) -> Result<Content, ReadError> {
        let is_spec = name.ends_with(".spec");
        let most = if is_spec { self.limits.spec_bytes } else { TEXT_BYTES };
        let mut start = Vec::new();
        reader.take(most + 1).read_to_end(&mut start).map_err(damaged)?;
        let length = start.len() as u64;
        if is_spec && length > most {
            return refused(format!("The spec file is larger than {} KiB", most >> 10));
        }
        let fits = length <= most && self.text_bytes + length <= self.limits.text_bytes;
        if is_spec || (fits && is_text(name, &start)) {
            self.text_bytes += length;
            return Ok(Content::Text(start));
        }
        let received = self.lookaside.receive(&mut start.as_slice().chain(reader));
        received.map(Content::Cached).map_err(|error| match error {
            ReceiveError::Read(error) => damaged(error),
            ReceiveError::Write(error) => ReadError::Ours(error),
        })
    }
}

/// Files named `.git…` would change how git checks out the others, so they go to the cache.
fn is_text(name: &str, content: &[u8]) -> bool {
    !is_archive(name)
        && !name.to_ascii_lowercase().starts_with(".git")
        && !content.contains(&0)
        && std::str::from_utf8(content).is_ok()
}

struct Counted<R> {
    inner: R,
    bytes: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.bytes += length as u64;
        Ok(length)
    }
}
