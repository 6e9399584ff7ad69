//! Validators of answers, so that clients who poll get a few bytes while nothing changes (RFC 9110, section 8.8.3).

use std::hash::{DefaultHasher, Hasher};

use actix_web::{
    Error,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method, StatusCode,
        header::{ETAG, EntityTag, Header, HeaderValue, IF_NONE_MATCH, IfNoneMatch, TryIntoHeaderValue},
    },
    middleware::Next,
};

/// Names every good answer to a reading request by its content, and leaves out what the client has.
pub async fn tag(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let is_read = request.method() == Method::GET;
    let known = request.headers().contains_key(IF_NONE_MATCH).then(|| IfNoneMatch::parse(&request));
    let response = next.call(request).await?.map_into_boxed_body();
    if !is_read || response.status() != StatusCode::OK {
        return Ok(response);
    }
    let (request, response) = response.into_parts();
    let (mut response, body) = response.into_parts();
    // What comes in pieces is no answer that somebody polls.
    let Ok(body) = body.try_into_bytes() else {
        return Ok(ServiceResponse::new(request, response.set_body(BoxBody::new(()))));
    };
    let tag = EntityTag::new_strong(name(&body));
    let is_known = match known {
        Some(Ok(IfNoneMatch::Items(items))) => items.iter().any(|item| item.weak_eq(&tag)),
        Some(Ok(IfNoneMatch::Any)) => true,
        _ => false,
    };
    if let Ok(value) = tag.try_into_value() {
        response.headers_mut().insert(ETAG, value);
        response
            .headers_mut()
            .insert(actix_web::http::header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    }
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(ServiceResponse::new(request, response.set_body(BoxBody::new(()))));
    }
    Ok(ServiceResponse::new(request, response.set_body(BoxBody::new(body))))
}

/// The same for the same content in every process of this program.
fn name(body: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    hasher.write(body);
    format!("{:016x}", hasher.finish())
}
