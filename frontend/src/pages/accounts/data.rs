//! What is held about a person: to read, to take along, to remove.

use actix_web::{HttpResponse, http::header::CONTENT_DISPOSITION, web::Data};
use serde::Serialize;
use serde_json::Value;

use crate::{
    App, ops,
    pages::{
        Page, PageError, Viewer,
        frame::{Form, Posted, forget_session, see_other},
    },
    web::Web,
};

#[derive(Debug, Serialize)]
struct DataPage {
    form: Form,
    data: Value,
    sessions: usize,
    tokens: usize,
    projects: usize,
    builds: usize,
}

async fn load(app: &App, viewer: &Viewer, form: Form) -> Result<DataPage, PageError> {
    let caller = viewer.login()?.clone();
    let data = app.store.read(move |conn| ops::own_data(conn, &caller)).await?;
    let count = |name: &str| data[name].as_array().map_or(0, Vec::len);
    let (sessions, tokens) = (count("sessions"), count("tokens"));
    let (projects, builds) = (count("projects"), count("builds"));
    Ok(DataPage { form, sessions, tokens, projects, builds, data })
}

pub(super) async fn page(app: Data<App>, web: Data<Web>, viewer: Viewer) -> Result<HttpResponse, PageError> {
    Page::new(&web, &viewer).html("accounts/data.html", &load(&app, &viewer, Form::blank()).await?)
}

pub(super) async fn download(app: Data<App>, viewer: Viewer) -> Result<HttpResponse, PageError> {
    let caller = viewer.login()?.clone();
    let file = format!("attachment; filename=\"coppice-{}.json\"", caller.user.name);
    let data = app.store.read(move |conn| ops::own_data(conn, &caller)).await?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_DISPOSITION, file))
        .insert_header(("Cache-Control", "private, no-store"))
        .json(data))
}

pub(super) async fn delete(
    app: Data<App>,
    web: Data<Web>,
    posted: Posted,
) -> Result<HttpResponse, PageError> {
    let caller = posted.viewer.login()?.clone();
    let typed = posted.fields.text("confirm").to_owned();
    match app.store.write(move |tx| ops::close_account(tx, &caller, &typed)).await {
        Ok(()) => {
            let said = "Your account is closed, and what we held about you is removed.";
            let mut response = see_other(&web, "/").say(said).answer();
            forget_session(&web, &mut response);
            Ok(response)
        }
        Err(error) => {
            let page = load(&app, &posted.viewer, Form::blank().fail(error)?).await?;
            Page::new(&web, &posted.viewer).refused("accounts/data.html", &page)
        }
    }
}
