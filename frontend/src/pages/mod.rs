//! Plain pages: readable without scripts; the API carries everything else.

mod accounts;
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
mod rows;
mod search;
mod settings;
mod snapshots;
mod templates;
mod words;

use actix_web::{
    HttpResponse,
    web::{self, Data, Path, ServiceConfig},
};

pub use accounts::ticket_login;
pub use error::{PageError, dress, not_found};
pub use frame::{Page, Viewer, session_secret};
pub use templates::{TemplateError, Templates, mark};
pub use words::{build_word, chroot_word, source_word};

use crate::web::Web;

/// Outside `/coprs`.
pub fn routes(config: &mut ServiceConfig) {
    assets::routes(config);
    settings::site_routes(config);
    home::site_routes(config);
    owner::site_routes(config);
    explore::site_routes(config);
    events::site_routes(config);
    accounts::site_routes(config);
    config
        .service(web::resource("/rss").get(feed::newest))
        .service(web::resource("/rss/all").get(feed::all))
        .service(web::resource("/rss/{count:\\d+}").get(feed::some))
        .service(web::resource("/tmp/{dir}/{file}").get(upload));
}

/// Below `/coprs`. Groups come as `/g/name` or `/@name`.
pub fn project_routes(config: &mut ServiceConfig) {
    accounts::routes(config);
    home::routes(config);
    search::routes(config);
    // Before the page of a single package: `add` and `new` are no packages.
    new_build::routes(config);
    package_forms::routes(config);
    log::routes(config);
    settings::routes(config);
    bulk::routes(config);
    build::routes(config);
    config
        .service(web::resource("/build/{id:\\d+}").get(build::redirect))
        .service(web::resource("/build/{id}/status_image.{format:png|svg}").get(badge::of_build))
        .service(
            web::resource("/g/{owner}/{project}/package/{package}/status_image/last_build.{format:png|svg}")
                .get(badge::of_group_package),
        )
        .service(
            web::resource("/{owner}/{project}/package/{package}/status_image/last_build.{format:png|svg}")
                .get(badge::of_package),
        )
        .service(web::resource("/g/{owner}/{project}/snapshots/{chroot}").get(snapshots::group_page))
        .service(web::resource("/{owner}/{project}/snapshots/{chroot}").get(snapshots::page));
    // After what has a name of its own, and before the pages of projects of people: a project of a group may be called
    // as one of those pages.
    owner::routes(config);
    project::routes(config);
    explore::routes(config);
    lists::routes(config);
    monitor::routes(config);
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
