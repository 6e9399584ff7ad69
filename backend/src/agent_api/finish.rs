//! `POST /agent/v1/tasks/{id}/finish`: the builder is done; what happens next is ours.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path, Payload},
};

use super::{bearer, body::Body, json, task_id};
use crate::dispatch::{Dispatch, Refused};

const LIMIT: u64 = 16 << 20;

pub async fn finish(
    dispatch: Data<Dispatch>,
    id: Path<String>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Refused> {
    let (task, token) = (task_id(&id)?, bearer(&request)?);
    dispatch.ensure_known(&task, token)?;
    let body = Body::new(payload, LIMIT, dispatch.body_idle()).whole().await?;
    dispatch.into_inner().finish(&task, token, json(&body)?).await?;
    Ok(HttpResponse::Ok().json(serde_json::json!({})))
}
