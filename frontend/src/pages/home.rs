//! The first page: the newest projects for everybody, and what needs a user for those who are logged in.

mod mine;
mod queue;

use std::collections::HashMap;

use actix_web::{
    HttpResponse,
    web::{self, Data, Path, ServiceConfig},
};
use coppice_model::{ChrootName, ProjectId, UnixTime};
use coppice_store::{Conn, Page, Project, build_chroots, project_chroots, projects};
use serde::Serialize;

use self::{mine::Mine, queue::QueueRow};
use super::{PageError, Viewer, frame, rows::ProjectRow};
use crate::{App, api::Query, web::Web};

const PER_PAGE: i64 = 20;
const LAST_PAGE: i64 = 10_000;

type Answer = Result<HttpResponse, PageError>;

/// Below `/coprs`.
pub fn routes(config: &mut ServiceConfig) {
    config.service(web::resource("").get(home)).service(web::resource("/{page:\\d+}").get(numbered));
}

pub fn site_routes(config: &mut ServiceConfig) {
    config.service(web::resource("/").get(home));
}

async fn home(app: Data<App>, web: Data<Web>, viewer: Viewer, query: Query) -> Answer {
    let page = query.get("page").and_then(|text| text.parse().ok()).unwrap_or(1);
    show(&app, &web, viewer, page).await
}

async fn numbered(app: Data<App>, web: Data<Web>, viewer: Viewer, page: Path<String>) -> Answer {
    show(&app, &web, viewer, page.parse().unwrap_or(LAST_PAGE)).await
}

#[derive(Debug, Serialize)]
struct Home {
    newest: Vec<ProjectRow>,
    newer: Option<String>,
    older: Option<String>,
    queue: Vec<QueueRow>,
    mine: Option<Mine>,
}

async fn show(app: &App, web: &Web, viewer: Viewer, page: i64) -> Answer {
    let (number, now) = (page.clamp(1, LAST_PAGE), app.clock.now());
    let read = app.store.read(move |conn| {
        let home = read(conn, &viewer, number, now)?;
        Ok::<_, PageError>((viewer, home))
    });
    let (viewer, home) = read.await?;
    frame::Page::new(web, &viewer).html("home.html", &home)
}

fn read(conn: &mut Conn, viewer: &Viewer, number: i64, now: UnixTime) -> Result<Home, PageError> {
    let page = Page { offset: (number - 1) * PER_PAGE, ..Page::first(PER_PAGE + 1) };
    let mut newest = projects::list_newest(conn, false, page)?;
    let has_more = newest.len() > usize::try_from(PER_PAGE).unwrap_or(usize::MAX);
    newest.truncate(usize::try_from(PER_PAGE).unwrap_or(usize::MAX));
    let ids: Vec<ProjectId> = newest.iter().map(|project| project.id).collect();
    let chroots = project_chroots::names(conn, &ids)?;
    let mine = match viewer.user() {
        Some(user) if number == 1 => Some(Mine::read(conn, user, now)?),
        _ => None,
    };
    Ok(Home {
        newest: rows(&newest, &chroots, now),
        newer: (number > 1)
            .then(|| if number == 2 { "/coprs/".into() } else { format!("/coprs/{}/", number - 1) }),
        older: has_more.then(|| format!("/coprs/{}/", number + 1)),
        queue: queue::rows(&build_chroots::count_open(conn)?),
        mine,
    })
}

fn rows(
    projects: &[Project],
    chroots: &HashMap<ProjectId, Vec<ChrootName>>,
    now: UnixTime,
) -> Vec<ProjectRow> {
    let row =
        |project: &Project| ProjectRow::new(project, Some(chroots.get(&project.id).map_or(0, Vec::len)), now);
    projects.iter().map(row).collect()
}
