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

/// Reads the payload once. A payload that differs is an error.
pub fn verify_payload(path: &Path, rpm: &RpmFile) -> Result<PayloadDigest, RpmFileError> {
    let Some(expected) = rpm.header.text(tag::PAYLOAD_DIGEST) else {
        return Ok(PayloadDigest::Absent);
    };
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(rpm.payload_at()))?;
    // OpenPGP's numbers of the algorithms.
    let actual = match rpm.header.number(tag::PAYLOAD_DIGEST_ALGORITHM).unwrap_or(8) {
        8 => hash::<Sha256>(&mut file)?,
        9 => hash::<Sha384>(&mut file)?,
        10 => hash::<Sha512>(&mut file)?,
        _ => return Err(RpmFileError::Damaged("payload digest is of an unknown kind")),
    };
    if actual.eq_ignore_ascii_case(expected) {
        Ok(PayloadDigest::Verified)
    } else {
        Err(RpmFileError::Payload)
    }
}

fn hash<D: Digest>(input: &mut impl Read) -> Result<String, RpmFileError> {
    let mut hasher = D::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        match input.read(&mut chunk)? {
            0 => return Ok(hex::encode(hasher.finalize())),
            count => hasher.update(&chunk[..count]),
        }
    }
}
