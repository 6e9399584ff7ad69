//! Pages for the admins of the server.

mod chroots;
mod notice;
mod reports;
mod user;
mod users;

use actix_web::{
    HttpResponse,
    web::{self, Data, ServiceConfig},
};
use coppice_model::UnixTime;
use coppice_store::{Action, Conn, StoreError, actions, legal_flags};
use serde::Serialize;

use super::{Page, PageError, Viewer, frame::Moment, project_url};
use crate::{App, ops::Caller, web::Web};

type Answer = Result<HttpResponse, PageError>;

const SHOWN_ACTIONS: i64 = 50;
const ACTION_DAYS: i64 = 30;
const DAY_S: i64 = 86_400;

/// Outside `/coprs`.
pub fn site_routes(config: &mut ServiceConfig) {
    config
        .service(web::resource("/admin").get(overview))
        .service(web::resource("/admin/legal-flag").get(reports::list))
        .service(web::resource("/admin/legal-flag/{id:\\d+}/resolve").post(reports::resolve))
        .service(web::resource("/admin/chroots").get(chroots::list))
        .service(web::resource("/admin/chroots/{name}").post(chroots::change))
        .service(web::resource("/admin/users").get(users::list))
        .service(web::resource("/admin/users/{name}").get(user::page).post(users::change))
        .service(web::resource("/admin/users/{name}/block").post(user::block))
        .service(web::resource("/admin/users/{name}/unblock").post(user::unblock))
        .service(web::resource("/admin/notice").get(notice::form).post(notice::set));
}

/// Only admins of the server go on from here.
fn admin(viewer: &Viewer) -> Result<&Caller, PageError> {
    let caller = viewer.login()?;
    if caller.user.is_admin {
        return Ok(caller);
    }
    Err(PageError::Forbidden("These pages are for the admins of the server only.".into()))
}

#[derive(Debug, Serialize)]
struct AdminPage {
    tab: &'static str,
    open_reports: usize,
    notice: Option<String>,
    actions: Vec<ActionRow>,
}

#[derive(Debug, Serialize)]
struct ActionRow {
    id: i64,
    kind: String,
    project: String,
    project_url: String,
    error: String,
    made: Moment,
}

impl ActionRow {
    fn new(action: Action, now: UnixTime) -> Self {
        Self {
            id: action.id.0,
            kind: action.kind.as_str().replace('_', " "),
            project: action.project.to_string(),
            project_url: project_url(&action.project),
            error: action.error.unwrap_or_default(),
            made: Moment::new(action.created_at, now),
        }
    }
}

fn load(conn: &mut Conn, now: UnixTime) -> Result<AdminPage, StoreError> {
    let since = now.plus_seconds(-ACTION_DAYS * DAY_S);
    let failed = actions::list_failed(conn, since, SHOWN_ACTIONS)?;
    Ok(AdminPage {
        tab: "overview",
        open_reports: legal_flags::list_open(conn, coppice_store::Page::ALL)?.len(),
        notice: coppice_store::notice::find(conn)?.map(|notice| notice.text),
        actions: failed.into_iter().map(|action| ActionRow::new(action, now)).collect(),
    })
}

async fn overview(app: Data<App>, web: Data<Web>, viewer: Viewer) -> Answer {
    admin(&viewer)?;
    let now = app.clock.now();
    let page = app.store.read(move |conn| load(conn, now)).await?;
    Page::new(&web, &viewer).html("admin.html", &page)
}
