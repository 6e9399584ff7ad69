//! What went wrong, as the API says it: always `{"error": "…"}` (contract section 3).

use std::error::Error as StdError;

use actix_web::{
    HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{ALLOW, RETRY_AFTER},
    },
};
use coppice_runtime::logging::with_causes;
use coppice_store::StoreError;
use serde_json::{Value, json};

use super::python;
use crate::{
    ops::{OpError, Problem},
    peers::PeerError,
};

#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    #[error("Such API endpoint doesn't exist")]
    NoSuchEndpoint,
    /// Holds the methods that are taken there.
    #[error("The method is not allowed for the requested URL.")]
    WrongMethod(String),
    #[error("Missing argument {0}")]
    MissingArgument(&'static str),
    #[error("{0}")]
    BadRequest(String),
    /// `text` says the same as `problems`, as Copr's clients know it.
    #[error("{text}")]
    Invalid { text: String, problems: Vec<Problem> },
    /// Holds the public address of the service.
    #[error("Login invalid/expired. Please visit {0}/api to get or renew your API token.")]
    Unauthorized(String),
    #[error("{0}")]
    NotFound(String),
    #[error("the request is larger than {limit_bytes} bytes")]
    TooLarge { limit_bytes: u64 },
    #[error("the request body did not come in time")]
    TooSlow,
    /// Without GSSAPI there is nobody to ask.
    #[error("Can't log-in using GSSAPI: it is not enabled on this server, use an API token")]
    NoGssapi,
    #[error("Too many requests: ask again in {retry_after_s} s.")]
    TooMany { retry_after_s: u64 },
    #[error("{text}")]
    Refused { status: StatusCode, text: String },
    #[error("Request wasn't successful, there is probably a bug in the server.")]
    Internal(#[source] Box<dyn StdError + Send + Sync>),
}

impl ApiError {
    pub fn internal(cause: impl StdError + Send + Sync + 'static) -> Self {
        Self::Internal(Box::new(cause))
    }

    /// Problems of project forms: one line each.
    pub fn lines(problems: &[Problem]) -> Self {
        let line = |problem: &Problem| format!("{}: {}", problem.field, problem.message);
        let text = problems.iter().map(line).collect::<Vec<_>>().join("\n");
        Self::Invalid { text, problems: problems.to_vec() }
    }

    /// Problems of build forms: the text of a Python dict.
    pub fn dict(problems: &[Problem]) -> Self {
        let text = format!("Bad request parameters: {}", python::dict_of_lists(problems));
        Self::Invalid { text, problems: problems.to_vec() }
    }

    /// An error of a build's rule; all others are made by `From`.
    pub fn of_build(error: OpError) -> Self {
        match error {
            OpError::Invalid(problems) => Self::dict(&problems),
            other => other.into(),
        }
    }
}

impl From<OpError> for ApiError {
    fn from(error: OpError) -> Self {
        let refused = |status, text| Self::Refused { status, text };
        match error {
            OpError::Invalid(problems) => Self::lines(&problems),
            OpError::Refused(text) => Self::BadRequest(text),
            OpError::NotFound(text) => Self::NotFound(text),
            OpError::Forbidden(text) => refused(StatusCode::FORBIDDEN, text),
            OpError::Conflict(text) => refused(StatusCode::CONFLICT, text),
            OpError::Store(cause) => Self::from(cause),
            other @ (OpError::Unauthenticated | OpError::Inconsistent(_)) => Self::internal(other),
        }
    }
}

impl From<PeerError> for ApiError {
    fn from(cause: PeerError) -> Self {
        tracing::warn!(error = %with_causes(&cause), "another service could not be asked");
        Self::Refused { status: StatusCode::SERVICE_UNAVAILABLE, text: cause.to_string() }
    }
}

impl From<StoreError> for ApiError {
    fn from(cause: StoreError) -> Self {
        if cause.is_transient() {
            tracing::warn!(error = %cause, "the database could not answer a request now");
            let text = "The server is busy, please try again.".to_owned();
            return Self::Refused { status: StatusCode::SERVICE_UNAVAILABLE, text };
        }
        Self::internal(cause)
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NoSuchEndpoint | Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::WrongMethod(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::MissingArgument(_) | Self::BadRequest(_) | Self::Invalid { .. } => StatusCode::BAD_REQUEST,
            Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Self::NoGssapi => StatusCode::FORBIDDEN,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Refused { status, .. } => *status,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        if let Self::Internal(cause) = self {
            tracing::error!(error = %with_causes(cause.as_ref()), "a request failed");
        }
        let mut answer = HttpResponse::build(self.status_code());
        match self {
            Self::TooMany { retry_after_s } => {
                answer.insert_header((RETRY_AFTER, retry_after_s.to_string()));
            }
            Self::WrongMethod(allowed) => {
                answer.insert_header((ALLOW, allowed.clone()));
            }
            _ => {}
        }
        answer.json(self.document())
    }
}

impl ApiError {
    /// What Copr says, `error` and sometimes `output`, with the members of RFC 9457 beside it.
    fn document(&self) -> Value {
        let (status, text) = (self.status_code(), self.to_string());
        let mut document = json!({
            "error": text,
            "type": "about:blank",
            "title": status.canonical_reason(),
            "status": status.as_u16(),
            "detail": text,
        });
        if let Self::Invalid { problems, .. } = self {
            document["problems"] = json!(problems);
        }
        if matches!(self, Self::Unauthorized(_)) {
            document["output"] = "notok".into();
        }
        document
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_stay_inside() {
        let hidden = ApiError::internal(std::io::Error::other("secret place"));
        assert!(!hidden.to_string().contains("secret"));
        assert_eq!(hidden.status_code(), StatusCode::INTERNAL_SERVER_ERROR);
    }

    #[test]
    fn problems_have_a_line_each_or_one_dict() {
        let problems = [Problem::new("name", "no"), Problem::new("chroots", "'x' bad")];
        assert_eq!(ApiError::lines(&problems).to_string(), "name: no\nchroots: 'x' bad");
        let dict = "Bad request parameters: {'name': ['no'], 'chroots': [\"'x' bad\"]}";
        assert_eq!(ApiError::dict(&problems).to_string(), dict);
    }
}
