//! Pictures of a build's state for other people's pages (contract section 18), as PNG and as SVG.

use actix_web::{
    HttpResponse,
    http::header::{CACHE_CONTROL, CONTENT_DISPOSITION},
    web::{Data, Path},
};
use coppice_model::{BuildId, state::BuildState};
use coppice_store::{Conn, StoreError, builds, packages, projects};

use super::{PageError, frame::ProjectPath};
use crate::App;

type Answer = Result<HttpResponse, PageError>;

/// A state with its pictures.
struct Badge {
    name: &'static str,
    png: &'static [u8],
    svg: &'static [u8],
}

macro_rules! badge {
    ($name:literal) => {
        Badge {
            name: $name,
            png: include_bytes!(concat!("../../../templates/badges/", $name, ".png")),
            svg: include_bytes!(concat!("../../../templates/badges/", $name, ".svg")),
        }
    };
}

const UNKNOWN: Badge = badge!("unknown");
const BAD_URL: Badge = badge!("bad_url");

fn of_state(state: BuildState) -> Badge {
    match state {
        BuildState::Succeeded | BuildState::Skipped | BuildState::Forked => badge!("succeeded"),
        BuildState::Failed => badge!("failed"),
        BuildState::Canceled => UNKNOWN,
        BuildState::Pending
        | BuildState::Starting
        | BuildState::Running
        | BuildState::Importing
        | BuildState::Waiting => badge!("in_progress"),
    }
}

fn answer(badge: &Badge, format: &str) -> HttpResponse {
    let (kind, content) = match format {
        "svg" => ("image/svg+xml", badge.svg),
        _ => ("image/png", badge.png),
    };
    HttpResponse::Ok()
        .content_type(kind)
        .insert_header((CACHE_CONTROL, "no-cache"))
        .insert_header((CONTENT_DISPOSITION, format!("inline; filename={}.{format}", badge.name)))
        .body(content)
}

/// Copr: a package that nobody knows has a picture too.
pub async fn of_package(app: Data<App>, path: ProjectPath) -> Answer {
    let format = path.rest("format").to_owned();
    let badge =
        app.store.read(move |conn| find(conn, &path.owner, &path.project, path.rest("package"))).await?;
    Ok(answer(&badge, &format))
}

fn find(conn: &mut Conn, owner: &str, project: &str, package: &str) -> Result<Badge, PageError> {
    let missing = || PageError::NotFound(format!("{owner}/{project} does not exist here."));
    let project = projects::find(conn, owner, project)?.ok_or_else(missing)?;
    let Some(package) = packages::find(conn, project.id, package)? else { return Ok(BAD_URL) };
    let newest = builds::latest_of_packages(conn, project.id, &[package.name], false)?;
    Ok(newest.into_values().next().map_or(UNKNOWN, |view| of_state(view.state())))
}

pub async fn of_build(app: Data<App>, path: Path<(String, String)>) -> Answer {
    let (id, format) = path.into_inner();
    let id = id.parse::<BuildId>().ok();
    let read = app.store.read(move |conn| {
        let found = id.map(|id| builds::find(conn, id)).transpose()?.flatten();
        Ok::<_, StoreError>(found.map_or(UNKNOWN, |view| of_state(view.state())))
    });
    Ok(answer(&read.await?, &format))
}
