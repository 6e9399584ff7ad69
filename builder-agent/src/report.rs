//! Keeps the backend up to date while a task runs: the log as it grows, a heartbeat when it does not.

use std::time::Duration;

use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

use crate::{
    control::Halter,
    ended::{Ended, chain},
    log::Log,
    protocol::{CallError, TaskCalls},
    retry::Transient,
};

const HEARTBEAT: Duration = Duration::from_secs(5);
/// Lines that come together travel together.
const GATHER: Duration = Duration::from_millis(150);
const PIECE_BYTES: usize = 1 << 20;
const PAUSE: Duration = Duration::from_millis(500);

/// The running reporter.
pub struct Reporter {
    done: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Reporter {
    pub fn start(calls: TaskCalls, log: Log, halter: Halter) -> Self {
        let (done, finished) = watch::channel(false);
        let sender = Sender { calls, log, halter, held: 0 };
        Self { done, task: tokio::spawn(sender.run(finished)) }
    }

    /// Sends the rest of the log, for as long as there is time.
    pub async fn finish(self, deadline: Instant) {
        self.done.send_replace(true);
        let abort = self.task.abort_handle();
        if tokio::time::timeout_at(deadline, self.task).await.is_err() {
            abort.abort();
            tracing::error!("the backend stayed away; the end of the log was not delivered");
        }
    }
}

struct Sender {
    calls: TaskCalls,
    log: Log,
    halter: Halter,
    /// How much the backend said it holds.
    held: u64,
}

impl Sender {
    async fn run(mut self, mut finished: watch::Receiver<bool>) {
        let mut ending = false;
        // The first word goes out at once: it says that the build has begun.
        loop {
            match self.send().await {
                Ok(()) => {}
                Err(error) if error.is_transient() => sleep(PAUSE).await,
                Err(error) => return self.halter.halt(Ended::Closed(chain(&error))),
            }
            if !ending {
                self.wait(&mut finished).await;
            }
            ending = *finished.borrow();
            if ending && self.log.length() <= self.held {
                return;
            }
        }
    }

    /// Until there is news, or a heartbeat is due, or the attempt is over.
    async fn wait(&self, finished: &mut watch::Receiver<bool>) {
        let news = async {
            self.log.longer_than(self.held).await;
            sleep(GATHER).await;
        };
        tokio::select! {
            waited = timeout(HEARTBEAT, news) => drop(waited),
            changed = finished.changed() => drop(changed),
        }
    }

    async fn send(&mut self) -> Result<(), CallError> {
        let piece = self.log.read(self.held, PIECE_BYTES);
        let piece = piece.map_err(|error| CallError::Read("the live log".into(), error))?;
        let answer = self.calls.log(self.held, piece).await?;
        // A backend that lost some is given it again.
        self.held = answer.length.min(self.log.length());
        if answer.cancel {
            self.halter.halt(Ended::Canceled);
        }
        Ok(())
    }
}
