//! Plain pages: readable without scripts; the API carries everything else.

mod accounts;
mod admin;
mod assets;
mod badge;
mod build;
mod bulk;
mod error;
mod events;
mod explore;
mod feed;
mod frame;
mod home;
mod lists;
mod log;
mod markdown;
mod monitor;
mod new_build;
mod owner;
mod package_forms;
mod project;
mod queue;
mod recent;
mod rows;
mod search;
mod settings;
mod snapshots;
mod stats;
mod templates;
mod words;

use actix_web::{
    HttpResponse,
    web::{self, Data, Path, ServiceConfig},
};

pub use accounts::ticket_login;
pub use error::{PageError, dress, not_found};
pub use frame::{Page, ProjectPath, Viewer, session_secret};
pub use stats::{Kept, Statistics};
pub use templates::{TemplateError, Templates, mark};
pub use words::{build_word, chroot_word, source_word};

use crate::{repofile, web::Web};

/// Outside `/coprs`.
pub fn routes(config: &mut ServiceConfig) {
    assets::routes(config);
    settings::site_routes(config);
    home::site_routes(config);
    owner::site_routes(config);
    explore::site_routes(config);
    events::site_routes(config);
    accounts::site_routes(config);
    admin::site_routes(config);
    recent::site_routes(config);
    queue::site_routes(config);
    stats::site_routes(config);
    config
        .service(web::resource("/rss").get(feed::newest))
        .service(web::resource("/rss/all").get(feed::all))
        .service(web::resource("/rss/{count:\\d+}").get(feed::some))
        .service(web::resource("/tmp/{dir}/{file}").get(upload));
}

/// Below `/coprs`. Groups come as `/g/name` or `/@name`.
pub fn coprs_routes(config: &mut ServiceConfig) {
    home::routes(config);
    search::routes(config);
    settings::owner_routes(config);
    config
        .service(web::resource("/build/{id:\\d+}").get(build::redirect))
        .service(web::resource("/build/{id}/status_image.{format:png|svg}").get(badge::of_build));
    // After what has a name of its own: a project may be called by a number.
    owner::routes(config);
    for project in frame::PROJECTS {
        // A scope of its own, so that an address is compared with all these pages only when it names a project, and the
        // names are read from it once.
        config.service(web::scope(project).configure(project_routes));
    }
}

/// Below a project.
fn project_routes(config: &mut ServiceConfig) {
    repofile::routes(config);
    project::routes(config);
    // Before the page of a single package: `add` and `new` are no packages.
    new_build::routes(config);
    package_forms::routes(config);
    lists::routes(config);
    log::routes(config);
    build::routes(config);
    bulk::routes(config);
    monitor::routes(config);
    explore::routes(config);
    settings::routes(config);
    accounts::routes(config);
    config
        .service(
            web::resource("/package/{package}/status_image/last_build.{format:png|svg}")
                .get(badge::of_package),
        )
        .service(web::resource("/snapshots/{chroot}").get(snapshots::page));
}

/// Uploaded sources, for distgit and builders.
async fn upload(web: Data<Web>, path: Path<(String, String)>) -> Result<HttpResponse, PageError> {
    let (dir, file) = path.into_inner();
    web.uploads
        .serve(&dir, &file)
        .await
        .ok_or(PageError::NotFound("This file is not here (any more).".into()))
}

/// The address of a project's page.
fn project_url(project: &coppice_model::ProjectRef) -> String {
    match project.owner.group() {
        Some(group) => format!("/coprs/g/{group}/{}/", project.name),
        None => format!("/coprs/{project}/"),
    }
}
