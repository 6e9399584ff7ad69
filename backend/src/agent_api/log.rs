//! `PUT /agent/v1/tasks/{id}/log?offset=N`: more output, or only a sign of life.

use actix_web::{
    HttpRequest,
    web::{Data, Json, Path, Payload},
};
use coppice_model::agent::LogAnswer;
use serde::Deserialize;

use super::{bearer, body::Body, query, task_id};
use crate::dispatch::{Dispatch, Refused};

/// One request; a builder sends its log in many.
const LIMIT: u64 = 16 << 20;

#[derive(Deserialize)]
struct From {
    #[serde(default)]
    offset: u64,
}

pub async fn append(
    dispatch: Data<Dispatch>,
    id: Path<String>,
    request: HttpRequest,
    payload: Payload,
) -> Result<Json<LogAnswer>, Refused> {
    let key = dispatch.authorise(&task_id(&id)?, bearer(&request)?)?;
    let From { mut offset } = query(&request)?;
    dispatch.heard_from(&key)?;
    let mut body = Body::new(payload, LIMIT, dispatch.body_idle());
    while let Some(piece) = body.piece().await? {
        if !dispatch.append_log(&key, offset, &piece).await? {
            break;
        }
        offset = offset.saturating_add(piece.len() as u64);
    }
    Ok(Json(dispatch.log_answer(&key).await?))
}
