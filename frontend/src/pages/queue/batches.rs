//! Batches: builds that wait for others.

use actix_web::web::{Data, Path};
use coppice_model::UnixTime;
use coppice_store::{BuildView, Conn, batches, builds, queue::OpenBatch};
use serde::Serialize;

use super::{Answer, Counts, MOST_BATCHES, QueueHead};
use crate::{
    App,
    pages::{Page, PageError, Viewer, build::package, build_word, frame::Moment, project_url},
    web::Web,
};

#[derive(Debug, Serialize)]
struct BatchesPage {
    #[serde(flatten)]
    head: QueueHead,
    batches: Vec<Row>,
    /// The list is not whole.
    is_cut: bool,
}

#[derive(Debug, Serialize)]
struct Row {
    id: i64,
    url: String,
    waits_for: Option<Other>,
    open_builds: i64,
    project: String,
    project_url: String,
    more_projects: i64,
    made: Moment,
}

#[derive(Debug, Serialize)]
struct Other {
    id: i64,
    url: String,
    /// Nothing of it is open any more.
    has_ended: bool,
}

fn url(batch: i64) -> String {
    format!("/status/batches/detail/{batch}/")
}

impl Row {
    fn new(batch: &OpenBatch, all: &[OpenBatch], now: UnixTime) -> Self {
        let other = |id: i64| Other { id, url: url(id), has_ended: all.iter().all(|one| one.id != id) };
        Self {
            id: batch.id,
            url: url(batch.id),
            waits_for: batch.waits_for.map(other).filter(|other| !other.has_ended),
            open_builds: batch.open_builds,
            project: batch.project.to_string(),
            project_url: project_url(&batch.project),
            more_projects: batch.projects - 1,
            made: Moment::new(batch.created_at, now),
        }
    }
}

/// Two statements.
pub async fn list(app: Data<App>, web: Data<Web>, viewer: Viewer) -> Answer {
    let counts = app.store.read(Counts::load).await?;
    let (all, now) = (&counts.batches, app.clock.now());
    let page = BatchesPage {
        head: QueueHead::new(&counts, "batches"),
        batches: all.iter().map(|batch| Row::new(batch, all, now)).collect(),
        is_cut: i64::try_from(all.len()) == Ok(MOST_BATCHES),
    };
    Page::new(&web, &viewer).html("batches.html", &page)
}

#[derive(Debug, Serialize)]
struct BatchPage {
    #[serde(flatten)]
    head: QueueHead,
    id: i64,
    waits_for: Option<Other>,
    waiting: Vec<Other>,
    open: usize,
    builds: Vec<BuildRow>,
}

#[derive(Debug, Serialize)]
struct BuildRow {
    id: i64,
    url: String,
    package: String,
    project: String,
    project_url: String,
    state: &'static str,
    submitted: Moment,
}

impl BuildRow {
    fn new(view: &BuildView, now: UnixTime) -> Self {
        let project_url = project_url(&view.build.project);
        Self {
            id: view.build.id.0,
            url: format!("{project_url}build/{}/", view.build.id),
            package: package(&view.into()),
            project: view.build.project.to_string(),
            project_url,
            state: build_word(view),
            submitted: Moment::new(view.build.submitted_on, now),
        }
    }
}

pub async fn show(app: Data<App>, web: Data<Web>, viewer: Viewer, id: Path<String>) -> Answer {
    let now = app.clock.now();
    let page = app.store.read(move |conn| load(conn, &id, now)).await?;
    Page::new(&web, &viewer).html("batch.html", &page)
}

/// Nine statements at most.
fn load(conn: &mut Conn, raw: &str, now: UnixTime) -> Result<BatchPage, PageError> {
    let missing = || PageError::NotFound(format!("There is no batch {raw}."));
    let id: i64 = raw.parse().map_err(|_| missing())?;
    if !batches::exists(conn, id)? {
        return Err(missing());
    }
    let views = builds::list_of_batch(conn, id)?;
    let waits_for = match batches::waits_for(conn, id)? {
        None => None,
        Some(first) => {
            let has_ended = builds::list_of_batch(conn, first)?.iter().all(|view| view.state().is_final());
            Some(Other { id: first, url: url(first), has_ended })
        }
    };
    let waiting = batches::list_waiting(conn, id)?;
    Ok(BatchPage {
        head: super::head(conn, "batches")?,
        id,
        waits_for,
        waiting: waiting.into_iter().map(|id| Other { id, url: url(id), has_ended: false }).collect(),
        open: views.iter().filter(|view| !view.state().is_final()).count(),
        builds: views.iter().map(|view| BuildRow::new(view, now)).collect(),
    })
}
