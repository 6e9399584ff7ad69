//! Requests that a client may repeat without doing anything twice: the header `Idempotency-Key` of the IETF's draft
//! draft-ietf-httpapi-idempotency-key-header. Not in Copr.

use actix_web::{
    Error, HttpRequest, HttpResponse, ResponseError,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{Method, StatusCode},
    middleware::Next,
    rt,
    web::Data,
};
use coppice_model::UserId;
use coppice_store::{
    StoreError,
    idempotency::{self, Kept},
};

use super::{ApiError, ApiUser};
use crate::App;

const HEADER: &str = "idempotency-key";
const LONGEST_KEY: usize = 255;

/// Answers a repeated request as the first one. Only good answers are kept: after any other nothing was done.
pub async fn once(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let wants = request.method() == Method::POST && request.headers().contains_key(HEADER);
    let caller = match wants {
        true => request.extract::<ApiUser>().await.ok(),
        false => None,
    };
    let (Some(ApiUser(caller)), Some(app)) = (caller, request.app_data::<Data<App>>().cloned()) else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    let (user, asked) = (caller.user.id, format!("{} {}", request.method(), request.uri()));
    let key = match key(request.request()) {
        Ok(key) => key,
        Err(error) => return Ok(request.into_response(error.error_response())),
    };
    match take(&app, user, key.clone(), asked).await {
        Ok(None) => {}
        Ok(Some(answer)) => return Ok(request.into_response(answer)),
        Err(error) => return Ok(request.into_response(error.error_response())),
    }
    // A client that goes away now may come back for the answer.
    let work = rt::spawn(async move {
        let response = next.call(request).await.map(ServiceResponse::map_into_boxed_body);
        settle(&app, user, key, response).await
    });
    work.await.map_err(ApiError::internal)?
}

fn key(request: &HttpRequest) -> Result<String, ApiError> {
    let text = request.headers().get(HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_good = !text.is_empty() && text.len() <= LONGEST_KEY && text.bytes().all(|b| b.is_ascii_graphic());
    let wrong = || {
        ApiError::BadRequest(format!(
            "Idempotency-Key: use 1 to {LONGEST_KEY} visible ASCII characters, best a random UUID"
        ))
    };
    is_good.then(|| text.to_owned()).ok_or_else(wrong)
}

/// The answer of the first request, if there was one.
async fn take(app: &App, user: UserId, key: String, asked: String) -> Result<Option<HttpResponse>, ApiError> {
    let now = app.clock.now();
    let request = asked.clone();
    let known: Result<_, StoreError> =
        app.store.write(move |tx| idempotency::take(tx, user, &key, &request, now)).await;
    let refused = |status, text: &str| Err(ApiError::Refused { status, text: text.to_owned() });
    match known? {
        None => Ok(None),
        Some(Kept { request, .. }) if request != asked => refused(
            StatusCode::UNPROCESSABLE_ENTITY,
            "This Idempotency-Key was used for another request: make a new key.",
        ),
        Some(Kept { answer: None, .. }) => refused(
            StatusCode::CONFLICT,
            "The first request with this Idempotency-Key is at work or was cut off: ask again later, or look what it did.",
        ),
        Some(Kept { answer: Some((status, body)), .. }) => {
            let status = StatusCode::from_u16(status).map_err(ApiError::internal)?;
            let mut answer = HttpResponse::build(status);
            let answer =
                answer.content_type("application/json").insert_header(("Idempotency-Replayed", "true"));
            Ok(Some(answer.body(body)))
        }
    }
}

/// Keeps a good answer, or gives the key back.
async fn settle(
    app: &App,
    user: UserId,
    key: String,
    response: Result<ServiceResponse<BoxBody>, Error>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let is_good = response.as_ref().is_ok_and(|response| response.status().is_success());
    let kept = match response {
        Ok(response) if is_good => {
            let (request, response) = response.into_parts();
            let (head, body) = response.into_parts();
            let bytes = body.try_into_bytes().unwrap_or_default();
            let (status, text) = (head.status().as_u16(), String::from_utf8_lossy(&bytes).into_owned());
            let keep = app.store.write(move |tx| idempotency::keep(tx, user, &key, (status, &text))).await;
            (Ok(ServiceResponse::new(request, head.set_body(BoxBody::new(bytes)))), keep)
        }
        other => (other, app.store.write(move |tx| idempotency::release(tx, user, &key)).await),
    };
    if let Err(error) = kept.1 {
        tracing::warn!(%error, "the answer to a request with an Idempotency-Key could not be kept");
    }
    kept.0
}
