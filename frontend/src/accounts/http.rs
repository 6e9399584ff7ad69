//! Asking login providers: over our own HTTP client, a little at a time, and never where they redirect.

use std::time::Duration;

use openidconnect::{HttpRequest, HttpResponse, http};
use reqwest::{Client, RequestBuilder, Response, header::ACCEPT, redirect::Policy};
use serde::de::DeserializeOwned;

const PATIENCE: Duration = Duration::from_secs(15);
const MOST_BYTES: usize = 1 << 20;

#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    #[error("preparing to ask login providers")]
    Client(#[source] reqwest::Error),
    #[error("asking")]
    Ask(#[from] reqwest::Error),
    #[error("writing down an answer")]
    Form(#[from] http::Error),
    #[error("the answer is longer than {MOST_BYTES} bytes")]
    Long,
    #[error("{url} answered {status}")]
    Status { url: String, status: u16 },
    #[error("{url} tells of another issuer, {told}")]
    Other { url: String, told: String },
    #[error("reading an answer")]
    Json(#[from] serde_json::Error),
}

#[derive(Debug, Clone)]
pub struct Http(Client);

impl Http {
    pub fn new() -> Result<Self, HttpError> {
        let client = Client::builder()
            .redirect(Policy::none())
            .timeout(PATIENCE)
            .user_agent(concat!("coppice/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self(client.map_err(HttpError::Client)?))
    }

    /// As openidconnect and oauth2 ask.
    pub async fn ask(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let response = self.0.execute(request.try_into()?).await?;
        let mut answer = http::Response::builder().status(response.status());
        for (name, value) in response.headers() {
            answer = answer.header(name, value);
        }
        Ok(answer.body(body(response).await?)?)
    }

    /// A document that the bearer of a token may read.
    pub async fn json<T: DeserializeOwned>(&self, url: &str, bearer: &str) -> Result<T, HttpError> {
        read(url, self.0.get(url).bearer_auth(bearer)).await
    }

    /// A document that everybody may read.
    pub async fn get<T: DeserializeOwned>(&self, url: &str) -> Result<T, HttpError> {
        read(url, self.0.get(url)).await
    }
}

async fn read<T: DeserializeOwned>(url: &str, request: RequestBuilder) -> Result<T, HttpError> {
    let response = request.header(ACCEPT, "application/json").send().await?;
    let status = response.status();
    if !status.is_success() {
        return Err(HttpError::Status { url: url.to_owned(), status: status.as_u16() });
    }
    Ok(serde_json::from_slice(&body(response).await?)?)
}

async fn body(mut response: Response) -> Result<Vec<u8>, HttpError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if bytes.len() + chunk.len() > MOST_BYTES {
            return Err(HttpError::Long);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}
