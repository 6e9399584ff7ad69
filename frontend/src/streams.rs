//! Answers that go on: bounded in number for each address, beating, and cut off when nobody reads them.

use std::{
    collections::HashMap,
    convert::Infallible,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{CACHE_CONTROL, RETRY_AFTER},
};
use bytes::Bytes;
use futures_util::stream;
use tokio::sync::mpsc;

use crate::config::HttpConfig;

/// Pieces that wait for one reader.
const WAITING: usize = 16;
/// A browser that was sent away comes again after so many seconds.
const AGAIN_S: u32 = 5;

/// How many streams there may be, and how long each waits for what.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Of the whole process.
    pub most: usize,
    /// A comment is sent after so long without news, so that proxies keep the connection and we see when it is dead.
    pub beat: Duration,
    /// Who takes nothing for so long is sent away.
    pub slow: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { most: 10_000, beat: Duration::from_secs(15), slow: Duration::from_secs(30) }
    }
}

/// All streams of this process.
#[derive(Debug)]
pub struct Streams {
    limits: Limits,
    most_of_address: usize,
    behind_proxy: bool,
    seats: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// One of an address's streams, until it is dropped.
#[derive(Debug)]
struct Seat {
    seats: Arc<Mutex<HashMap<IpAddr, usize>>>,
    address: IpAddr,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = self.seats.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = seats.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                seats.remove(&self.address);
            }
        }
    }
}

impl Streams {
    pub fn new(config: &HttpConfig, limits: Limits) -> Self {
        let most_of_address = match config.streams_per_address {
            0 => limits.most,
            most => most as usize,
        };
        Self { limits, most_of_address, behind_proxy: config.behind_proxy, seats: Arc::default() }
    }

    fn seat(&self, request: &HttpRequest) -> Result<Seat, Full> {
        let address = self.address(request).ok_or(Full::Address)?;
        let mut seats = self.seats.lock().unwrap_or_else(PoisonError::into_inner);
        if seats.values().sum::<usize>() >= self.limits.most {
            return Err(Full::Process);
        }
        let count = seats.entry(address).or_default();
        if *count >= self.most_of_address {
            return Err(Full::Address);
        }
        *count += 1;
        Ok(Seat { seats: Arc::clone(&self.seats), address })
    }

    fn address(&self, request: &HttpRequest) -> Option<IpAddr> {
        if self.behind_proxy {
            return request.connection_info().realip_remote_addr()?.parse().ok();
        }
        Some(request.peer_addr()?.ip())
    }

    /// Server-sent events that `producer` sends until it ends or nobody reads any more.
    pub fn answer<F>(&self, request: &HttpRequest, producer: impl FnOnce(Reader) -> F) -> HttpResponse
    where
        F: Future<Output = Result<(), Gone>> + Send + 'static,
    {
        let seat = match self.seat(request) {
            Ok(seat) => seat,
            Err(full) => return full.answer(),
        };
        let (sender, receiver) = mpsc::channel(WAITING);
        let running = producer(Reader { limits: self.limits, sender });
        tokio::spawn(async move {
            if running.await.is_err() {
                tracing::trace!("somebody follows a page no more");
            }
            drop(seat);
        });
        let body = stream::unfold(receiver, |mut receiver| async move {
            let piece: Bytes = receiver.recv().await?;
            Some((Ok::<_, Infallible>(piece), receiver))
        });
        HttpResponse::Ok()
            .content_type("text/event-stream")
            .insert_header((CACHE_CONTROL, "no-store"))
            // Proxies that collect answers are told not to.
            .insert_header(("X-Accel-Buffering", "no"))
            .streaming(body)
    }
}

/// Why somebody gets no stream.
#[derive(Debug, Clone, Copy)]
enum Full {
    Address,
    Process,
}

impl Full {
    fn answer(self) -> HttpResponse {
        let (mut answer, finding) = match self {
            Self::Address => {
                (HttpResponse::TooManyRequests(), "So many pages of your address are followed live already.")
            }
            Self::Process => {
                (HttpResponse::ServiceUnavailable(), "So many pages are followed live already, by everybody.")
            }
        };
        let text = format!("{finding} This one shows what was when it was loaded.\n");
        answer.insert_header((RETRY_AFTER, "60")).body(text)
    }
}

/// The reader went away, or reads too slowly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the reader is gone")]
pub struct Gone;

/// Who reads one stream.
#[derive(Debug)]
pub struct Reader {
    limits: Limits,
    sender: mpsc::Sender<Bytes>,
}

impl Reader {
    /// The first words: how long a browser waits before it comes again.
    pub async fn greet(&self) -> Result<(), Gone> {
        self.send(format!("retry: {}\n\n", AGAIN_S * 1_000)).await
    }

    pub async fn send(&self, text: String) -> Result<(), Gone> {
        match tokio::time::timeout(self.limits.slow, self.sender.send(text.into())).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Gone),
        }
    }

    /// Waits for something, and beats meanwhile.
    pub async fn wait_for<T>(&self, something: impl Future<Output = T>) -> Result<T, Gone> {
        tokio::pin!(something);
        loop {
            tokio::select! {
                found = &mut something => return Ok(found),
                () = self.sender.closed() => return Err(Gone),
                () = tokio::time::sleep(self.limits.beat) => self.send(":\n\n".into()).await?,
            }
        }
    }
}

/// One event. `data` is one line.
pub fn event(id: &str, name: &str, data: &str) -> String {
    let id = if id.is_empty() { String::new() } else { format!("id: {id}\n") };
    let name = if name.is_empty() { String::new() } else { format!("event: {name}\n") };
    format!("{id}{name}data: {data}\n\n")
}

/// The event that a browser had last, when it comes again.
pub fn last_event(request: &HttpRequest) -> Option<String> {
    let value = request.headers().get("last-event-id")?.to_str().ok()?;
    Some(value.to_owned()).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests;
