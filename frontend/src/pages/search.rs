//! Finding projects and packages.

use actix_web::{
    HttpResponse,
    http::header::LOCATION,
    web::{self, Data, Path, ServiceConfig},
};
use coppice_model::{BuildId, PackageName, ProjectId, ProjectRef, UnixTime};
use coppice_store::{
    Conn, Page, Project, builds, built_packages,
    built_packages::{Found, Search},
    packages, project_chroots, projects,
};
use serde::Serialize;

use super::{
    PageError, Viewer, frame, lists::query, markdown::without_directions, project_url, rows::ProjectRow,
};
use crate::{App, api::Query, web::Web};

const PER_PAGE: i64 = 20;
const LAST_PAGE: i64 = 1_000;
const PACKAGES: i64 = 30;
const BUILT_PER_PAGE: usize = 50;
/// Nothing has a longer name.
const LONGEST: usize = 200;

type Answer = Result<HttpResponse, PageError>;

/// Below `/coprs`, before owners and projects.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(web::resource("/fulltext").get(text))
        .service(web::resource("/fulltext/{page:\\d+}").get(text_numbered))
        .service(web::resource("/packages/search").get(built))
        .service(web::resource("/packages/search/{page:\\d+}").get(built));
}

async fn text(app: Data<App>, web: Data<Web>, viewer: Viewer, query: Query) -> Answer {
    show(&app, &web, &viewer, &query, query.get("page").unwrap_or("1")).await
}

async fn text_numbered(
    app: Data<App>,
    web: Data<Web>,
    viewer: Viewer,
    page: Path<String>,
    query: Query,
) -> Answer {
    show(&app, &web, &viewer, &query, &page).await
}

#[derive(Debug, Serialize)]
struct Results {
    words: String,
    projects: Vec<ProjectRow>,
    packages: Vec<PackageRow>,
    newer: Option<String>,
    older: Option<String>,
}

#[derive(Debug, Serialize)]
struct PackageRow {
    name: String,
    url: String,
    project: String,
    project_url: String,
}

/// Where the words lead by themselves, or what they are found in.
enum Outcome {
    Build(ProjectRef, BuildId),
    Project(ProjectRef),
    List(Results),
}

/// Copr's addresses may also name the parts one by one.
fn words(query: &Query) -> String {
    let text = |name: &str| query.get(name).unwrap_or_default().trim().to_owned();
    let (all, owner, project) = (text("fulltext"), text("ownername"), text("projectname"));
    let words = match (all.is_empty(), owner.is_empty() && project.is_empty()) {
        (true, false) => format!("{owner}/{project}"),
        _ => all,
    };
    words.chars().take(LONGEST).collect()
}

async fn show(app: &App, web: &Web, viewer: &Viewer, query: &Query, page: &str) -> Answer {
    let (words, now) = (words(query), app.clock.now());
    let number = page.parse().unwrap_or(LAST_PAGE).clamp(1, LAST_PAGE);
    let outcome = app.store.read(move |conn| find(conn, words, number, now)).await?;
    match outcome {
        Outcome::Build(project, id) => Ok(lead(format!("{}build/{id}/", project_url(&project)))),
        Outcome::Project(project) => Ok(lead(project_url(&project))),
        Outcome::List(results) => frame::Page::new(web, viewer).html("search.html", &results),
    }
}

fn lead(url: String) -> HttpResponse {
    HttpResponse::Found().insert_header((LOCATION, url)).finish()
}

fn find(conn: &mut Conn, words: String, number: i64, now: UnixTime) -> Result<Outcome, PageError> {
    if let Ok(id) = words.trim_start_matches('#').parse()
        && let Some(line) = builds::list_lines_by_id(conn, &[BuildId(id)])?.into_iter().next()
    {
        return Ok(Outcome::Build(line.project, line.id));
    }
    if let Some((owner, name)) = words.split_once('/')
        && let Some(project) = projects::find(conn, owner.trim(), name.trim_matches(['/', ' ']))?
    {
        return Ok(Outcome::Project(project.reference()));
    }
    if words.is_empty() {
        let (projects, packages) = (Vec::new(), Vec::new());
        return Ok(Outcome::List(Results { words, projects, packages, newer: None, older: None }));
    }
    let page = Page { offset: (number - 1) * PER_PAGE, ..Page::first(PER_PAGE + 1) };
    let mut found = projects::search(conn, &words, page)?;
    let has_more = found.len() > usize::try_from(PER_PAGE).unwrap_or(usize::MAX);
    found.truncate(usize::try_from(PER_PAGE).unwrap_or(usize::MAX));
    let packages = packages::search(conn, &words, PACKAGES)?;
    let link = |number: i64| format!("/coprs/fulltext/{number}/{}", query(&[("fulltext", &words)]));
    Ok(Outcome::List(Results {
        projects: project_rows(conn, &found, now)?,
        packages: packages.into_iter().map(PackageRow::from).collect(),
        newer: (number > 1).then(|| link(number - 1)),
        older: has_more.then(|| link(number + 1)),
        words: without_directions(&words).into_owned(),
    }))
}

/// With the number of their chroots; one statement.
pub fn project_rows(conn: &mut Conn, found: &[Project], now: UnixTime) -> Result<Vec<ProjectRow>, PageError> {
    let ids: Vec<ProjectId> = found.iter().map(|project| project.id).collect();
    let chroots = project_chroots::names(conn, &ids)?;
    let row =
        |project: &Project| ProjectRow::new(project, Some(chroots.get(&project.id).map_or(0, Vec::len)), now);
    Ok(found.iter().map(row).collect())
}

impl From<(ProjectRef, PackageName)> for PackageRow {
    fn from((project, package): (ProjectRef, PackageName)) -> Self {
        let project_url = project_url(&project);
        Self {
            url: format!("{project_url}package/{package}/"),
            name: package.into(),
            project: project.to_string(),
            project_url,
        }
    }
}

#[derive(Debug, Serialize)]
struct BuiltPage {
    name: String,
    epoch: String,
    version: String,
    release: String,
    arch: String,
    is_asked: bool,
    rows: Vec<BuiltRow>,
    older: Option<String>,
}

#[derive(Debug, Serialize)]
struct BuiltRow {
    package: String,
    chroot: String,
    build: i64,
    build_url: String,
    project: String,
    project_url: String,
}

async fn built(app: Data<App>, web: Data<Web>, viewer: Viewer, asked: Query) -> Answer {
    let text =
        |name: &str| asked.get(name).unwrap_or_default().trim().chars().take(LONGEST).collect::<String>();
    let some = |name: &str| Some(text(name)).filter(|text| !text.is_empty());
    let wanted = Search {
        name: text("name"),
        epoch: text("epoch").parse().ok(),
        version: some("version"),
        release: some("release"),
        arch: some("arch"),
        before: asked.get("before").and_then(|id| id.parse().ok()),
    };
    let is_asked = !wanted.name.is_empty();
    let limit = i64::try_from(BUILT_PER_PAGE + 1).unwrap_or(i64::MAX);
    let search = move |conn: &mut Conn| built_packages::search(conn, &wanted, limit);
    let mut found = if is_asked { app.store.read(search).await? } else { Vec::new() };
    let has_more = found.len() > BUILT_PER_PAGE;
    found.truncate(BUILT_PER_PAGE);
    let fields = ["name", "epoch", "version", "release", "arch"].map(|name| (name, text(name)));
    let older = found.last().filter(|_| has_more).map(|last| {
        let before = last.id.to_string();
        let mut pairs: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        pairs.push(("before", &before));
        query(&pairs)
    });
    let [name, epoch, version, release, arch] = fields.map(|(_, value)| value);
    let rows = found.iter().map(BuiltRow::from).collect();
    let page = BuiltPage { name, epoch, version, release, arch, is_asked, rows, older };
    frame::Page::new(&web, &viewer).html("search_packages.html", &page)
}

impl From<&Found> for BuiltRow {
    fn from(found: &Found) -> Self {
        let project_url = project_url(&found.project);
        Self {
            package: found.package.to_string(),
            chroot: found.chroot.to_string(),
            build: found.build.0,
            build_url: format!("{project_url}build/{}/", found.build),
            project: found.project.to_string(),
            project_url,
        }
    }
}
