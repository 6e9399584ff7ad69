//! What a caller hears when there is no answer.

use actix_web::{
    HttpResponse, ResponseError,
    error::JsonPayloadError,
    http::{StatusCode, header},
};
use coppice_runtime::logging::with_causes;

use crate::{keyring::KeyError, signers::GpgError};

#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("the shared secret is missing or wrong")]
    Secret,
    #[error("only the backend may ask for this")]
    NotBackend,
    #[error("{0}")]
    Grant(&'static str),
    #[error("{0}")]
    Invalid(String),
    #[error("{0}")]
    TooLarge(String),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("the audit log could not be written")]
    Audit(#[from] std::io::Error),
    #[error("the work was interrupted")]
    Interrupted(#[from] tokio::task::JoinError),
}

impl From<JsonPayloadError> for Refusal {
    fn from(error: JsonPayloadError) -> Self {
        match error {
            JsonPayloadError::Overflow { .. } | JsonPayloadError::OverflowKnownLength { .. } => {
                Self::TooLarge("the request is too large".into())
            }
            other => Self::Invalid(other.to_string()),
        }
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Secret => StatusCode::UNAUTHORIZED,
            Self::NotBackend | Self::Grant(_) | Self::Key(KeyError::NotSigning(..)) => StatusCode::FORBIDDEN,
            Self::Key(KeyError::NoKey(_)) => StatusCode::NOT_FOUND,
            Self::Key(KeyError::Past) => StatusCode::BAD_REQUEST,
            Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Key(KeyError::Gpg(GpgError::Stuck)) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Key(_) | Self::Audit(_) | Self::Interrupted(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let status = self.status_code();
        if status.is_server_error() {
            tracing::error!(error = with_causes(self), "could not answer a request");
        }
        let mut response = HttpResponse::build(status);
        if status == StatusCode::UNAUTHORIZED {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        // What went wrong inside is in the log.
        let said = if status.is_server_error() {
            "the key service could not do it".into()
        } else {
            self.to_string()
        };
        response.json(serde_json::json!({ "error": said }))
    }
}
