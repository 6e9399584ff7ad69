//! Everything that ends a running attempt from outside: cancel, the time limit, a closed attempt.

use std::{future::Future, time::Duration};

use coppice_model::work::FailureCause;
use tokio::{sync::watch, time::Instant};

use crate::ended::Ended;

/// Held by who hears from the backend.
#[derive(Debug)]
pub struct Halter(watch::Sender<Option<Ended>>);

/// Asked by everything that takes long.
#[derive(Debug, Clone)]
pub struct Control {
    halt: watch::Receiver<Option<Ended>>,
    pub deadline: Instant,
    limit_s: u64,
}

impl Halter {
    /// The first reason stays.
    pub fn halt(&self, why: Ended) {
        self.0.send_if_modified(|now| {
            let first = now.is_none();
            if first {
                *now = Some(why);
            }
            first
        });
    }
}

impl Control {
    pub fn new(limit_s: u64) -> (Halter, Self) {
        let (sender, halt) = watch::channel(None);
        // Far enough for every build, near enough for the arithmetic of clocks.
        let limit = Duration::from_secs(limit_s.min(10 * 365 * 86_400));
        (Halter(sender), Self { halt, deadline: Instant::now() + limit, limit_s })
    }

    /// Waits until the attempt has to stop.
    pub async fn halted(&self) -> Ended {
        let mut halt = self.halt.clone();
        let told = async move {
            let why = halt.wait_for(Option::is_some).await.ok().and_then(|why| why.clone());
            match why {
                Some(why) => why,
                // Nobody is left who could stop it.
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            why = told => why,
            () = tokio::time::sleep_until(self.deadline) => self.timeout(),
        }
    }

    pub async fn or_halted<T>(&self, work: impl Future<Output = T>) -> Result<T, Ended> {
        tokio::select! {
            biased;
            why = self.halted() => Err(why),
            done = work => Ok(done),
        }
    }

    fn timeout(&self) -> Ended {
        let message = format!("the build did not end within its time limit of {} s", self.limit_s);
        Ended::failed(FailureCause::Timeout, message)
    }
}
