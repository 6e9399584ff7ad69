//! Rules that hold for every address (contract section 1): HEAD as GET, OPTIONS, strict headers.

use actix_web::{
    Error, HttpMessage, HttpRequest, HttpResponse, ResponseError,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method, StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
    middleware::Next,
    web::Data,
};
use coppice_runtime::health::Metrics;
use prometheus::IntCounterVec;

use crate::api::ApiError;

const ALLOW: &str = "GET, HEAD, POST, PUT, DELETE, OPTIONS";
const STRICT: [(HeaderName, &str); 4] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self' data:; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
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
        request.extensions_mut().insert(WasHead);
    }
    let counter = request.app_data::<Data<Requests>>().cloned();
    let response = strict(next.call(request).await?).map_into_boxed_body();
    if let Some(counter) = counter {
        counter.count(response.status());
    }
    Ok(response)
}

/// Left by [`rules`] for who must tell HEAD from GET.
#[derive(Debug, Clone, Copy)]
struct WasHead;

/// Whether nobody reads what is answered.
pub fn was_head(request: &HttpRequest) -> bool {
    request.extensions().contains::<WasHead>()
}

/// Answered requests by the class of their status.
#[derive(Debug, Clone)]
pub struct Requests(IntCounterVec);

impl Requests {
    pub fn new(metrics: &Metrics) -> Result<Self, prometheus::Error> {
        let name = "coppice_frontend_requests_total";
        Ok(Self(metrics.counter(name, "Answered requests", &["status"])?))
    }

    fn count(&self, status: StatusCode) {
        let class = format!("{}xx", status.as_u16() / 100);
        self.0.with_label_values(&[class.as_str()]).inc();
    }
}

fn strict<B>(mut response: ServiceResponse<B>) -> ServiceResponse<B> {
    for (name, value) in STRICT {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
