//! The page of one build, and its permanent address.

use actix_web::{
    HttpResponse,
    http::header::LOCATION,
    web::{Data, Path},
};
use coppice_model::{BuildId, package::Nevra, work::TaskId};
use coppice_store::{AttemptRecord, BuildChroot, BuildLine, BuildSource, BuildView, Conn, attempts, builds};
use serde::Serialize;

use super::{Page, PageError, Viewer, project_url};
use crate::{
    App,
    api::{chroot_results, packages_by_chroot, source_results},
    calendar,
    web::Web,
};

type Answer = Result<HttpResponse, PageError>;

fn find(conn: &mut Conn, raw: &str) -> Result<BuildView, PageError> {
    let id = raw.parse::<BuildId>().ok();
    let found = id.map(|id| builds::find(conn, id)).transpose()?.flatten();
    found.ok_or_else(|| PageError::NotFound(format!("Build {raw} does not exist.")))
}

/// copr-cli prints this address and other programs store it.
pub async fn redirect(app: Data<App>, id: Path<String>) -> Answer {
    let view = app.store.read(move |conn| find(conn, &id)).await?;
    let url = format!("{}build/{}/", project_url(&view.build.project), view.build.id);
    Ok(HttpResponse::Found().insert_header((LOCATION, url)).finish())
}

pub async fn page(
    app: Data<App>,
    web: Data<Web>,
    viewer: Viewer,
    path: Path<(String, String, String)>,
) -> Answer {
    let (owner, project, id) = path.into_inner();
    show(&app, (&web, &viewer), format!("{owner}/{project}"), id).await
}

pub async fn group_page(
    app: Data<App>,
    web: Data<Web>,
    viewer: Viewer,
    path: Path<(String, String, String)>,
) -> Answer {
    let (group, project, id) = path.into_inner();
    show(&app, (&web, &viewer), format!("@{group}/{project}"), id).await
}

async fn show(app: &App, (web, viewer): (&Web, &Viewer), project: String, id: String) -> Answer {
    let read = app.store.read(move |conn| {
        let view = find(conn, &id)?;
        if view.build.project.to_string() != project {
            return Err(PageError::NotFound(format!("Build {id} does not exist in {project}.")));
        }
        let built = packages_by_chroot(conn, view.build.id)?;
        let attempts = attempts::list(conn, view.build.id)?;
        Ok((view, built, attempts))
    });
    let (view, mut built, attempts) = read.await?;
    let rows = view.chroots.iter().map(|chroot| {
        let packages = built.remove(&chroot.chroot).unwrap_or_default();
        ChrootRow::new(&view, chroot, &packages, web)
    });
    let chroots = rows.collect();
    let attempts = attempts.into_iter().map(AttemptRow::from).collect();
    Page::new(web, viewer).html("build.html", &BuildPage { build: About::new(&view, web), chroots, attempts })
}

#[derive(Debug, Serialize)]
struct BuildPage {
    build: About,
    chroots: Vec<ChrootRow>,
    attempts: Vec<AttemptRow>,
}

/// One start of a task; none is forgotten.
#[derive(Debug, Serialize)]
struct AttemptRow {
    task: String,
    attempt: u32,
    builder: Option<String>,
    started: Option<String>,
    ended: Option<String>,
    outcome: Option<String>,
}

impl From<AttemptRecord> for AttemptRow {
    fn from(record: AttemptRecord) -> Self {
        let task = match record.task {
            TaskId::Source(_) => "source".to_owned(),
            TaskId::Rpm(_, chroot) => chroot.into(),
        };
        Self {
            task,
            attempt: record.attempt.0,
            builder: record.builder,
            started: record.started_on.map(calendar::moment),
            ended: record.ended_on.map(calendar::moment),
            outcome: record.outcome,
        }
    }
}

#[derive(Debug, Serialize)]
struct About {
    id: i64,
    full_name: String,
    project_url: String,
    dir: String,
    state: &'static str,
    package: String,
    failure: Option<String>,
    submitted: String,
    submitter: Option<String>,
    started: Option<String>,
    ended: Option<String>,
    source: String,
    source_state: &'static str,
    source_results: Option<String>,
}

#[derive(Debug, Serialize)]
struct ChrootRow {
    name: String,
    state: &'static str,
    stage: Option<&'static str>,
    stage_note: Option<String>,
    attempt: u32,
    failure: Option<String>,
    started: Option<String>,
    took: Option<String>,
    results: Option<String>,
    live_log: &'static str,
    packages: Vec<String>,
}

/// What is built, as far as it is known.
pub(crate) fn package(line: &BuildLine) -> String {
    match (&line.package, &line.version, &line.source) {
        (Some(name), Some(version), _) => format!("{name} {version}"),
        (_, _, Some(BuildSource::Link { url })) => url.rsplit('/').next().unwrap_or_default().to_owned(),
        (_, _, Some(BuildSource::Upload { file_name, .. } | BuildSource::Package { file_name, .. })) => {
            file_name.clone()
        }
        (Some(name), None, _) => name.to_string(),
        (None, _, Some(BuildSource::Method { method })) => format!("sources by {}", method.name()),
        (None, _, None) => "sources that were made".to_owned(),
    }
}

impl About {
    fn new(view: &BuildView, web: &Web) -> Self {
        let build = &view.build;
        let source = match &build.source {
            BuildSource::Link { url } => url.clone(),
            BuildSource::Upload { file_name, .. } => format!("{file_name} (uploaded)"),
            BuildSource::Package { file_name, .. } => format!("{file_name} (uploaded as it is)"),
            BuildSource::Method { method } => format!("made by {}", method.name()),
        };
        Self {
            id: build.id.0,
            full_name: build.project.to_string(),
            project_url: project_url(&build.project),
            dir: build.dir.to_string(),
            state: view.state().as_str(),
            package: package(&view.into()),
            failure: build.failure.as_ref().map(|failure| failure.message.clone()),
            submitted: calendar::moment(build.submitted_on),
            submitter: build.submitter.as_ref().map(ToString::to_string),
            started: view.started_on().map(calendar::moment),
            ended: view.ended_on().map(calendar::moment),
            source,
            source_state: build.source_state.as_str(),
            source_results: source_results(view, web).map(|url| format!("{url}/")),
        }
    }
}

impl ChrootRow {
    fn new(view: &BuildView, chroot: &BuildChroot, packages: &[Nevra], web: &Web) -> Self {
        let ended = chroot.started_on.zip(chroot.ended_on);
        Self {
            name: chroot.chroot.to_string(),
            state: chroot.state.as_str(),
            stage: chroot.stage.map(coppice_model::state::Stage::as_str),
            stage_note: chroot.stage_note.clone(),
            attempt: chroot.attempt.0,
            failure: chroot.failure.as_ref().map(|failure| failure.message.clone()),
            started: chroot.started_on.map(calendar::moment),
            took: ended.map(|(from, to)| calendar::duration(from, to)),
            results: chroot_results(view, chroot, web),
            live_log: if chroot.state.is_final() { "builder-live.log.gz" } else { "builder-live.log" },
            packages: packages.iter().map(ToString::to_string).collect(),
        }
    }
}
