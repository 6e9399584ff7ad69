//! Where something happens: the most active projects, those that were copied most, and the copies of one.

use std::collections::HashMap;

use actix_web::{
    HttpResponse,
    web::{self, Data, ServiceConfig},
};
use coppice_model::{ProjectId, UnixTime};
use coppice_store::{Conn, Page, Project, builds, projects};
use serde::Serialize;

use super::{
    PageError, Viewer,
    frame::{self, ProjectHead, ProjectPath},
    project,
    rows::{ProjectRow, counted},
    search::project_rows,
};
use crate::{App, api::Query, web::Web};

/// So many of the newest builds tell who is active.
const LOOKED_AT: i64 = 2_000;
const SHOWN: usize = 20;
const MOST_COPIED: i64 = 30;
const PER_PAGE: i64 = 50;

type Answer = Result<HttpResponse, PageError>;

/// Below a project.
pub fn routes(config: &mut ServiceConfig) {
    config.service(web::resource("/forks").get(forks));
}

pub fn site_routes(config: &mut ServiceConfig) {
    config.service(web::resource("/explore").get(explore));
}

#[derive(Debug, Serialize)]
struct Explore {
    recent: Vec<Counted>,
    busiest: Vec<Counted>,
    copied: Vec<Counted>,
    looked_at: i64,
}

/// A project with what it is listed for.
#[derive(Debug, Serialize)]
struct Counted {
    #[serde(flatten)]
    project: ProjectRow,
    count: String,
}

async fn explore(app: Data<App>, web: Data<Web>, viewer: Viewer) -> Answer {
    let now = app.clock.now();
    let page = app.store.read(move |conn| read(conn, now)).await?;
    frame::Page::new(&web, &viewer).html("explore.html", &page)
}

fn read(conn: &mut Conn, now: UnixTime) -> Result<Explore, PageError> {
    let of_builds = builds::recent_projects(conn, LOOKED_AT)?;
    let (recent, busiest) = (in_order(&of_builds), by_count(&of_builds));
    let copied = projects::most_forked(conn, MOST_COPIED)?;
    let mut ids: Vec<ProjectId> = recent.iter().chain(&busiest).map(|(id, _)| *id).collect();
    ids.extend(copied.iter().map(|(id, _)| *id));
    ids.sort_unstable();
    ids.dedup();
    let mut known = projects::list_by_id(conn, &ids)?;
    known.retain(|project| !project.settings.unlisted_on_hp);
    let known: HashMap<ProjectId, Project> = known.into_iter().map(|project| (project.id, project)).collect();
    let rows = |list: &[(ProjectId, usize)], what: &str| {
        let row = |(id, count): &(ProjectId, usize)| {
            let project = ProjectRow::new(known.get(id)?, None, now);
            Some(Counted { project, count: counted(*count, what) })
        };
        list.iter().filter_map(row).take(SHOWN).collect::<Vec<_>>()
    };
    let copied: Vec<_> =
        copied.iter().map(|(id, n)| (*id, usize::try_from(*n).unwrap_or_default())).collect();
    Ok(Explore {
        recent: rows(&recent, "build"),
        busiest: rows(&busiest, "build"),
        copied: rows(&copied, "fork"),
        looked_at: LOOKED_AT,
    })
}

/// Each project once, the one with the newest build first; twice as many as are shown, for those that are unlisted.
fn in_order(of_builds: &[ProjectId]) -> Vec<(ProjectId, usize)> {
    let mut order: Vec<(ProjectId, usize)> = Vec::new();
    let mut places: HashMap<ProjectId, usize> = HashMap::new();
    for id in of_builds {
        let place = *places.entry(*id).or_insert_with(|| {
            order.push((*id, 0));
            order.len() - 1
        });
        if let Some((_, count)) = order.get_mut(place) {
            *count += 1;
        }
    }
    order.truncate(2 * SHOWN);
    order
}

fn by_count(of_builds: &[ProjectId]) -> Vec<(ProjectId, usize)> {
    let mut counts: HashMap<ProjectId, usize> = HashMap::new();
    for id in of_builds {
        *counts.entry(*id).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(id, count)| (std::cmp::Reverse(*count), *id));
    counts.truncate(2 * SHOWN);
    counts
}

#[derive(Debug, Serialize)]
struct Forks {
    head: ProjectHead,
    tab: &'static str,
    forks: Vec<ProjectRow>,
    newer: Option<String>,
    older: Option<String>,
}

async fn forks(app: Data<App>, web: Data<Web>, viewer: Viewer, path: ProjectPath, query: Query) -> Answer {
    let number: i64 = query.get("page").and_then(|text| text.parse().ok()).unwrap_or(1).clamp(1, 1_000);
    let now = app.clock.now();
    let page = Page { offset: (number - 1) * PER_PAGE, ..Page::first(PER_PAGE + 1) };
    let read = move |conn: &mut Conn, project: &Project| {
        let found = projects::list_forks(conn, project.id, page)?;
        project_rows(conn, &found, now)
    };
    let (viewer, head, mut forks) = project::read(&app, viewer, &path, read).await?;
    let size = usize::try_from(PER_PAGE).unwrap_or(usize::MAX);
    let older = (forks.len() > size).then(|| format!("?page={}", number + 1));
    forks.truncate(size);
    let newer = (number > 1).then(|| format!("?page={}", number - 1));
    let page = Forks { head, tab: "", forks, newer, older };
    frame::Page::new(&web, &viewer).html("forks.html", &page)
}
