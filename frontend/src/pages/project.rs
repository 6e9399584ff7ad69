//! Pages of projects and their owners.

use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use coppice_model::{ChrootName, OwnerName};
use coppice_store::{
    BuildFilter, BuildLine, Conn, Page, Project, ProjectChroot, builds, groups, project_chroots, projects,
    users,
};
use serde::Serialize;
use url::Url;

use super::{PageError, Viewer, frame, project_url};
use crate::{App, api::Query, calendar, web::Web};

const PER_PAGE: i64 = 50;
const SUMMARY: usize = 160;

type Answer = Result<HttpResponse, PageError>;

/// Links to the neighbours of a part of a list.
#[derive(Debug, Serialize)]
struct Pager {
    newer: Option<String>,
    older: Option<String>,
}

/// The wanted part and one more, which tells whether something follows.
fn wanted(query: &Query) -> Page {
    let page: i64 = query.get("page").and_then(|text| text.parse().ok()).unwrap_or(0);
    Page { offset: page.clamp(0, 1_000_000) * PER_PAGE, ..Page::first(PER_PAGE + 1) }
}

fn pager<T>(items: &mut Vec<T>, page: Page) -> Pager {
    let number = page.offset / PER_PAGE;
    let size = usize::try_from(PER_PAGE).unwrap_or(usize::MAX);
    let older = (items.len() > size).then(|| format!("?page={}", number + 1));
    items.truncate(size);
    Pager { newer: (number > 0).then(|| format!("?page={}", number - 1)), older }
}

#[derive(Debug, Serialize)]
struct ProjectRow {
    url: String,
    full_name: String,
    summary: String,
}

impl From<Project> for ProjectRow {
    fn from(project: Project) -> Self {
        let reference = project.reference();
        let first_line = project.settings.description.lines().next().unwrap_or_default();
        Self {
            url: project_url(&reference),
            full_name: reference.to_string(),
            summary: first_line.chars().take(SUMMARY).collect(),
        }
    }
}

#[derive(Debug, Serialize)]
struct ProjectList {
    owner: Option<String>,
    projects: Vec<ProjectRow>,
    #[serde(flatten)]
    pager: Pager,
}

impl ProjectList {
    fn new(owner: Option<String>, mut found: Vec<Project>, page: Page) -> Self {
        let pager = pager(&mut found, page);
        Self { owner, projects: found.into_iter().map(ProjectRow::from).collect(), pager }
    }
}

/// The newest projects that want to be seen here.
pub async fn home(app: Data<App>, web: Data<Web>, viewer: Viewer, query: Query) -> Answer {
    let page = wanted(&query);
    let found = app.store.read(move |conn| projects::list_newest(conn, false, page)).await?;
    frame::Page::new(&web, &viewer).html("home.html", &ProjectList::new(None, found, page))
}

pub async fn owner(
    app: Data<App>,
    web: Data<Web>,
    viewer: Viewer,
    name: Path<String>,
    query: Query,
) -> Answer {
    projects_of(&app, (&web, &viewer), name.into_inner(), wanted(&query)).await
}

pub async fn group(
    app: Data<App>,
    web: Data<Web>,
    viewer: Viewer,
    name: Path<String>,
    query: Query,
) -> Answer {
    projects_of(&app, (&web, &viewer), format!("@{name}"), wanted(&query)).await
}

async fn projects_of(app: &App, (web, viewer): (&Web, &Viewer), owner: String, page: Page) -> Answer {
    let name = owner.clone();
    let read = app.store.read(move |conn| {
        let missing = || PageError::NotFound(format!("{name} does not exist here."));
        let owner: OwnerName = name.parse().map_err(|_| missing())?;
        let known = match owner.group() {
            Some(group) => groups::find_by_name(conn, group)?.is_some(),
            None => users::find_by_name(conn, owner.as_str())?.is_some(),
        };
        if known { Ok(projects::list(conn, Some(owner.as_str()), page)?) } else { Err(missing()) }
    });
    let found = read.await?;
    frame::Page::new(web, viewer).html("user.html", &ProjectList::new(Some(owner), found, page))
}

pub async fn page(
    app: Data<App>,
    web: Data<Web>,
    viewer: Viewer,
    path: Path<(String, String)>,
    query: Query,
) -> Answer {
    let (owner, name) = path.into_inner();
    show(&app, (&web, &viewer), (owner, name), wanted(&query)).await
}

pub async fn group_project(
    app: Data<App>,
    web: Data<Web>,
    viewer: Viewer,
    path: Path<(String, String)>,
    query: Query,
) -> Answer {
    let (group, name) = path.into_inner();
    show(&app, (&web, &viewer), (format!("@{group}"), name), wanted(&query)).await
}

struct Found {
    project: Project,
    chroots: Vec<ProjectChroot>,
    builds: Vec<BuildLine>,
}

async fn show(
    app: &App,
    (web, viewer): (&Web, &Viewer),
    (owner, name): (String, String),
    page: Page,
) -> Answer {
    let found = app.store.read(move |conn| find(conn, &owner, &name, page)).await?;
    frame::Page::new(web, viewer).html("project.html", &ProjectPage::new(found, web, page))
}

fn find(conn: &mut Conn, owner: &str, name: &str, page: Page) -> Result<Found, PageError> {
    let project = projects::find(conn, owner, name)?
        .ok_or_else(|| PageError::NotFound(format!("Project {owner}/{name} does not exist.")))?;
    let chroots = project_chroots::list_buildable(conn, project.id)?;
    let filter = BuildFilter { project: Some(project.id), ..BuildFilter::default() };
    let builds = builds::list(conn, &filter, page)?;
    Ok(Found { project, chroots, builds })
}

#[derive(Debug, Serialize)]
struct ProjectPage {
    project: About,
    /// What follows `dnf copr enable`.
    enable: String,
    server: Server,
    chroots: Vec<ChrootRow>,
    builds: Vec<BuildRow>,
    #[serde(flatten)]
    pager: Pager,
}

/// What DNF must be told once of a server that is not at the default port of HTTPS.
#[derive(Debug, Serialize)]
struct Server {
    host: String,
    protocol: String,
    port: Option<u16>,
}

impl Server {
    fn new(web: &Web) -> Self {
        let url = Url::parse(&web.public_url).ok();
        Self {
            host: web.site.host.clone(),
            protocol: url.as_ref().map_or("https", Url::scheme).to_owned(),
            port: url.as_ref().and_then(Url::port_or_known_default).filter(|port| *port != 443),
        }
    }
}

#[derive(Debug, Serialize)]
struct About {
    full_name: String,
    description: String,
    instructions: String,
}

#[derive(Debug, Serialize)]
struct ChrootRow {
    name: String,
    repo_file: String,
    results: String,
    snapshots: String,
}

#[derive(Debug, Serialize)]
struct BuildRow {
    id: i64,
    url: String,
    package: String,
    state: &'static str,
    submitted: String,
    submitter: String,
}

impl ProjectPage {
    fn new(found: Found, web: &Web, page: Page) -> Self {
        let Found { project, chroots, mut builds } = found;
        let pager = pager(&mut builds, page);
        let reference = project.reference();
        let url = project_url(&reference);
        let file = format!("{}-{}", project.owner.in_repo_id(), project.name);
        let chroot = |name: &ChrootName| ChrootRow {
            name: name.to_string(),
            repo_file: format!("{url}repo/{0}/{file}-{0}.repo", name.name_release()),
            results: format!("{}/{reference}/{name}/", web.site.results_url),
            snapshots: format!("{url}snapshots/{name}/"),
        };
        Self {
            enable: format!("{}/{reference}", web.site.host),
            server: Server::new(web),
            chroots: chroots.iter().map(|c| chroot(c.name())).collect(),
            builds: builds.iter().map(|line| BuildRow::new(line, &url)).collect(),
            project: About {
                full_name: reference.to_string(),
                description: project.settings.description,
                instructions: project.settings.instructions,
            },
            pager,
        }
    }
}

impl BuildRow {
    fn new(line: &BuildLine, project_url: &str) -> Self {
        Self {
            id: line.id.0,
            url: format!("{project_url}build/{}/", line.id),
            package: super::build::package(line),
            state: line.state().as_str(),
            submitted: calendar::moment(line.submitted_on),
            submitter: line.submitter.as_ref().map(ToString::to_string).unwrap_or_default(),
        }
    }
}
