//! The running parts of a service: named, ended together, never silently gone.

use std::{future::Future, time::Duration};

use tokio::task::JoinHandle;

use crate::Stop;

const GRACE: Duration = Duration::from_secs(20);

/// A service's long-lived tasks. When one ends by a panic, the others are stopped, so that the supervisor
/// starts the service anew instead of leaving it half alive.
#[derive(Debug)]
pub struct Tasks {
    stop: Stop,
    running: Vec<(&'static str, JoinHandle<()>)>,
}

impl Tasks {
    pub fn new(stop: Stop) -> Self {
        Self { stop, running: Vec::new() }
    }

    pub fn stop(&self) -> &Stop {
        &self.stop
    }

    pub fn spawn(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        let guarded = async move {
            if let Err(error) = tokio::spawn(task).await {
                tracing::error!(task = name, %error, "a part of the service broke; stopping to be started anew");
                stop.trigger();
            }
        };
        self.running.push((name, tokio::spawn(guarded)));
    }

    /// Waits for the stop and then for every task, each for a grace time.
    pub async fn finish(self) {
        self.stop.wait().await;
        for (name, handle) in self.running {
            if tokio::time::timeout(GRACE, handle).await.is_err() {
                tracing::warn!(task = name, "did not stop in time");
            }
        }
    }
}
