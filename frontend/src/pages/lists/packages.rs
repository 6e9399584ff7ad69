//! The packages of a project by name, each with its newest build.

use std::collections::HashMap;

use actix_web::web::{Data, ServiceConfig, resource};
use coppice_model::{BuildId, PackageName, UnixTime};
use coppice_store::{BuildLine, Conn, Project, builds, packages, packages::PackageFilter};
use serde::Serialize;

use super::{Answer, query};
use crate::{
    App,
    api::Query,
    pages::{
        PageError, Viewer,
        frame::{self, ProjectHead, ProjectPath},
        project,
        rows::BuildRow,
    },
    web::Web,
};

const PER_PAGE: usize = 100;

pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(resource("/packages").get(show));
}

#[derive(Debug, Serialize)]
struct Packages {
    head: ProjectHead,
    tab: &'static str,
    q: String,
    packages: Vec<Row>,
    newer: Option<String>,
    older: Option<String>,
}

#[derive(Debug, Serialize)]
struct Row {
    name: String,
    url: String,
    build: Option<BuildRow>,
}

struct Found {
    packages: Vec<(PackageName, Option<BuildId>)>,
    lines: HashMap<BuildId, BuildLine>,
}

async fn show(app: Data<App>, web: Data<Web>, viewer: Viewer, path: ProjectPath, asked: Query) -> Answer {
    let text = |name: &str| asked.get(name).filter(|text| !text.is_empty()).map(str::to_owned);
    let q = text("q").unwrap_or_default();
    let filter = PackageFilter { part: q.clone(), after: text("after"), before: text("before") };
    let (goes_back, begins) = (filter.before.is_some(), filter.after.is_none() && filter.before.is_none());
    let now = app.clock.now();
    let (viewer, head, mut found) =
        project::read(&app, viewer, &path, move |conn, project| read(conn, project, &filter)).await?;
    let has_more = found.packages.len() > PER_PAGE;
    if has_more && goes_back {
        found.packages.remove(0);
    }
    found.packages.truncate(PER_PAGE);
    let place = |word: &str, package: Option<&(PackageName, Option<BuildId>)>| {
        package.map(|(name, _)| query(&[("q", &q), (word, name.as_str())]))
    };
    let has_newer = if goes_back { has_more } else { !begins };
    let page = Packages {
        tab: "packages",
        newer: has_newer.then(|| place("before", found.packages.first())).flatten(),
        older: (has_more || goes_back).then(|| place("after", found.packages.last())).flatten(),
        packages: found.rows(&head.url, now),
        q,
        head,
    };
    frame::Page::new(&web, &viewer).html("packages.html", &page)
}

fn read(conn: &mut Conn, project: &Project, filter: &PackageFilter) -> Result<Found, PageError> {
    let limit = i64::try_from(PER_PAGE + 1).unwrap_or(i64::MAX);
    let packages = packages::list_with_newest(conn, (project.id, &project.name), filter, limit)?;
    let ids: Vec<BuildId> = packages.iter().filter_map(|(_, build)| *build).collect();
    let lines = builds::list_lines_by_id(conn, &ids)?;
    Ok(Found { packages, lines: lines.into_iter().map(|line| (line.id, line)).collect() })
}

impl Found {
    fn rows(&self, project_url: &str, now: UnixTime) -> Vec<Row> {
        let row = |(name, build): &(PackageName, Option<BuildId>)| Row {
            name: name.to_string(),
            url: format!("{project_url}package/{name}/"),
            build: build.and_then(|id| self.lines.get(&id)).map(|line| BuildRow::new(line, now)),
        };
        self.packages.iter().map(row).collect()
    }
}
