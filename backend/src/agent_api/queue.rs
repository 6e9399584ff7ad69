//! `GET /queue/{build}`: why its tasks wait; for the frontend.

use actix_web::web::{Data, Json, Path};
use coppice_model::{BuildId, build_queue::WaitingTask};

use crate::dispatch::{Dispatch, Refused};

pub async fn of_build(dispatch: Data<Dispatch>, build: Path<i64>) -> Result<Json<Vec<WaitingTask>>, Refused> {
    Ok(Json(dispatch.waiting(BuildId(*build))?))
}
