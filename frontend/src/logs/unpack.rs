//! Unpacks a log while it comes, without ever holding more than a piece of it.

use std::{
    io::{self, Write},
    sync::Arc,
};

use flate2::write::MultiGzDecoder;
use reqwest::Response;

use super::{LogError, Spool, shelf::silent};

/// Leaves out what the spool has already.
struct Sink {
    spool: Arc<Spool>,
    skip: u64,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let known = usize::try_from(self.skip).unwrap_or(usize::MAX).min(bytes.len());
        self.skip -= known as u64;
        self.spool.append(&bytes[known..])?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub async fn unpack(mut answer: Response, spool: &Arc<Spool>) -> Result<(), LogError> {
    let sink = Sink { spool: Arc::clone(spool), skip: spool.bytes() };
    let mut decoder = MultiGzDecoder::new(sink);
    while let Some(piece) = answer.chunk().await.map_err(silent)? {
        let written = tokio::task::spawn_blocking(move || decoder.write_all(&piece).map(|()| decoder));
        decoder = written.await.map_err(io::Error::other)??;
    }
    let ended = tokio::task::spawn_blocking(move || decoder.finish().map(drop));
    Ok(ended.await.map_err(io::Error::other)??)
}
