//! What builder machines ask and say over HTTP (design: the agent protocol).

mod body;
mod enroll;
mod files;
mod finish;
mod log;
mod queue;
mod refusal;
mod task;

use std::{str::FromStr, sync::Arc};

use actix_web::{HttpRequest, HttpResponse, error::PathError, http::header, web};
use coppice_model::work::TaskId;
use serde::de::DeserializeOwned;

use crate::dispatch::{Dispatch, Refused};

pub fn routes(dispatch: Arc<Dispatch>) -> impl Fn(&mut web::ServiceConfig) + Clone {
    move |config| {
        config
            .app_data(web::Data::from(Arc::clone(&dispatch)))
            .app_data(web::PathConfig::default().error_handler(|wrong, _| unreadable_path(&wrong).into()))
            .route("/agent/v1/enroll", web::post().to(enroll::enroll))
            .route("/agent/v1/task", web::get().to(task::next))
            .route("/agent/v1/tasks/{id}/log", web::put().to(log::append))
            .route("/agent/v1/tasks/{id}/files/{name}", web::put().to(files::put))
            .route("/agent/v1/tasks/{id}/finish", web::post().to(finish::finish))
            .route("/queue/{build}", web::get().to(queue::of_build))
            .default_service(web::to(nothing_here));
    }
}

async fn nothing_here() -> Result<HttpResponse, Refused> {
    Err(Refused::NotFound("there is nothing here".into()))
}

fn unreadable_path(wrong: &PathError) -> Refused {
    Refused::Bad(format!("the path cannot be read: {wrong}"))
}

fn bearer(request: &HttpRequest) -> Result<&str, Refused> {
    let value = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    value
        .and_then(|value| value.strip_prefix("Bearer "))
        .ok_or(Refused::Token("send a token as Authorization: Bearer"))
}

fn task_id(raw: &str) -> Result<TaskId, Refused> {
    TaskId::from_str(raw).map_err(|wrong| Refused::NotFound(wrong.to_string()))
}

fn query<T: DeserializeOwned>(request: &HttpRequest) -> Result<T, Refused> {
    let read = web::Query::<T>::from_query(request.query_string());
    read.map(web::Query::into_inner).map_err(|wrong| Refused::Bad(wrong.to_string()))
}

fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refused> {
    serde_json::from_slice(bytes).map_err(|wrong| Refused::Bad(format!("the body cannot be read: {wrong}")))
}
