//! Trying again, ever more slowly, as long as there is time.

use std::{future::Future, time::Duration};

use tokio::time::Instant;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// An error that may pass by itself.
pub trait Transient {
    fn is_transient(&self) -> bool;
}

/// Calls until it works, fails for good, or the time is up; then the last error counts.
pub async fn until<T, E, F>(deadline: Instant, mut call: impl FnMut() -> F) -> Result<T, E>
where
    E: Transient + std::fmt::Display,
    F: Future<Output = Result<T, E>>,
{
    let mut pause = FIRST_PAUSE;
    loop {
        let error = match call().await {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        if !error.is_transient() || Instant::now() + pause > deadline {
            return Err(error);
        }
        tracing::debug!("trying again in {} ms: {error}", pause.as_millis());
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
