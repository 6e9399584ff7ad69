//! The builds of a project, newest first.

mod package;
mod packages;

use actix_web::{
    HttpResponse,
    web::{Data, ServiceConfig, resource},
};
use coppice_model::{BuildId, state::BuildState};
use coppice_store::{BuildFilter, BuildLine, Conn, Page, Project, ProjectDir, builds, project_dirs};
use serde::Serialize;
use url::form_urlencoded;

use super::{
    PageError, Viewer,
    frame::{self, ProjectHead, ProjectPath},
    project,
    rows::BuildRow,
};
use crate::{App, api::Query, web::Web};

const PER_PAGE: usize = 100;
/// More words find nothing that fewer do not.
const MOST_WORDS: usize = 6;

type Answer = Result<HttpResponse, PageError>;

/// Below a project.
pub fn routes(config: &mut ServiceConfig) {
    config.service(resource("/builds").get(show));
    packages::routes(config);
    package::routes(config);
}

/// An address of this page with other filters; empty values are left out.
pub fn query(pairs: &[(&str, &str)]) -> String {
    let filled = pairs.iter().filter(|(_, value)| !value.is_empty());
    let text = form_urlencoded::Serializer::new(String::new()).extend_pairs(filled).finish();
    format!("?{text}")
}

/// What the address asks for.
#[derive(Debug, Clone, Serialize)]
struct Wish {
    q: String,
    state: String,
    dirname: String,
    #[serde(skip)]
    before: Option<BuildId>,
    #[serde(skip)]
    after: Option<BuildId>,
}

impl Wish {
    fn new(query: &Query) -> Self {
        let text = |name: &str| query.get(name).unwrap_or_default().trim().to_owned();
        let id = |name: &str| query.get(name).and_then(|text| text.parse().ok()).map(BuildId);
        let dirname = Some(text("dirname")).filter(|dir| !dir.is_empty()).unwrap_or_else(|| text("dir"));
        Self { q: text("q"), state: text("state"), dirname, before: id("before"), after: id("after") }
    }

    fn filter(&self, project: &Project) -> BuildFilter {
        BuildFilter {
            project: Some(project.id),
            dir: Some(self.dirname.clone()).filter(|dir| !dir.is_empty()),
            state: self.state.parse::<BuildState>().ok(),
            is_active: self.state == "active",
            words: self.q.split_whitespace().take(MOST_WORDS).map(str::to_owned).collect(),
            before: self.before.filter(|_| self.after.is_none()),
            after: self.after,
            ..BuildFilter::default()
        }
    }

    fn link(&self, state: &str, place: (&str, &str)) -> String {
        query(&[("q", &self.q), ("state", state), ("dirname", &self.dirname), place])
    }

    fn is_filtered(&self) -> bool {
        !(self.q.is_empty() && self.state.is_empty() && self.dirname.is_empty())
    }
}

#[derive(Debug, Serialize)]
struct Builds {
    head: ProjectHead,
    tab: &'static str,
    builds: Vec<BuildRow>,
    wish: Wish,
    is_filtered: bool,
    states: Vec<StateLink>,
    dirs: Vec<Dir>,
    newer: Option<String>,
    older: Option<String>,
}

#[derive(Debug, Serialize)]
struct StateLink {
    url: String,
    text: &'static str,
    is_here: bool,
}

#[derive(Debug, Serialize)]
struct Dir {
    name: String,
    text: String,
}

impl From<&ProjectDir> for Dir {
    fn from(dir: &ProjectDir) -> Self {
        let short = dir.name.as_str().split_once(':').map(|(_, rest)| format!(":{rest}"));
        Self { name: dir.name.to_string(), text: short.unwrap_or_else(|| "main directory".into()) }
    }
}

async fn show(app: Data<App>, web: Data<Web>, viewer: Viewer, path: ProjectPath, query: Query) -> Answer {
    let (wish, now) = (Wish::new(&query), app.clock.now());
    let asked = wish.clone();
    let read = move |conn: &mut Conn, project: &Project| {
        Ok((read(conn, project, &asked)?, project_dirs::list(conn, project.id)?))
    };
    let (viewer, head, (mut lines, dirs)) = project::read(&app, viewer, &path, read).await?;
    let (newer, older) = neighbours(&mut lines, &wish);
    let page = Builds {
        head,
        tab: "builds",
        builds: lines.iter().map(|line| BuildRow::new(line, now)).collect(),
        states: states(&wish),
        is_filtered: wish.is_filtered(),
        dirs: if dirs.len() > 1 { dirs.iter().map(Dir::from).collect() } else { Vec::new() },
        newer,
        older,
        wish,
    };
    frame::Page::new(&web, &viewer).html("builds.html", &page)
}

/// One more than is shown tells whether something follows.
fn read(conn: &mut Conn, project: &Project, wish: &Wish) -> Result<Vec<BuildLine>, PageError> {
    let limit = i64::try_from(PER_PAGE + 1).unwrap_or(i64::MAX);
    Ok(builds::list(conn, &wish.filter(project), Page::first(limit))?)
}

fn neighbours(lines: &mut Vec<BuildLine>, wish: &Wish) -> (Option<String>, Option<String>) {
    let has_more = lines.len() > PER_PAGE;
    if has_more && wish.after.is_some() {
        lines.remove(0);
    } else {
        lines.truncate(PER_PAGE);
    }
    let has_newer = if wish.after.is_some() { has_more } else { wish.before.is_some() };
    let has_older = has_more || wish.after.is_some();
    let place = |word: &'static str, line: Option<&BuildLine>| {
        line.map(|line| wish.link(&wish.state, (word, &line.id.to_string())))
    };
    let newer = has_newer.then(|| place("after", lines.first())).flatten();
    (newer, has_older.then(|| place("before", lines.last())).flatten())
}

fn states(wish: &Wish) -> Vec<StateLink> {
    [("", "All"), ("active", "Active"), ("failed", "Failed"), ("succeeded", "Succeeded")]
        .map(|(state, text)| StateLink {
            url: wish.link(state, ("", "")),
            text,
            is_here: wish.state == state,
        })
        .into()
}
