//! The page of a user or a group: what they tell, what they show first, and their projects.

mod profile;

use actix_web::{
    HttpResponse,
    web::{self, Data, Path, ServiceConfig},
};
use coppice_model::{OwnerName, ProjectId, UnixTime};
use coppice_store::{Conn, Page, Project, groups, profiles, project_chroots, projects, users};
use serde::Serialize;

use super::{
    PageError, Viewer, frame,
    frame::Moment,
    markdown,
    rows::{ProjectRow, counted},
};
use crate::{App, api::Query, web::Web};

const PER_PAGE: i64 = 20;
const LAST_PAGE: i64 = 10_000;

type Answer = Result<HttpResponse, PageError>;

/// Below `/coprs`, before the pages of projects.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(web::resource("/g/{group}").get(group))
        .service(web::resource("/{owner}").get(user))
        .service(web::resource("/{owner}/{page:\\d+}").get(user_numbered));
}

pub fn site_routes(config: &mut ServiceConfig) {
    config
        .service(web::resource("/groups/g/{group}/coprs").get(group))
        .service(web::resource("/groups/g/{group}/coprs/{page:\\d+}").get(group_numbered));
    profile::site_routes(config);
}

async fn user(app: Data<App>, web: Data<Web>, viewer: Viewer, name: Path<String>, query: Query) -> Answer {
    show(&app, &web, viewer, name.into_inner(), query.get("page").unwrap_or("1")).await
}

async fn user_numbered(
    app: Data<App>,
    web: Data<Web>,
    viewer: Viewer,
    path: Path<(String, String)>,
) -> Answer {
    let (name, page) = path.into_inner();
    show(&app, &web, viewer, name, &page).await
}

async fn group(app: Data<App>, web: Data<Web>, viewer: Viewer, name: Path<String>, query: Query) -> Answer {
    show(&app, &web, viewer, format!("@{name}"), query.get("page").unwrap_or("1")).await
}

async fn group_numbered(
    app: Data<App>,
    web: Data<Web>,
    viewer: Viewer,
    path: Path<(String, String)>,
) -> Answer {
    let (name, page) = path.into_inner();
    show(&app, &web, viewer, format!("@{name}"), &page).await
}

#[derive(Debug, Serialize)]
struct OwnerPage {
    owner: String,
    initials: String,
    is_group: bool,
    since: Moment,
    count: String,
    about: Option<String>,
    pinned: Vec<ProjectRow>,
    projects: Vec<ProjectRow>,
    newer: Option<String>,
    older: Option<String>,
    /// Where a new project of theirs begins; only for those who may.
    add_url: Option<String>,
    /// What stands behind the addresses of the forms for the profile.
    form_rest: Option<String>,
}

async fn show(app: &App, web: &Web, viewer: Viewer, name: String, page: &str) -> Answer {
    let (number, now) = (page.parse().unwrap_or(LAST_PAGE).clamp(1, LAST_PAGE), app.clock.now());
    let work = app.store.read(move |conn| {
        let page = read(conn, &viewer, &name, number, now)?;
        Ok::<_, PageError>((viewer, page))
    });
    let (viewer, page) = work.await?;
    frame::Page::new(web, &viewer).html("owner.html", &page)
}

/// Where an owner's page is.
pub fn url(owner: &OwnerName) -> String {
    match owner.group() {
        Some(group) => format!("/groups/g/{group}/coprs/"),
        None => format!("/coprs/{owner}/"),
    }
}

fn read(
    conn: &mut Conn,
    viewer: &Viewer,
    name: &str,
    number: i64,
    now: UnixTime,
) -> Result<OwnerPage, PageError> {
    let missing = || PageError::NotFound(format!("{name} does not exist here."));
    let owner: OwnerName = name.parse().map_err(|_| missing())?;
    let since = match owner.group() {
        Some(group) => groups::find_by_name(conn, group)?.map(|group| group.created_at),
        None => users::find_by_name(conn, owner.as_str())?.map(|user| user.created_at),
    };
    let since = since.ok_or_else(missing)?;
    let owners = [owner.clone()];
    let page = Page { offset: (number - 1) * PER_PAGE, ..Page::first(PER_PAGE) };
    let found = projects::list_of_owners(conn, &owners, page)?;
    let count = projects::count_of(conn, &owners)?;
    let profile = profiles::find(conn, &owner)?;
    let pinned = if number == 1 { pinned(conn, &profile.pinned)? } else { Vec::new() };
    let ids: Vec<ProjectId> = found.iter().map(|project| project.id).collect();
    let chroots = project_chroots::names(conn, &ids)?;
    let row =
        |project: &Project| ProjectRow::new(project, Some(chroots.get(&project.id).map_or(0, Vec::len)), now);
    let is_own = is_own(conn, viewer, &owner)?;
    Ok(OwnerPage {
        initials: owner.as_str().trim_start_matches('@').chars().take(2).collect::<String>().to_uppercase(),
        is_group: owner.group().is_some(),
        since: Moment::new(since, now),
        count: counted(usize::try_from(count).unwrap_or_default(), "project"),
        about: (!profile.text.is_empty()).then(|| markdown::render(&profile.text).to_string()),
        pinned: pinned.iter().map(|project| ProjectRow::new(project, None, now)).collect(),
        projects: found.iter().map(row).collect(),
        newer: (number > 1).then(|| page_url(&owner, number - 1)),
        older: (number * PER_PAGE < count).then(|| page_url(&owner, number + 1)),
        add_url: is_own.then(|| add_url(&owner)),
        form_rest: is_own.then(|| owner.group().map(|group| format!("{group}/")).unwrap_or_default()),
        owner: owner.into(),
    })
}

fn page_url(owner: &OwnerName, number: i64) -> String {
    if number > 1 { format!("{}{number}/", url(owner)) } else { url(owner) }
}

fn add_url(owner: &OwnerName) -> String {
    match owner.group() {
        Some(group) => format!("/coprs/g/{group}/add/"),
        None => format!("/coprs/{owner}/add/"),
    }
}

/// In their order; those that are gone are left out.
fn pinned(conn: &mut Conn, ids: &[ProjectId]) -> Result<Vec<Project>, PageError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut found = projects::list_by_id(conn, ids)?;
    found.sort_by_key(|project| ids.iter().position(|id| *id == project.id));
    Ok(found)
}

fn is_own(conn: &mut Conn, viewer: &Viewer, owner: &OwnerName) -> Result<bool, PageError> {
    match (viewer.user(), owner.group()) {
        (None, _) => Ok(false),
        (Some(user), None) => Ok(user.name == *owner),
        (Some(user), Some(group)) => Ok(groups::is_member(conn, group, user.id)?),
    }
}
