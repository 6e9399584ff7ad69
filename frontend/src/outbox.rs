//! Sends what transactions left in the outbox, in order, as soon as they are committed; many at once when many come.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use coppice_runtime::{Bus, BusError, RawMessage, Stop, logging::with_causes};
use coppice_store::{StoreError, outbox, outbox::Waiting};

use crate::App;

const PORTION: i64 = 200;
/// Another process on the same database wakes nobody here.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// What comes in quick succession leaves together, the first at once.
const APART: Duration = Duration::from_millis(10);
const PAUSE_AFTER_FAULT: Duration = Duration::from_millis(500);

#[derive(Debug, thiserror::Error)]
enum RelayError {
    #[error("reading the outbox")]
    Store(#[from] StoreError),
    #[error("sending a message")]
    Bus(#[from] BusError),
}

/// Sends until stopped. While Redis or the database is away, messages wait where they are.
pub async fn relay(app: Arc<App>, bus: Bus, stop: Stop) {
    let mut commits = app.store.commits();
    while !stop.is_triggered() {
        commits.mark_unchanged();
        match send_portion(&app, &bus).await {
            Ok(true) => {}
            Ok(false) => {
                let began = Instant::now();
                tokio::select! {
                    () = stop.wait() => return,
                    () = tokio::time::sleep(LOOK_EVERY) => {}
                    changed = commits.changed() => if changed.is_err() { return },
                }
                stop.sleep(APART.saturating_sub(began.elapsed())).await;
            }
            Err(error) => {
                tracing::warn!(error = with_causes(&error), "messages wait in the outbox");
                stop.sleep(PAUSE_AFTER_FAULT).await;
            }
        }
    }
}

/// `true` when there may be more. What was sent and could not be deleted is sent again.
async fn send_portion(app: &App, bus: &Bus) -> Result<bool, RelayError> {
    let waiting = app.store.read(|conn| outbox::list(conn, PORTION)).await?;
    if waiting.is_empty() {
        return Ok(false);
    }
    let raw = waiting.iter().map(|Waiting { stream, key, body, .. }| RawMessage { stream, key, body });
    bus.send_raw(raw).await?;
    let sent: Vec<i64> = waiting.iter().map(|message| message.id).collect();
    let is_full = sent.len() as i64 == PORTION;
    app.store.tidy(move |tx| outbox::delete(tx, &sent)).await?;
    Ok(is_full)
}

#[cfg(test)]
mod tests;
