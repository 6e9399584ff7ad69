//! Errors as pages: a title, a sentence, and nothing of the cause.

use actix_web::{
    Error, HttpResponse, ResponseError,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        StatusCode,
        header::{CONTENT_TYPE, ContentType, HeaderValue},
    },
    middleware::Next,
    web::Data,
};
use coppice_runtime::logging::with_causes;
use coppice_store::StoreError;
use serde_json::json;

use super::TemplateError;
use crate::{peers::PeerError, web::Web};

const OUR_FAULT: &str = "Something went wrong on our side. Please try again later.";

#[derive(Debug, thiserror::Error)]
pub enum PageError {
    #[error("{0}")]
    NotFound(String),
    /// For clients of `.repo` files: `available` goes into a header (contract section 16.8).
    #[error("{text}")]
    NoChroot { text: String, available: String },
    #[error("asking the store")]
    Store(#[from] StoreError),
    #[error("asking another service")]
    Peer(#[from] PeerError),
    #[error("making a page")]
    Template(#[from] TemplateError),
}

/// Marks an answer that is to become a page.
struct Sentence(String);

impl ResponseError for PageError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NotFound(_) | Self::NoChroot { .. } => StatusCode::NOT_FOUND,
            Self::Peer(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Store(_) | Self::Template(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let text = match self {
            Self::NotFound(text) | Self::NoChroot { text, .. } => text.clone(),
            Self::Peer(cause) => {
                tracing::warn!(error = %with_causes(cause), "another service could not be asked");
                cause.to_string()
            }
            Self::Store(_) | Self::Template(_) => {
                tracing::error!(error = %with_causes(self), "a page could not be shown");
                OUR_FAULT.to_owned()
            }
        };
        let mut builder = HttpResponse::build(self.status_code());
        if let Self::NoChroot { available, .. } = self {
            builder.insert_header(("Copr-Error-Data", available.as_str()));
        }
        let mut response = builder.content_type(ContentType::plaintext()).body(text.clone());
        response.extensions_mut().insert(Sentence(text));
        response
    }
}

pub async fn not_found() -> Result<HttpResponse, PageError> {
    Err(PageError::NotFound("There is no such page.".into()))
}

/// Puts the error page around the sentence of a [`PageError`].
pub async fn dress(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let web = request.app_data::<Data<Web>>().cloned();
    let mut response = next.call(request).await?.map_into_boxed_body();
    let sentence = response.response_mut().extensions_mut().remove::<Sentence>();
    let (Some(Sentence(message)), Some(web)) = (sentence, web) else { return Ok(response) };
    let title = response.status().canonical_reason().unwrap_or("Error");
    let page = web.templates.render("error.html", &json!({ "title": title, "message": message }));
    match page {
        Err(error) => {
            tracing::error!(error = %with_causes(&error), "the error page could not be shown");
            Ok(response)
        }
        Ok(page) => Ok(response.map_body(|head, _| {
            let html = HeaderValue::from_static("text/html; charset=utf-8");
            head.headers_mut().insert(CONTENT_TYPE, html);
            BoxBody::new(page)
        })),
    }
}
