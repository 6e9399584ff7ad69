//! Errors as pages: a title, a sentence, and nothing of the cause.

use std::error::Error as StdError;

use actix_web::{
    Error, FromRequest, HttpResponse, ResponseError,
    body::{BoxBody, MessageBody},
    dev::{Payload, ServiceRequest, ServiceResponse},
    http::{
        StatusCode,
        header::{ContentType, LOCATION},
    },
    middleware::Next,
    web::Data,
};
use coppice_runtime::logging::with_causes;
use coppice_store::StoreError;
use serde::Serialize;
use url::form_urlencoded;

use super::{
    TemplateError,
    frame::{Page, Viewer},
};
use crate::{
    accounts::PasswordError,
    api::ApiError,
    ops::{OpError, Problem},
    peers::PeerError,
    web::Web,
};

const OUR_FAULT: &str =
    "Something went wrong on our side, and it is in our log. Nothing of yours was changed; try again later.";
const FOREIGN_FORM: &str = "This form was not sent from a page that we showed you, or you logged in or out since. \
    Nothing was changed. Go back, load the page again and send the form once more.";

#[derive(Debug, thiserror::Error)]
pub enum PageError {
    #[error("{0}")]
    NotFound(String),
    #[error("{0}")]
    Forbidden(String),
    /// Single fields of a form.
    #[error("{}", list(.0))]
    Invalid(Vec<Problem>),
    /// A whole form.
    #[error("{0}")]
    Refused(String),
    #[error("{0}")]
    Conflict(String),
    /// Only for users; `next` is where to come back to.
    #[error("log in first")]
    Login { next: String },
    /// A form without the token of who was shown it.
    #[error("{FOREIGN_FORM}")]
    ForeignForm,
    #[error("{text}")]
    Other { status: StatusCode, text: String },
    /// For clients of `.repo` files: `available` goes into a header (contract section 16.8).
    #[error("{text}")]
    NoChroot { text: String, available: String },
    #[error("a part of the server is missing")]
    Missing,
    #[error("asking the store")]
    Store(#[from] StoreError),
    #[error("asking another service")]
    Peer(#[from] PeerError),
    #[error("making a page")]
    Template(#[from] TemplateError),
    #[error("checking a password")]
    Password(#[from] PasswordError),
    #[error("answering")]
    Internal(#[source] Box<dyn StdError + Send + Sync>),
}

fn list(problems: &[Problem]) -> String {
    let texts: Vec<String> = problems.iter().map(|p| format!("{}: {}", p.field, p.message)).collect();
    texts.join(" ")
}

impl PageError {
    pub fn no_such_page() -> Self {
        Self::NotFound("There is no such page.".into())
    }
}

impl From<OpError> for PageError {
    fn from(error: OpError) -> Self {
        match error {
            OpError::NotFound(text) => Self::NotFound(text),
            OpError::Forbidden(text) => Self::Forbidden(text),
            OpError::Invalid(problems) => Self::Invalid(problems),
            OpError::Refused(text) => Self::Refused(text),
            OpError::Conflict(text) => Self::Conflict(text),
            OpError::Store(error) => Self::Store(error),
            other @ (OpError::Unauthenticated | OpError::Inconsistent(_)) => Self::Internal(Box::new(other)),
        }
    }
}

impl From<ApiError> for PageError {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::NotFound(text) => Self::NotFound(text),
            ApiError::Invalid { problems, .. } => Self::Invalid(problems),
            ApiError::BadRequest(text) => Self::Refused(text),
            ApiError::Internal(cause) => Self::Internal(cause),
            other => Self::Other { status: other.status_code(), text: other.to_string() },
        }
    }
}

/// Marks an answer that is to become a page.
struct Sentence(String);

impl ResponseError for PageError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NotFound(_) | Self::NoChroot { .. } => StatusCode::NOT_FOUND,
            Self::Forbidden(_) | Self::ForeignForm => StatusCode::FORBIDDEN,
            Self::Invalid(_) | Self::Refused(_) => StatusCode::BAD_REQUEST,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Login { .. } => StatusCode::FOUND,
            Self::Other { status, .. } => *status,
            Self::Peer(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Store(error) if error.is_transient() => StatusCode::SERVICE_UNAVAILABLE,
            Self::Store(_) | Self::Template(_) | Self::Missing | Self::Password(_) | Self::Internal(_) => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        }
    }

    fn error_response(&self) -> HttpResponse {
        let mut builder = HttpResponse::build(self.status_code());
        if let Self::Login { next } = self {
            return builder.insert_header((LOCATION, login_url(next))).finish();
        }
        let text = match self {
            Self::Peer(cause) => {
                tracing::warn!(error = %with_causes(cause), "another service could not be asked");
                cause.to_string()
            }
            Self::Store(error) if error.is_transient() => {
                "The server is busy. Try again in a moment.".to_owned()
            }
            Self::Store(_) | Self::Template(_) | Self::Missing | Self::Password(_) | Self::Internal(_) => {
                tracing::error!(error = %with_causes(self), "a page could not be shown");
                OUR_FAULT.to_owned()
            }
            told => told.to_string(),
        };
        if let Self::NoChroot { available, .. } = self {
            builder.insert_header(("Copr-Error-Data", available.as_str()));
        }
        let mut response = builder.content_type(ContentType::plaintext()).body(text.clone());
        response.extensions_mut().insert(Sentence(text));
        response
    }
}

/// Comes back to `next` after the login.
pub fn login_url(next: &str) -> String {
    let encoded: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
    format!("/login/?next={encoded}")
}

pub async fn not_found() -> Result<HttpResponse, PageError> {
    Err(PageError::no_such_page())
}

#[derive(Debug, Serialize)]
struct ErrorPage<'a> {
    status: u16,
    title: &'a str,
    message: &'a str,
}

/// Puts the error page around the sentence of a [`PageError`].
pub async fn dress(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let mut response = next.call(request).await?.map_into_boxed_body();
    let sentence = response.response_mut().extensions_mut().remove::<Sentence>();
    let web = response.request().app_data::<Data<Web>>().cloned();
    let (Some(Sentence(message)), Some(web)) = (sentence, web) else { return Ok(response) };
    let Ok(viewer) = Viewer::from_request(response.request(), &mut Payload::None).await else {
        return Ok(response);
    };
    let title = response.status().canonical_reason().unwrap_or("Error");
    let page = ErrorPage { status: response.status().as_u16(), title, message: &message };
    match Page::new(&web, &viewer).html("error.html", &page) {
        Err(error) => {
            tracing::error!(error = %with_causes(&error), "the error page could not be shown");
            Ok(response)
        }
        Ok(mut dressed) => {
            *dressed.status_mut() = response.status();
            for (name, value) in response.headers() {
                if !dressed.headers().contains_key(name) {
                    dressed.headers_mut().insert(name.clone(), value.clone());
                }
            }
            Ok(response.into_response(dressed))
        }
    }
}
