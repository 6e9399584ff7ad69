//! `POST /agent/v1/enroll`: a ticket for a session.

use actix_web::web::{Data, Json, Payload};
use coppice_model::agent::Enrolled;

use super::{body::Body, json};
use crate::dispatch::{Dispatch, Refused};

const LIMIT: u64 = 64 << 10;

pub async fn enroll(dispatch: Data<Dispatch>, payload: Payload) -> Result<Json<Enrolled>, Refused> {
    let body = Body::new(payload, LIMIT, dispatch.body_idle()).whole().await?;
    Ok(Json(dispatch.enroll(json(&body)?)?))
}
