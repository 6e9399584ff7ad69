//! What became of the newest build of every package in every chroot: a matrix, the most failures first.

use std::collections::HashMap;

use actix_web::{
    HttpResponse,
    web::{Data, ServiceConfig, resource},
};
use coppice_model::{BuildId, ChrootName, DirName, state::ChrootState};
use coppice_store::{Conn, builds, builds::Cell, projects};
use serde::Serialize;

use super::{
    PageError, Viewer,
    frame::{self, ProjectHead, ProjectPath},
    lists::query,
    project::{missing, readable},
    words::task_word,
};
use crate::{App, api::Query, web::Web};

/// So many bytes of rows are one page, with what a row and one of its cells takes beside addresses.
const PAGE_BYTES: usize = 78_000;
const ROW_BYTES: usize = 260;
const CELL_BYTES: usize = 66;

type Answer = Result<HttpResponse, PageError>;

/// Below a project.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/monitor").get(simple))
        .service(resource("/monitor/simple").get(simple))
        .service(resource("/monitor/detailed").get(detailed));
}

async fn simple(app: Data<App>, web: Data<Web>, viewer: Viewer, path: ProjectPath, query: Query) -> Answer {
    show(&app, &web, viewer, path, &Wish::new(&query, false)).await
}

async fn detailed(app: Data<App>, web: Data<Web>, viewer: Viewer, path: ProjectPath, query: Query) -> Answer {
    show(&app, &web, viewer, path, &Wish::new(&query, true)).await
}

#[derive(Debug, Clone, Serialize)]
struct Wish {
    q: String,
    state: String,
    #[serde(skip)]
    page: usize,
    /// With versions in the cells.
    detailed: bool,
}

impl Wish {
    fn new(query: &Query, detailed: bool) -> Self {
        let text = |name: &str| query.get(name).unwrap_or_default().trim().to_owned();
        Self { q: text("q"), state: text("state"), page: text("page").parse().unwrap_or(1).max(1), detailed }
    }

    fn link(&self, state: &str, page: usize) -> String {
        let page = if page > 1 { page.to_string() } else { String::new() };
        query(&[("q", &self.q), ("state", state), ("page", &page)])
    }

    fn shows(&self, line: &Line) -> bool {
        let has_state = match self.state.as_str() {
            "failed" => line.failed > 0,
            "active" => line.active > 0,
            _ => true,
        };
        has_state && line.package.contains(&self.q)
    }
}

/// A package before it is a row.
struct Line {
    package: String,
    newest: BuildId,
    failed: usize,
    active: usize,
    /// By chroot of the project.
    cells: Vec<Option<Place>>,
}

/// What a cell shows.
#[derive(Clone, Copy)]
struct Place {
    build: BuildId,
    word: &'static str,
}

#[derive(Debug, Serialize)]
struct Monitor {
    head: ProjectHead,
    tab: &'static str,
    wish: Wish,
    releases: Vec<Release>,
    /// By architecture, in the order of the releases.
    columns: Vec<Column>,
    rows: Vec<Row>,
    states: Vec<StateLink>,
    shown: String,
    newer: Option<String>,
    older: Option<String>,
}

#[derive(Debug, Serialize)]
struct Release {
    name: String,
    columns: usize,
}

#[derive(Debug, Serialize)]
struct Column {
    arch: String,
    /// It begins a release.
    first: bool,
    failed: usize,
}

#[derive(Debug, Serialize)]
struct Row {
    package: String,
    version: Option<String>,
    cells: Vec<Shown>,
}

#[derive(Debug, Serialize)]
struct Shown {
    first: bool,
    /// Empty where nothing was built.
    state: &'static str,
    build: i64,
    version: Option<String>,
}

#[derive(Debug, Serialize)]
struct StateLink {
    url: String,
    text: String,
    is_here: bool,
}

async fn show(app: &App, web: &Web, viewer: Viewer, path: ProjectPath, wish: &Wish) -> Answer {
    let wish = wish.clone();
    let work = app.store.read(move |conn| {
        let monitor = read(conn, &viewer, &path, wish)?;
        Ok::<_, PageError>((viewer, monitor))
    });
    let (viewer, monitor) = work.await?;
    frame::Page::new(web, &viewer).html("monitor.html", &monitor)
}

/// Three statements, or four, however many packages there are.
fn read(conn: &mut Conn, viewer: &Viewer, path: &ProjectPath, wish: Wish) -> Result<Monitor, PageError> {
    let found = projects::find_with_chroots(conn, &path.owner, &path.project)?;
    let (project, mut chroots) = found.ok_or_else(|| missing(&path.owner, &path.project))?;
    let head = ProjectHead::load(conn, &project, viewer)?;
    // Architectures of a release stand together, releases in the order of the catalogue.
    let order: HashMap<String, usize> =
        chroots.iter().enumerate().rev().map(|(n, name)| (name.name_release().to_owned(), n)).collect();
    chroots.sort_by_key(|name| order.get(name.name_release()).copied());
    let cells = builds::matrix(conn, project.id, &DirName::from(&project.name), &chroots)?;
    let mut lines = lines(cells, &chroots);
    let columns = columns(&chroots, &lines);
    let states = states(&wish, &lines);
    lines.retain(|line| wish.shows(line));
    let (all, size) = (lines.len(), page_size(chroots.len(), &head.url));
    let page = wish.page.min(all.div_ceil(size).max(1));
    let lines: Vec<Line> = lines.into_iter().skip((page - 1) * size).take(size).collect();
    let versions = builds::versions(conn, &wanted(&lines, wish.detailed))?;
    let first = (page - 1) * size + 1;
    Ok(Monitor {
        tab: "monitor",
        newer: (page > 1).then(|| wish.link(&wish.state, page - 1)),
        older: (page * size < all).then(|| wish.link(&wish.state, page + 1)),
        shown: if lines.len() < all {
            format!("{first} to {} of {all}", first + lines.len() - 1)
        } else {
            String::new()
        },
        rows: lines.into_iter().map(|line| line.row(&columns, &versions, wish.detailed)).collect(),
        releases: releases(&chroots),
        columns,
        states,
        wish,
        head,
    })
}

fn page_size(chroots: usize, url: &str) -> usize {
    let row = ROW_BYTES + 2 * url.len() + chroots * (CELL_BYTES + url.len());
    (PAGE_BYTES / row).max(10)
}

/// The most failures first, then by name.
fn lines(cells: Vec<Cell>, chroots: &[ChrootName]) -> Vec<Line> {
    let places: HashMap<&str, usize> =
        chroots.iter().enumerate().map(|(n, name)| (name.as_str(), n)).collect();
    let mut lines: Vec<Line> = Vec::new();
    for cell in cells {
        let Some(place) = places.get(cell.chroot.as_str()) else { continue };
        if lines.last().is_none_or(|line| line.package != cell.package) {
            let empty = vec![None; chroots.len()];
            lines.push(Line {
                package: cell.package,
                newest: cell.build,
                failed: 0,
                active: 0,
                cells: empty,
            });
        }
        let Some(line) = lines.last_mut() else { continue };
        line.newest = line.newest.max(cell.build);
        line.failed += usize::from(cell.state == ChrootState::Failed);
        line.active += usize::from(!cell.state.is_final());
        if let Some(own) = line.cells.get_mut(*place) {
            let word = task_word(cell.state, cell.stage, cell.attempt);
            *own = Some(Place { build: cell.build, word });
        }
    }
    lines.sort_by(|a, b| b.failed.cmp(&a.failed).then_with(|| a.package.cmp(&b.package)));
    lines
}

fn wanted(lines: &[Line], detailed: bool) -> Vec<BuildId> {
    let mut ids: Vec<BuildId> = lines.iter().map(|line| line.newest).collect();
    if detailed {
        ids.extend(lines.iter().flat_map(|line| &line.cells).flatten().map(|place| place.build));
    }
    ids.sort_unstable();
    ids.dedup();
    ids
}

impl Line {
    fn row(self, columns: &[Column], versions: &HashMap<BuildId, String>, detailed: bool) -> Row {
        let shown = |(cell, column): (Option<Place>, &Column)| match cell {
            Some(Place { build, word }) => Shown {
                first: column.first,
                state: word,
                build: build.0,
                version: if detailed { versions.get(&build).cloned() } else { None },
            },
            None => Shown { first: column.first, state: "", build: 0, version: None },
        };
        Row {
            version: versions.get(&self.newest).cloned(),
            cells: self.cells.into_iter().zip(columns).map(shown).collect(),
            package: self.package,
        }
    }
}

fn releases(chroots: &[ChrootName]) -> Vec<Release> {
    let mut releases: Vec<Release> = Vec::new();
    let mut last = "";
    for chroot in chroots {
        match releases.last_mut() {
            Some(release) if last == chroot.name_release() => release.columns += 1,
            _ => releases.push(Release { name: readable(chroot), columns: 1 }),
        }
        last = chroot.name_release();
    }
    releases
}

fn columns(chroots: &[ChrootName], lines: &[Line]) -> Vec<Column> {
    let mut last = "";
    let mut columns = Vec::with_capacity(chroots.len());
    for (place, chroot) in chroots.iter().enumerate() {
        let is_failed = |line: &&Line| {
            line.cells.get(place).is_some_and(|own| own.is_some_and(|own| own.word == "failed"))
        };
        columns.push(Column {
            arch: chroot.arch().to_owned(),
            first: last != chroot.name_release(),
            failed: lines.iter().filter(is_failed).count(),
        });
        last = chroot.name_release();
    }
    columns
}

fn states(wish: &Wish, lines: &[Line]) -> Vec<StateLink> {
    let failing = lines.iter().filter(|line| line.failed > 0).count();
    let active = lines.iter().filter(|line| line.active > 0).count();
    [("", "All", lines.len()), ("failed", "Failing", failing), ("active", "Active", active)]
        .map(|(state, text, count)| StateLink {
            url: wish.link(state, 1),
            text: format!("{text} {count}"),
            is_here: wish.state == state,
        })
        .into()
}

#[cfg(test)]
mod tests {
    use coppice_model::Attempt;

    use super::*;

    fn cell(package: &str, chroot: &str, build: i64, state: ChrootState) -> Cell {
        let (package, chroot, build) = (package.into(), chroot.into(), BuildId(build));
        Cell { package, chroot, build, state, stage: None, attempt: Attempt::FIRST }
    }

    #[test]
    fn the_most_failures_come_first() {
        let chroots = ["fedora-43-x86_64", "fedora-43-aarch64"].map(|name| name.parse().unwrap());
        let cells = vec![
            cell("a", "fedora-43-x86_64", 1, ChrootState::Succeeded),
            cell("b", "fedora-43-aarch64", 3, ChrootState::Failed),
            cell("b", "fedora-43-x86_64", 2, ChrootState::Running),
            cell("c", "fedora-43-aarch64", 4, ChrootState::Failed),
            cell("c", "fedora-43-x86_64", 4, ChrootState::Failed),
            cell("c", "epel-9-x86_64", 4, ChrootState::Failed),
        ];
        let lines = lines(cells, &chroots);
        let told: Vec<_> =
            lines.iter().map(|line| (line.package.as_str(), line.failed, line.active)).collect();
        assert_eq!(told, [("c", 2, 0), ("b", 1, 1), ("a", 0, 0)]);
        assert_eq!(lines[1].newest, BuildId(3));
        let columns = columns(&chroots, &lines);
        assert_eq!((columns[0].first, columns[1].first), (true, false));
        assert_eq!((columns[0].failed, columns[1].failed), (1, 2));
        assert_eq!(releases(&chroots)[0].columns, 2);
    }

    #[test]
    fn pages_stay_small_however_many_chroots_there_are() {
        for chroots in [1, 12, 40] {
            let size = page_size(chroots, "/coprs/some-owner/some-project/");
            assert!(size >= 10 && size * chroots <= 800, "{chroots}: {size}");
        }
    }
}
