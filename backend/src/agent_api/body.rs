//! Reading request bodies from machines that may be slow, endless or hostile.

use std::time::Duration;

use actix_web::web::{Bytes, BytesMut, Payload};
use futures_util::StreamExt;
use tokio::time::{Instant, timeout, timeout_at};

use crate::dispatch::Refused;

/// Nobody sends more slowly than this for a whole body.
const SLOWEST_BYTES_PER_S: u64 = 16 * 1024;
const ALWAYS_ALLOWED: Duration = Duration::from_secs(120);

pub struct Body {
    payload: Payload,
    left: u64,
    idle: Duration,
    deadline: Instant,
}

impl Body {
    /// A body of at most `limit` bytes; `idle` is the longest pause between two pieces.
    pub fn new(payload: Payload, limit: u64, idle: Duration) -> Self {
        let most = ALWAYS_ALLOWED + Duration::from_secs(limit / SLOWEST_BYTES_PER_S);
        Self { payload, left: limit, idle, deadline: Instant::now() + most }
    }

    /// The next piece, `None` at the end.
    pub async fn piece(&mut self) -> Result<Option<Bytes>, Refused> {
        let next = timeout_at(self.deadline, timeout(self.idle, self.payload.next())).await;
        let Some(piece) = next.map_err(|_| Refused::Slow)?.map_err(|_| Refused::Slow)? else {
            return Ok(None);
        };
        let piece = piece.map_err(|_| Refused::Broken)?;
        let too_large = || Refused::TooLarge("the body is larger than allowed".into());
        self.left = self.left.checked_sub(piece.len() as u64).ok_or_else(too_large)?;
        Ok(Some(piece))
    }

    pub async fn whole(mut self) -> Result<Bytes, Refused> {
        let mut bytes = BytesMut::new();
        while let Some(piece) = self.piece().await? {
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes.freeze())
    }
}
