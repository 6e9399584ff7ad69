//! What a caller hears when there is no answer.

use actix_web::{
    HttpResponse, ResponseError,
    error::JsonPayloadError,
    http::{StatusCode, header},
};
use coppice_model::ProjectRef;

use coppice_runtime::logging::with_causes;

use crate::signers::GpgError;

#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("the shared secret is missing or wrong")]
    Secret,
    #[error("the key of {0} is not made yet: try again in a moment")]
    NoKey(ProjectRef),
    #[error("{0}")]
    Invalid(String),
    #[error("{0}")]
    TooLarge(String),
    #[error("gpg could not do it")]
    Gpg(#[from] GpgError),
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
            Self::NoKey(_) => StatusCode::NOT_FOUND,
            Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Gpg(GpgError::Stuck) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Gpg(_) | Self::Audit(_) | Self::Interrupted(_) => StatusCode::INTERNAL_SERVER_ERROR,
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
        response.json(serde_json::json!({ "error": self.to_string() }))
    }
}
