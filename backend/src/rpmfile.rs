//! RPM files as far as checking and signing need them: both headers, never the payload's content.
//! What is read here was made by a hostile builder, so every length is checked before it is believed.

mod digest;
mod header;
mod insert;

use std::{
    fs::File,
    io::{self, BufReader, Read},
    path::Path,
};

pub use digest::{PayloadDigest, PayloadHash, verify_payload};
pub use header::{RawHeader, tag};
pub use insert::{copy_signed, insert_signature, recover, signed_head};

const LEAD_BYTES: usize = 96;
const LEAD_MAGIC: [u8; 4] = [0xed, 0xab, 0xee, 0xdb];
/// RPM: headers of up to 256 MB are allowed; keygen takes 32 MiB of Base64.
const MAX_HEADER_BYTES: usize = 23 << 20;
const MAX_SIGNATURE_BYTES: usize = 16 << 20;

#[derive(Debug, thiserror::Error)]
pub enum RpmFileError {
    #[error("it is not an RPM file")]
    NotRpm,
    #[error("its {0}")]
    Damaged(&'static str),
    #[error("its {part} of {bytes} bytes is larger than we take")]
    TooLarge { part: &'static str, bytes: usize },
    #[error("its payload does not match the digest in its header")]
    Payload,
    #[error("its header cannot be understood: {0}")]
    Header(Box<rpm::Error>),
    #[error("its header says {0}")]
    Name(String),
    #[error("it ends too early")]
    Truncated,
    #[error("reading it failed")]
    Io(#[source] io::Error),
}

impl From<io::Error> for RpmFileError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Truncated,
            _ => Self::Io(error),
        }
    }
}

/// Lead, signature header and main header of an RPM file.
#[derive(Debug, Clone)]
pub struct RpmFile {
    lead: [u8; LEAD_BYTES],
    pub signature: RawHeader,
    pub header: RawHeader,
}

impl RpmFile {
    pub fn open(path: &Path) -> Result<Self, RpmFileError> {
        Self::read(&mut BufReader::new(File::open(path)?))
    }

    pub fn read(input: &mut impl Read) -> Result<Self, RpmFileError> {
        let mut lead = [0; LEAD_BYTES];
        input.read_exact(&mut lead)?;
        if !lead.starts_with(&LEAD_MAGIC) {
            return Err(RpmFileError::NotRpm);
        }
        let signature = RawHeader::read(input, "signature header", MAX_SIGNATURE_BYTES)?;
        let mut padding = vec![0; padding_after(signature.bytes().len())];
        input.read_exact(&mut padding)?;
        let header = RawHeader::read(input, "header", MAX_HEADER_BYTES)?;
        Ok(Self { lead, signature, header })
    }

    /// Where the main header begins.
    pub fn header_at(&self) -> u64 {
        let signature = self.signature.bytes().len();
        (LEAD_BYTES + signature + padding_after(signature)) as u64
    }

    pub fn payload_at(&self) -> u64 {
        self.header_at() + self.header.bytes().len() as u64
    }

    /// The same headers as the `rpm` crate reads them. Only bytes whose lengths were checked get there.
    pub fn metadata(&self) -> Result<rpm::PackageMetadata, RpmFileError> {
        let mut bytes = self.lead.to_vec();
        bytes.extend(self.signature.padded());
        bytes.extend(self.header.bytes());
        rpm::PackageMetadata::parse(&mut bytes.as_slice()).map_err(|e| RpmFileError::Header(Box::new(e)))
    }
}

/// How long lead and headers together are, as soon as the first bytes tell; nothing is believed beyond our limits.
pub fn head_len(bytes: &[u8]) -> Result<Option<usize>, RpmFileError> {
    if bytes.len() >= LEAD_MAGIC.len() && !bytes.starts_with(&LEAD_MAGIC) {
        return Err(RpmFileError::NotRpm);
    }
    let mut at = LEAD_BYTES;
    let parts = [("signature header", MAX_SIGNATURE_BYTES, true), ("header", MAX_HEADER_BYTES, false)];
    for (part, most, is_padded) in parts {
        let Some(intro) = bytes.get(at..).and_then(|rest| rest.first_chunk()) else { return Ok(None) };
        let length = header::length(intro, part, most)?;
        at += length + if is_padded { padding_after(length) } else { 0 };
    }
    Ok(Some(at))
}

/// A signature header is followed by zeros up to a multiple of eight.
fn padding_after(bytes: usize) -> usize {
    bytes.next_multiple_of(8) - bytes
}
