//! Rules that hold for every address (contract section 1): HEAD as GET, OPTIONS, strict headers.

use actix_web::{
    Error, HttpResponse, ResponseError,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method,
        header::{self, HeaderName, HeaderValue},
    },
    middleware::Next,
};

use crate::api::ApiError;

const ALLOW: &str = "GET, HEAD, POST, PUT, DELETE, OPTIONS";
const STRICT: [(HeaderName, &str); 4] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
];

/// Runs around the routing, so that a changed method takes effect. The server leaves out the body of an
/// answer to HEAD by itself: it remembers what was asked. No name holds a NUL, and PostgreSQL takes none.
pub async fn rules(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    if request.method() == Method::OPTIONS {
        let answer = HttpResponse::Ok().insert_header((header::ALLOW, ALLOW)).finish();
        return Ok(strict(request.into_response(answer)).map_into_boxed_body());
    }
    if request.path().contains("%00") {
        let answer = ApiError::NoSuchEndpoint.error_response();
        return Ok(strict(request.into_response(answer)).map_into_boxed_body());
    }
    if request.method() == Method::HEAD {
        request.head_mut().method = Method::GET;
    }
    Ok(strict(next.call(request).await?).map_into_boxed_body())
}

fn strict<B>(mut response: ServiceResponse<B>) -> ServiceResponse<B> {
    for (name, value) in STRICT {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
