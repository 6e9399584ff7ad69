//! News for the frontend, in order, sent until Redis takes it.

use std::time::Duration;

use coppice_model::messages::Report;
use coppice_runtime::{Bus, Stop};
use tokio::sync::{mpsc, oneshot};

const PAUSE: Duration = Duration::from_millis(500);

struct Item {
    report: Report,
    delivered: Option<oneshot::Sender<()>>,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Reporter {
    sender: mpsc::UnboundedSender<Item>,
}

impl std::fmt::Debug for Reporter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reporter")
    }
}

/// The end that sends.
pub struct Outgoing {
    receiver: mpsc::UnboundedReceiver<Item>,
}

/// The service stops; what was to be said is said after its next start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the service stops")]
pub struct Stopping;

pub fn reporter() -> (Reporter, Outgoing) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (Reporter { sender }, Outgoing { receiver })
}

impl Reporter {
    /// For news that may be lost with the process, because later news say as much.
    pub fn post(&self, report: Report) {
        if self.sender.send(Item { report, delivered: None }).is_err() {
            tracing::debug!("progress was not reported: the service stops");
        }
    }

    /// Returns when Redis has it.
    pub async fn send(&self, report: Report) -> Result<(), Stopping> {
        let (delivered, waiter) = oneshot::channel();
        self.sender.send(Item { report, delivered: Some(delivered) }).map_err(|_| Stopping)?;
        waiter.await.map_err(|_| Stopping)
    }
}

impl Outgoing {
    pub async fn run(mut self, bus: Bus, stop: Stop) {
        loop {
            let next = tokio::select! {
                biased;
                next = self.receiver.recv() => next,
                () = stop.wait() => self.receiver.try_recv().ok(),
            };
            let Some(item) = next else { return };
            if !deliver(&bus, &item.report, &stop).await {
                continue;
            }
            if item.delivered.is_some_and(|delivered| delivered.send(()).is_err()) {
                tracing::debug!("whoever sent a report did not wait for it");
            }
        }
    }
}

async fn deliver(bus: &Bus, report: &Report, stop: &Stop) -> bool {
    loop {
        match bus.send(report).await {
            Ok(()) => return true,
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
                tracing::warn!(%error, cause, "could not report; trying again");
            }
        }
        if !stop.sleep(PAUSE).await {
            return false;
        }
    }
}
