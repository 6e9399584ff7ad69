//! The page of one build: how far it is, why it waits, why it failed, and what may be done about it.

mod actions;
mod card;
mod chroots;
mod compare;
mod estimate;
mod load;
mod stem;
mod view;
mod waiting;

use actix_web::{
    HttpResponse,
    http::header::LOCATION,
    web::{Data, Path, ServiceConfig, get, post, resource},
};
use coppice_model::BuildId;
use coppice_store::{BuildLine, BuildSource, BuildView, Conn, builds};

use super::{Page, PageError, Viewer, frame::ProjectPath, project_url};
use crate::{App, web::Web};

type Answer = Result<HttpResponse, PageError>;

/// Below a project.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/build/{id:\\d+}").route(get().to(page)))
        .service(resource("/build/{id:\\d+}/compare/{chroot}").route(get().to(compare::page)))
        .service(resource("/cancel_build/{id:\\d+}").route(post().to(actions::cancel)))
        .service(resource("/delete_build/{id:\\d+}").route(post().to(actions::delete)))
        .service(resource("/repeat_build/{id:\\d+}").route(get().to(actions::ask)))
        .service(resource("/repeat_build_ssh/{id:\\d+}").route(get().to(actions::ask_with_ssh)))
        .service(
            resource("/new_build_rebuild/{id:\\d+}")
                .route(get().to(actions::ask))
                .route(post().to(actions::resubmit)),
        );
}

fn find(conn: &mut Conn, raw: &str) -> Result<BuildView, PageError> {
    let id = raw.parse::<BuildId>().ok();
    let found = id.map(|id| builds::find(conn, id)).transpose()?.flatten();
    found.ok_or_else(|| PageError::NotFound(format!("Build {raw} does not exist.")))
}

/// copr-cli prints this address and other programs store it.
pub async fn redirect(app: Data<App>, id: Path<String>) -> Answer {
    let view = app.store.read(move |conn| find(conn, &id)).await?;
    Ok(HttpResponse::Found().insert_header((LOCATION, build_url(&view))).finish())
}

/// Ends with a slash.
pub fn build_url(view: &BuildView) -> String {
    format!("{}build/{}/", project_url(&view.build.project), view.build.id)
}

async fn page(app: Data<App>, web: Data<Web>, viewer: Viewer, path: ProjectPath) -> Answer {
    let shown = load::load(&app, &viewer, &path, load::has_use_of_earlier).await?;
    let around = load::around(&app, &web, &shown).await;
    let values = view::of(&shown, &around, &web);
    Page::new(&web, &viewer).html("build.html", &values)
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
