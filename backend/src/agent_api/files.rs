//! `PUT /agent/v1/tasks/{id}/files/{name}?size=N&sha256=HEX`: one result file.

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path, Payload},
};
use coppice_model::{agent::SentFile, result_file::ResultFileName};
use serde::Deserialize;

use super::{bearer, body::Body, query, task_id};
use crate::dispatch::{Dispatch, Refused, upload::Upload};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Declared {
    size: u64,
    sha256: String,
}

pub async fn put(
    dispatch: Data<Dispatch>,
    path: Path<(String, String)>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Refused> {
    let (id, name) = path.into_inner();
    let token = bearer(&request)?;
    let task = task_id(&id)?;
    dispatch.authorise(&task, token)?;
    let name = ResultFileName::try_from(name).map_err(|wrong| Refused::Bad(wrong.to_string()))?;
    let Declared { size, sha256 } = query(&request)?;
    // One byte more than declared is let in, so that the refusal says what is wrong.
    let mut body = Body::new(payload, size.saturating_add(1 << 20), dispatch.body_idle());
    let mut upload = Upload::begin(&Arc::clone(&dispatch), &task, token, SentFile { name, size, sha256 })?;
    while let Some(piece) = body.piece().await? {
        upload.write(&piece).await?;
    }
    upload.keep().await?;
    Ok(HttpResponse::Created().json(serde_json::json!({})))
}
