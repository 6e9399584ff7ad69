//! The first page of a project: how to use it, what it is, and how it does.

mod facts;
mod health;
mod releases;

use actix_web::{
    HttpResponse,
    web::{Data, ServiceConfig, resource},
};
use coppice_model::{ChrootName, DirName, ProjectRef, UnixTime, state::ActionState};
use coppice_store::{
    ActionKind, Conn, Project, ProjectChroot, ProjectDir, actions, builds, project_chroots, project_dirs,
    projects,
};
use serde::Serialize;
use url::Url;

use self::{
    facts::{Fact, facts},
    health::Health,
    releases::{Release, releases},
};
use super::{
    PageError, Viewer,
    frame::{self, ProjectHead, ProjectPath},
    markdown, project_url,
    rows::BuildRow,
};
use crate::{App, web::Web};

/// Of directories of pull requests there may be hundreds.
const SHOWN_DIRS: usize = 20;

pub use self::releases::readable;

type Answer = Result<HttpResponse, PageError>;

/// Below a project.
pub fn routes(config: &mut ServiceConfig) {
    config.service(resource("").get(overview));
}

/// What a page of a project is made of; gives the viewer back. The head needs no statement for visitors.
pub async fn read<T, F>(
    app: &App,
    viewer: Viewer,
    path: &ProjectPath,
    read: F,
) -> Result<(Viewer, ProjectHead, T), PageError>
where
    T: Send + 'static,
    F: FnOnce(&mut Conn, &Project) -> Result<T, PageError> + Send + 'static,
{
    let (owner, name) = (path.owner.clone(), path.project.clone());
    let work = app.store.read(move |conn| {
        let project = projects::find(conn, &owner, &name)?.ok_or_else(|| missing(&owner, &name))?;
        let head = ProjectHead::load(conn, &project, &viewer)?;
        let found = read(conn, &project)?;
        Ok((viewer, head, found))
    });
    work.await
}

pub fn missing(owner: &str, name: &str) -> PageError {
    PageError::NotFound(format!("Project {owner}/{name} does not exist."))
}

#[derive(Debug, Serialize)]
struct Overview {
    head: ProjectHead,
    tab: &'static str,
    /// What follows `dnf copr enable`.
    enable: String,
    server: Server,
    /// The first repo file, for those who have no plugin.
    repo_file: Option<String>,
    repo_name: String,
    description: Option<String>,
    instructions: Option<String>,
    releases: Vec<Release>,
    facts: Vec<Fact>,
    dirs: Vec<Dir>,
    more_dirs: usize,
    health: Vec<Health>,
    builds: Vec<BuildRow>,
    origin: Option<Origin>,
}

/// What DNF must be told once of a server that is not at the default port of HTTPS.
#[derive(Debug, Serialize)]
struct Server {
    host: String,
    protocol: String,
    port: Option<u16>,
}

#[derive(Debug, Serialize)]
struct Dir {
    name: String,
    url: String,
}

#[derive(Debug, Serialize)]
struct Origin {
    name: String,
    url: String,
    is_under_way: bool,
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

async fn overview(app: Data<App>, web: Data<Web>, viewer: Viewer, path: ProjectPath) -> Answer {
    let (now, shown) = (app.clock.now(), Data::clone(&web));
    let work = app.store.read(move |conn| {
        let found = project_chroots::find_buildable_of(conn, &path.owner, &path.project)?;
        let (project, chroots) = found.ok_or_else(|| missing(&path.owner, &path.project))?;
        let head = ProjectHead::load(conn, &project, &viewer)?;
        let overview = Overview::read(conn, &shown, head, (&project, &chroots), now)?;
        Ok::<_, PageError>((viewer, overview))
    });
    let (viewer, overview) = work.await?;
    frame::Page::new(&web, &viewer).html("project.html", &overview)
}

impl Overview {
    fn read(
        conn: &mut Conn,
        web: &Web,
        head: ProjectHead,
        (project, chroots): (&Project, &[ProjectChroot]),
        now: UnixTime,
    ) -> Result<Self, PageError> {
        let latest = builds::latest(conn, project.id)?;
        let names: Vec<ChrootName> = chroots.iter().map(|chroot| chroot.name().clone()).collect();
        let cells = match latest.is_empty() {
            true => Vec::new(),
            false => builds::matrix(conn, project.id, &DirName::from(&project.name), &names)?,
        };
        let mut dirs = project_dirs::list(conn, project.id)?;
        dirs.retain(|dir| !dir.name.is_main());
        let origin = origin(conn, project)?;
        let (releases, settings) = (releases(project, chroots, &head.url, web, now), &project.settings);
        Ok(Self {
            tab: "overview",
            enable: format!("{}/{}", web.site.host, project.reference()),
            server: Server::new(web),
            repo_file: releases.first().map(|first| format!("{}{}", web.public_url, first.repo_file)),
            repo_name: format!("{}-{}.repo", project.owner.in_repo_id(), project.name),
            description: markup(&settings.description),
            instructions: markup(&settings.instructions),
            releases,
            facts: facts(project, now),
            more_dirs: dirs.len().saturating_sub(SHOWN_DIRS),
            dirs: dirs.iter().rev().take(SHOWN_DIRS).map(|dir| Dir::new(dir, &head.url)).collect(),
            health: if cells.is_empty() { Vec::new() } else { health::rows(&cells, chroots) },
            builds: latest.iter().map(|line| BuildRow::new(line, now)).collect(),
            origin,
            head,
        })
    }
}

fn markup(text: &str) -> Option<String> {
    (!text.trim().is_empty()).then(|| markdown::render(text).to_string())
}

impl Dir {
    fn new(dir: &ProjectDir, project_url: &str) -> Self {
        let (_, short) = dir.name.as_str().split_once(':').unwrap_or_default();
        Self { name: format!(":{short}"), url: format!("{project_url}builds/?dirname={}", dir.name) }
    }
}

/// Two statements for copies, none for others.
fn origin(conn: &mut Conn, project: &Project) -> Result<Option<Origin>, PageError> {
    let Some(id) = project.forked_from else { return Ok(None) };
    let names = projects::references(conn, &[id])?;
    let Some(reference) = names.get(&id) else { return Ok(None) };
    let is_fork = |action: &coppice_store::Action| {
        action.kind == ActionKind::Fork && action.state == ActionState::Waiting
    };
    let is_under_way = actions::list(conn, &project.reference(), 20)?.iter().any(is_fork);
    Ok(Some(Origin::new(reference, is_under_way)))
}

impl Origin {
    fn new(reference: &ProjectRef, is_under_way: bool) -> Self {
        Self { name: reference.to_string(), url: project_url(reference), is_under_way }
    }
}
