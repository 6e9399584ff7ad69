//! Puts a signature into an RPM file. The payload stays where it is as long as there is room before it.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use coppice_runtime::files;

use super::{LEAD_BYTES, RpmFile, RpmFileError, tag};

/// Every tag that holds a signature by a key.
const SIGNATURES: [u32; 5] = [tag::SIG_DSA, tag::SIG_RSA, tag::SIG_OPENPGP, tag::SIG_PGP, tag::SIG_GPG];
/// Room for later signatures in a header that had to be made anew. RPM: rpmbuild's own choice.
const RESERVE_BYTES: usize = 4_096;

/// Adds a header-only signature; every other entry stays. After a crash in the middle [`recover`] restores
/// the file.
pub fn insert_signature(path: &Path, signature: &[u8]) -> Result<(), RpmFileError> {
    let rpm = RpmFile::open(path)?;
    let room = rpm.signature.padded();
    let signed = with_signature(&rpm, signature)?;
    if signed.len() == room.len() {
        overwrite(path, &room, &signed)?;
    } else {
        rewrite(path, &rpm, &signed)?;
    }
    Ok(())
}

/// Lead and headers with the signature in them: what stands before the payload of the signed package.
pub fn signed_head(rpm: &RpmFile, signature: &[u8]) -> Result<Vec<u8>, RpmFileError> {
    let signed = with_signature(rpm, signature)?;
    Ok([rpm.lead.as_slice(), &signed, rpm.header.bytes()].concat())
}

fn with_signature(rpm: &RpmFile, signature: &[u8]) -> Result<Vec<u8>, RpmFileError> {
    let tag = signature_tag(signature)?;
    if rpm.signature.has(tag) {
        return Err(RpmFileError::Damaged("signature header already holds a signature"));
    }
    Ok(rpm.signature.with_binary(tag, signature, rpm.signature.padded().len(), RESERVE_BYTES))
}

/// Copies a package to `target` with this signature in the place of all others.
pub fn copy_signed(path: &Path, target: &Path, signature: &[u8]) -> Result<(), RpmFileError> {
    let mut rpm = RpmFile::open(path)?;
    let payload_at = rpm.payload_at();
    let room = rpm.signature.padded().len();
    rpm.signature = rpm.signature.without(&SIGNATURES, room)?;
    let head = signed_head(&rpm, signature)?;
    let mut old = File::open(path)?;
    old.seek(SeekFrom::Start(payload_at))?;
    let dir = target.parent().unwrap_or(Path::new("."));
    let mut fresh = tempfile::Builder::new().prefix(".sign-").tempfile_in(dir)?;
    fresh.write_all(&head)?;
    io::copy(&mut old, fresh.as_file_mut())?;
    let meta = old.metadata()?;
    fresh.as_file().set_permissions(meta.permissions())?;
    // Clients see no other time of the same build.
    fresh.as_file().set_modified(meta.modified()?)?;
    fresh.as_file().sync_all()?;
    fresh.persist(target).map_err(|e| e.error)?;
    Ok(files::sync_dir(dir)?)
}

/// Takes back an insertion that a crash cut off. Harmless when there was none.
pub fn recover(path: &Path) -> io::Result<()> {
    let undo = undo_path(path);
    let before = match fs::read(&undo) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        before => before?,
    };
    write_signature(path, &before)?;
    files::remove_all(&undo)
}

/// The old bytes are kept beside the file until the new ones are on disk.
fn overwrite(path: &Path, before: &[u8], signed: &[u8]) -> io::Result<()> {
    let undo = undo_path(path);
    files::write_atomic(&undo, before)?;
    write_signature(path, signed)?;
    files::remove_all(&undo)
}

fn write_signature(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(path)?;
    file.write_all_at(bytes, LEAD_BYTES as u64)?;
    file.sync_all()
}

fn rewrite(path: &Path, rpm: &RpmFile, signed: &[u8]) -> io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let mut fresh = tempfile::Builder::new().prefix(".sign-").tempfile_in(dir)?;
    let mut old = File::open(path)?;
    let mut lead = [0; LEAD_BYTES];
    old.read_exact(&mut lead)?;
    fresh.write_all(&lead)?;
    fresh.write_all(signed)?;
    old.seek(SeekFrom::Start(rpm.header_at()))?;
    io::copy(&mut old, fresh.as_file_mut())?;
    fresh.as_file().set_permissions(old.metadata()?.permissions())?;
    fresh.as_file().sync_all()?;
    fresh.persist(path).map_err(|e| e.error)?;
    files::sync_dir(dir)
}

fn undo_path(path: &Path) -> PathBuf {
    let mut name = OsString::from(".undo-");
    name.push(path.file_name().unwrap_or_default());
    path.with_file_name(name)
}

/// RPM keeps RSA signatures under one tag and all others under another (facts: publishing, section 5).
fn signature_tag(packet: &[u8]) -> Result<u32, RpmFileError> {
    match public_key_algorithm(packet) {
        Some(1..=3) => Ok(tag::SIG_RSA),
        Some(_) => Ok(tag::SIG_DSA),
        None => Err(RpmFileError::Damaged("new signature is not an OpenPGP signature")),
    }
}

/// The algorithm's number in a version 4 signature packet (RFC 9580, sections 4.2 and 5.2.3).
fn public_key_algorithm(packet: &[u8]) -> Option<u8> {
    let first = *packet.first()?;
    let (kind, length_bytes) = match (first & 0x80 != 0, first & 0x40 != 0) {
        (true, true) => (first & 0x3f, new_length_bytes(*packet.get(1)?)?),
        (true, false) => ((first & 0x3f) >> 2, 1 << (first & 3)),
        (false, _) => return None,
    };
    let body = packet.get(1 + length_bytes..)?;
    (kind == 2 && *body.first()? == 4).then(|| body.get(2).copied()).flatten()
}

fn new_length_bytes(first: u8) -> Option<usize> {
    match first {
        0..=191 => Some(1),
        192..=223 => Some(2),
        255 => Some(5),
        // Partial lengths are not allowed for signatures.
        _ => None,
    }
}
