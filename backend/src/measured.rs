//! Hashes and counts what is written through it.

use std::io::{self, Write};

use sha2::{Digest, Sha256};

pub struct Measured<W> {
    inner: W,
    hasher: Sha256,
    bytes: u64,
}

impl<W> Measured<W> {
    pub fn new(inner: W) -> Self {
        Self { inner, hasher: Sha256::new(), bytes: 0 }
    }

    /// The output, the SHA-256 in hexadecimal, the number of bytes.
    pub fn end(self) -> (W, String, u64) {
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
