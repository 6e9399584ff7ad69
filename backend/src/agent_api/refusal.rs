//! Refusals on the wire: a status and one sentence; causes go to the log only.

use actix_web::{HttpResponse, ResponseError, http::StatusCode};
use coppice_model::agent::Refusal;

use crate::dispatch::Refused;

impl ResponseError for Refused {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Token(_) => StatusCode::UNAUTHORIZED,
            Self::Over => StatusCode::CONFLICT,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Bad(_) | Self::Broken => StatusCode::BAD_REQUEST,
            Self::Mismatch(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            Self::Unavailable(_) | Self::Stopping => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn error_response(&self) -> HttpResponse {
        if let Self::Unavailable(cause) = self {
            tracing::error!(%cause, "could not do what a builder asked for");
        }
        HttpResponse::build(self.status_code()).json(Refusal { error: self.to_string() })
    }
}
