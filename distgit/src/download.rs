//! Fetches a source RPM from one of our own services.

use std::{io, io::Write, path::Path, time::Duration};

use reqwest::{Client, Response, StatusCode, redirect::Policy};
use tempfile::NamedTempFile;

use crate::config::Limits;

const CONNECT_LIMIT: Duration = Duration::from_secs(10);
const SILENCE_LIMIT: Duration = Duration::from_secs(60);

#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// It will not be different later; the text is for the user.
    #[error("{0}")]
    Refused(String),
    #[error("downloading the source RPM")]
    Transfer(#[from] reqwest::Error),
    #[error("downloading the source RPM: its service answered {0}")]
    Unavailable(StatusCode),
    #[error("keeping the source RPM")]
    Keep(#[from] io::Error),
}

/// Our services redirect nowhere and are reached without a proxy.
pub fn client(limits: &Limits) -> reqwest::Result<Client> {
    Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .connect_timeout(CONNECT_LIMIT)
        .read_timeout(SILENCE_LIMIT)
        .timeout(Duration::from_secs(limits.download_timeout_s))
        .build()
}

/// Streams the answer into a temporary file.
pub async fn fetch(
    client: &Client,
    url: &str,
    most_bytes: u64,
    temporary: &Path,
) -> Result<NamedTempFile, DownloadError> {
    let answer = client.get(url).send().await.map_err(|error| match error.is_builder() {
        true => DownloadError::Refused("The address of the source RPM is not valid: submit it again".into()),
        false => error.into(),
    })?;
    ensure_found(&answer)?;
    let mut answer = answer;
    let mut file = NamedTempFile::new_in(temporary)?;
    let mut length = answer.content_length().unwrap_or_default();
    ensure_size(length, most_bytes)?;
    length = 0;
    while let Some(chunk) = answer.chunk().await? {
        length += chunk.len() as u64;
        ensure_size(length, most_bytes)?;
        file.write_all(&chunk)?;
    }
    Ok(file)
}

fn ensure_found(answer: &Response) -> Result<(), DownloadError> {
    let status = answer.status();
    let passes = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS].contains(&status);
    if status.is_success() {
        Ok(())
    } else if status.is_client_error() && !passes {
        let sentence = format!("The source RPM is not there any more ({status}): submit it again");
        Err(DownloadError::Refused(sentence))
    } else {
        Err(DownloadError::Unavailable(status))
    }
}

fn ensure_size(bytes: u64, most: u64) -> Result<(), DownloadError> {
    if bytes <= most {
        return Ok(());
    }
    let sentence = format!("The source RPM is larger than {} MiB: make it smaller", most >> 20);
    Err(DownloadError::Refused(sentence))
}
