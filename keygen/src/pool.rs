//! Keeps some keys ready: an RSA key takes seconds to make, and a new project shall not wait for it.

use std::{sync::Arc, time::Duration};

use coppice_runtime::{Stop, logging::with_causes};
use tokio::sync::Notify;

use crate::keyring::Keyring;

const RETRY: Duration = Duration::from_secs(60);

/// Fills the pool now and whenever a key was taken, until stopped.
pub async fn keep_filled(keyring: Arc<Keyring>, wanted: usize, shrank: Arc<Notify>, stop: Stop) {
    loop {
        let again = match keyring.fill_pool(wanted).await {
            Ok(0) => None,
            Ok(made) => {
                tracing::info!(made, "keys for new projects are ready");
                None
            }
            Err(error) => {
                tracing::warn!(error = with_causes(&error), "no keys could be made ahead");
                Some(RETRY)
            }
        };
        tokio::select! {
            () = shrank.notified() => {}
            () = async { tokio::time::sleep(again.unwrap_or_default()).await }, if again.is_some() => {}
            () = stop.wait() => return,
        }
    }
}
