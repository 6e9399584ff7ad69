//! Tasks in one state.

use actix_web::web::{Data, Path};
use coppice_model::UnixTime;
use coppice_store::{BuildSource, Page as Part, queue, queue::QueuedTask};
use serde::Serialize;

use super::{Answer, Counts, QueueHead, owner_url};
use crate::{
    App,
    api::Query,
    pages::{Page, PageError, Viewer, frame::Moment, project_url, words::task_word},
    web::Web,
};

const PER_PAGE: i64 = 100;
const MOST_PROJECTS: i64 = 50;

#[derive(Debug, Serialize)]
struct TasksPage {
    #[serde(flatten)]
    head: QueueHead,
    state: &'static str,
    total: i64,
    tasks: Vec<TaskRow>,
    /// Projects with what they have in the background, when that is not listed.
    background: Vec<Background>,
    newer: Option<String>,
    older: Option<String>,
}

#[derive(Debug, Serialize)]
struct Background {
    project: String,
    url: String,
    tasks: i64,
}

#[derive(Debug, Serialize)]
pub struct TaskRow {
    build: i64,
    url: String,
    package: String,
    project: String,
    project_url: String,
    owner: String,
    owner_url: String,
    /// `None`: the source phase.
    chroot: Option<String>,
    word: String,
    is_background: bool,
    batch: Option<i64>,
    builder: Option<String>,
    submitted: Moment,
    started: Option<Moment>,
}

impl TaskRow {
    pub fn new(task: QueuedTask, now: UnixTime) -> Self {
        let project_url = project_url(&task.project);
        let word = task.state.parse().map(|state| task_word(state, task.stage, task.attempt));
        Self {
            build: task.build.0,
            url: format!("{project_url}build/{}/", task.build),
            package: package(&task),
            project: task.project.to_string(),
            project_url,
            owner: task.project.owner.to_string(),
            owner_url: owner_url(&task.project.owner),
            chroot: task.chroot.map(|chroot| chroot.to_string()),
            // Only the source phase knows other states.
            word: word.map_or(task.state, str::to_owned),
            is_background: task.is_background,
            batch: task.batch,
            builder: task.builder,
            submitted: Moment::new(task.submitted_on, now),
            started: Moment::of(task.started_on, now),
        }
    }
}

/// What is built, as far as it is known.
fn package(task: &QueuedTask) -> String {
    match (&task.package, &task.source) {
        (Some(name), _) => name.to_string(),
        (None, Some(BuildSource::Link { url })) => url.rsplit('/').next().unwrap_or_default().to_owned(),
        (None, Some(BuildSource::Upload { file_name, .. } | BuildSource::Package { file_name, .. })) => {
            file_name.clone()
        }
        (None, Some(BuildSource::Method { method })) => format!("sources by {}", method.name()),
        (None, None) => "sources".to_owned(),
    }
}

fn state_of(word: &str) -> Option<&'static str> {
    ["pending", "starting", "running", "importing"].into_iter().find(|state| *state == word)
}

pub async fn show(
    app: Data<App>,
    web: Data<Web>,
    viewer: Viewer,
    state: Path<String>,
    query: Query,
) -> Answer {
    let state = state_of(&state).ok_or_else(PageError::no_such_page)?;
    list(&app, (&web, &viewer), (state, state != "pending"), &query).await
}

pub async fn show_all_pending(app: Data<App>, web: Data<Web>, viewer: Viewer, query: Query) -> Answer {
    list(&app, (&web, &viewer), ("pending", true), &query).await
}

/// At most four statements.
async fn list(
    app: &App,
    (web, viewer): (&Web, &Viewer),
    (state, with_background): (&'static str, bool),
    query: &Query,
) -> Answer {
    let number: i64 = query.get("page").and_then(|text| text.parse().ok()).unwrap_or(0).clamp(0, 100_000);
    let part = Part { offset: number * PER_PAGE, ..Part::first(PER_PAGE + 1) };
    let read = app.store.read(move |conn| {
        let tasks = queue::list(conn, state, with_background, part)?;
        let background =
            if with_background { vec![] } else { queue::list_background(conn, state, MOST_PROJECTS)? };
        Ok::<_, PageError>((Counts::load(conn)?, tasks, background))
    });
    let (counts, mut tasks, background) = read.await?;
    let has_more = tasks.len() > usize::try_from(PER_PAGE).unwrap_or(usize::MAX);
    tasks.truncate(usize::try_from(PER_PAGE).unwrap_or(usize::MAX));
    let now = app.clock.now();
    let total = counts.in_state(state, Some(false).filter(|_| !with_background));
    let page = TasksPage {
        state,
        total,
        tasks: tasks.into_iter().map(|task| TaskRow::new(task, now)).collect(),
        background: background
            .into_iter()
            .map(|(project, tasks)| Background {
                url: project_url(&project),
                project: project.to_string(),
                tasks,
            })
            .collect(),
        newer: (number > 0).then(|| format!("?page={}", number - 1)),
        older: has_more.then(|| format!("?page={}", number + 1)),
        head: QueueHead::new(&counts, state),
    };
    Page::new(web, viewer).html("queue_tasks.html", &page)
}
