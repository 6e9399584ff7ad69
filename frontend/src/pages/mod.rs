//! Plain pages: readable without scripts; the API carries everything else.

mod assets;
mod badge;
mod build;
mod error;
mod events;
mod feed;
mod frame;
mod log;
mod new_build;
mod package_forms;
mod project;
mod snapshots;
mod templates;
mod words;

use actix_web::{
    HttpResponse,
    web::{self, Data, Path, ServiceConfig},
};
use serde_json::json;

pub use error::{PageError, dress, not_found};
pub use frame::{Page, Viewer};
pub use templates::{TemplateError, Templates, mark};
pub use words::{build_word, chroot_word, source_word};

use crate::web::Web;

/// Outside `/coprs`.
pub fn routes(config: &mut ServiceConfig) {
    assets::routes(config);
    events::site_routes(config);
    config
        .service(web::resource("/").get(project::home))
        .service(web::resource("/api").get(token_page))
        .service(web::resource("/rss").get(feed::newest))
        .service(web::resource("/rss/all").get(feed::all))
        .service(web::resource("/rss/{count:\\d+}").get(feed::some))
        .service(web::resource("/tmp/{dir}/{file}").get(upload));
}

/// Below `/coprs`. Groups come as `/g/name` or `/@name`.
pub fn project_routes(config: &mut ServiceConfig) {
    // Before the page of a single package: `add` and `new` are no packages.
    new_build::routes(config);
    package_forms::routes(config);
    log::routes(config);
    config
        .service(web::resource("").get(project::home))
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
        .service(web::resource("/g/{owner}").get(project::group))
        .service(web::resource("/g/{owner}/{project}").get(project::group_project))
        .service(web::resource("/g/{owner}/{project}/builds").get(project::group_project))
        .service(web::resource("/g/{owner}/{project}/build/{id:\\d+}").get(build::group_page))
        .service(web::resource("/g/{owner}/{project}/snapshots/{chroot}").get(snapshots::group_page))
        .service(web::resource("/{owner}").get(project::owner))
        .service(web::resource("/{owner}/{project}").get(project::page))
        .service(web::resource("/{owner}/{project}/snapshots/{chroot}").get(snapshots::page))
        .service(web::resource("/{owner}/{project}/builds").get(project::page))
        .service(web::resource("/{owner}/{project}/build/{id:\\d+}").get(build::page));
}

/// Where the API's 401 sends people.
async fn token_page(web: Data<Web>, viewer: Viewer) -> Result<HttpResponse, PageError> {
    let values = json!({ "public_url": web.public_url, "encrypted": web.is_encrypted() });
    Page::new(&web, &viewer).html("api.html", &values)
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
