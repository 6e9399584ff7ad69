//! `GET /agent/v1/task`: waits for a task.

use actix_web::{HttpRequest, HttpResponse, web::Data};

use super::bearer;
use crate::dispatch::{Dispatch, Refused};

pub async fn next(dispatch: Data<Dispatch>, request: HttpRequest) -> Result<HttpResponse, Refused> {
    match dispatch.next_task(bearer(&request)?).await? {
        Some(assignment) => Ok(HttpResponse::Ok().json(assignment)),
        None => Ok(HttpResponse::NoContent().finish()),
    }
}
