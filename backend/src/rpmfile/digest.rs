//! The payload against the digest that the header holds of it.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::Path,
};

use sha2::{Digest, Sha256, Sha384, Sha512};

use super::{RpmFile, RpmFileError, tag};

const CHUNK_BYTES: usize = 256 << 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayloadDigest {
    Verified,
    /// RPM before 4.14 wrote none; `rpmkeys` then checks the MD5 of header and payload.
    Absent,
}

/// The hash of a payload that passes by, against what the header says of it.
#[derive(Clone)]
pub struct PayloadHash {
    expected: String,
    hasher: Hasher,
}

#[derive(Clone)]
enum Hasher {
    Sha256(Sha256),
    Sha384(Sha384),
    Sha512(Sha512),
}

impl PayloadHash {
    /// `None` when the header says nothing: RPM before 4.14 wrote no digest.
    pub fn of(rpm: &RpmFile) -> Result<Option<Self>, RpmFileError> {
        let Some(expected) = rpm.header.text(tag::PAYLOAD_DIGEST) else { return Ok(None) };
        // OpenPGP's numbers of the algorithms.
        let hasher = match rpm.header.number(tag::PAYLOAD_DIGEST_ALGORITHM).unwrap_or(8) {
            8 => Hasher::Sha256(Sha256::new()),
            9 => Hasher::Sha384(Sha384::new()),
            10 => Hasher::Sha512(Sha512::new()),
            _ => return Err(RpmFileError::Damaged("payload digest is of an unknown kind")),
        };
        Ok(Some(Self { expected: expected.to_owned(), hasher }))
    }

    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.hasher {
            Hasher::Sha256(hasher) => hasher.update(bytes),
            Hasher::Sha384(hasher) => hasher.update(bytes),
            Hasher::Sha512(hasher) => hasher.update(bytes),
        }
    }

    /// The whole payload has passed by.
    pub fn is_as_expected(self) -> bool {
        let actual = match self.hasher {
            Hasher::Sha256(hasher) => hex::encode(hasher.finalize()),
            Hasher::Sha384(hasher) => hex::encode(hasher.finalize()),
            Hasher::Sha512(hasher) => hex::encode(hasher.finalize()),
        };
        actual.eq_ignore_ascii_case(&self.expected)
    }
}

/// Reads the payload once. A payload that differs is an error.
pub fn verify_payload(path: &Path, rpm: &RpmFile) -> Result<PayloadDigest, RpmFileError> {
    let Some(mut hash) = PayloadHash::of(rpm)? else { return Ok(PayloadDigest::Absent) };
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(rpm.payload_at()))?;
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        match file.read(&mut chunk)? {
            0 => break,
            count => hash.update(&chunk[..count]),
        }
    }
    if hash.is_as_expected() { Ok(PayloadDigest::Verified) } else { Err(RpmFileError::Payload) }
}
