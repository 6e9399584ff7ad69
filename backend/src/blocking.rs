//! Work on files, off the threads that serve everybody.

/// The code itself failed; its panic is in the log.
#[derive(Debug, thiserror::Error)]
#[error("a step ended unexpectedly")]
pub struct Broken(#[source] tokio::task::JoinError);

pub async fn blocking<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> Result<T, Broken> {
    tokio::task::spawn_blocking(job).await.map_err(Broken)
}
