//! API v3 of Copr: translates requests into rules of `ops` and answers into JSON.

mod auth;
mod backend_views;
mod body;
mod build;
mod build_chroot;
mod build_dto;
mod build_submit;
mod error;
mod etag;
mod fields;
mod general;
mod idempotency;
mod limits;
mod monitor;
mod package;
mod permissions;
mod project;
mod project_chroot;
mod project_dto;
mod publishing;
mod python;
mod query;
mod shape;
mod source_dict;
mod tokens;

use actix_web::{
    FromRequest, Handler, Resource, Responder,
    middleware::DefaultHeaders,
    web::{self, ServiceConfig},
};

pub use auth::ApiUser;
pub use backend_views::backend_routes;
pub use body::{Body, BodyLimits};
pub use build::packages_by_chroot;
pub use build_dto::{chroot_results, source_results};
pub use error::ApiError;
pub use etag::tag;
pub use fields::{Fields, Form};
pub use general::no_such_endpoint;
pub use idempotency::once;
pub use limits::{Limits, hold};
pub use project_chroot::days_until;
pub use query::Query;

use crate::repofile;

/// Everything below `/api_3`. A wrong method is answered like an unknown address.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(at("").route(web::get().to(general::version)))
        .service(at("/auth-check").route(web::get().to(general::auth_check)))
        .service(at("/api-token").route(web::post().to(general::renew_token)))
        .service(at("/tokens").route(web::get().to(tokens::list)).route(web::post().to(tokens::create)))
        .service(at("/tokens/{id:\\d+}").route(web::delete().to(tokens::revoke)))
        .service(at("/gssapi_login").route(web::get().to(general::gssapi_login)))
        .service(at("/gssapi_login/web-ui").route(web::get().to(general::gssapi_login)))
        .service(at("/mock-chroots/list").route(web::get().to(general::chroots)))
        .service(at("/rpmrepo/{owner}/{dir}/{name_release}").route(web::get().to(repofile::rpmrepo)))
        .service(at("/publish-queue").route(web::get().to(publishing::queue)))
        .service(at("/monitor").route(web::get().to(monitor::get)))
        .configure(project_routes)
        .configure(package_routes)
        .configure(build_routes)
        .configure(build_chroot_routes);
}

fn project_routes(config: &mut ServiceConfig) {
    config
        .service(at("/project").route(web::get().to(project::get)))
        .service(at("/project/list").route(web::get().to(project::list)))
        .service(at("/project/search").route(web::get().to(project::search)))
        .service(at("/project/add/{owner}").route(web::post().to(project::add)))
        .service(put("/project/edit/{owner}/{project}", project::edit))
        .service(put("/project/regenerate-repos/{owner}/{project}", project::regenerate))
        .service(put("/project/fork/{owner}/{project}", project::fork))
        .service(delete("/project/delete/{owner}/{project}", project::delete))
        .service(at("/project/permissions/get/{owner}/{project}").route(web::get().to(permissions::list)))
        .service(put("/project/permissions/set/{owner}/{project}", permissions::set))
        .service(put("/project/permissions/request/{owner}/{project}", permissions::request))
        .service(
            at("/project/permissions/can_build_in/{who}/{owner}/{project}")
                .route(web::get().to(permissions::can_build_in)),
        )
        .service(
            at("/webhook/generate/{owner}/{project}").route(web::post().to(project::renew_webhook_secret)),
        )
        .service(at("/project/key").route(web::get().to(publishing::list_keys)))
        .service(at("/project/key/renew").route(web::post().to(publishing::renew_key)))
        .service(at("/project/key/rotate").route(web::post().to(publishing::rotate_key)))
        .service(at("/project/actions").route(web::get().to(publishing::list_actions)))
        .service(at("/project-chroot/snapshots").route(web::get().to(publishing::list_snapshots)))
        .service(at("/project-chroot/roll-back").route(web::post().to(publishing::roll_back)))
        .service(put("/project-chroot/edit/{owner}/{project}/{chroot}", project_chroot::edit))
        .service(at("/project-chroot").route(web::get().to(project_chroot::get)))
        .service(at("/project-chroot/build-config").route(web::get().to(project_chroot::build_config)));
}

fn package_routes(config: &mut ServiceConfig) {
    config
        .service(at("/package").route(web::get().to(package::get)))
        .service(at("/package/list").route(web::get().to(package::list)))
        .service(at("/package/add/{owner}/{project}/{package}/{type}").route(web::post().to(package::add)))
        .service(at("/package/edit/{owner}/{project}/{package}/{kind}").route(web::post().to(package::edit)))
        .service(at("/package/edit/{owner}/{project}/{package}").route(web::post().to(package::edit)))
        .service(put("/package/reset", package::reset))
        .service(at("/package/build").route(web::post().to(package::build)))
        .service(delete("/package/delete", package::delete));
}

fn build_routes(config: &mut ServiceConfig) {
    config
        .service(at("/build/list").route(web::get().to(build::list)))
        .service(at("/build/check-before-build").route(web::post().to(build_submit::check)))
        .service(at("/build/create/url").route(web::post().to(build_submit::from_urls)))
        .service(at("/build/create/upload").route(web::post().to(build_submit::from_upload)))
        .service(
            at("/build/create/{method:scm|distgit|pypi|rubygems|custom}")
                .route(web::post().to(build_submit::from_method)),
        )
        .service(delete("/build/delete/list", build::delete_list))
        .service(delete("/build/delete/{id:\\d+}", build::delete))
        .service(put("/build/cancel/{id:\\d+}", build::cancel))
        .service(at("/build/source-chroot/{id:\\d+}").route(web::get().to(build::source_chroot)))
        .service(at("/build/source-build-config/{id:\\d+}").route(web::get().to(build::source_build_config)))
        .service(at("/build/built-packages/{id:\\d+}").route(web::get().to(build::packages)))
        .service(at("/build/{id:\\d+}").route(web::get().to(build::get)));
}

fn build_chroot_routes(config: &mut ServiceConfig) {
    config
        .service(at("/build-chroot").route(web::get().to(build_chroot::get)))
        .service(at("/build-chroot/list").route(web::get().to(build_chroot::list)))
        .service(at("/build-chroot/list/{id:\\d+}").route(web::get().to(build_chroot::list_by_path)))
        .service(at("/build-chroot/build-config").route(web::get().to(build_chroot::build_config)))
        .service(
            at("/build-chroot/build-config/{id:\\d+}/{chroot}")
                .route(web::get().to(build_chroot::build_config_by_path)),
        )
        .service(at("/build-chroot/built-packages").route(web::get().to(build_chroot::packages)))
        .service(
            at("/build-chroot/built-packages/{id:\\d+}/{chroot}")
                .route(web::get().to(build_chroot::packages_by_path)),
        )
        .service(at("/build-chroot/{id:\\d+}/{chroot}").route(web::get().to(build_chroot::get_by_path)));
}

fn at(path: &str) -> Resource {
    web::resource(path).default_service(web::to(no_such_endpoint))
}

/// PUT, and POST as clients did before.
fn put<F, A>(path: &str, handler: F) -> Resource
where
    F: Handler<A> + Clone,
    A: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    at(path).route(web::put().to(handler.clone())).route(web::post().to(handler).wrap(deprecated("PUT")))
}

/// DELETE, and POST as clients did before.
fn delete<F, A>(path: &str, handler: F) -> Resource
where
    F: Handler<A> + Clone,
    A: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    at(path)
        .route(web::delete().to(handler.clone()))
        .route(web::post().to(handler).wrap(deprecated("DELETE")))
}

fn deprecated(new: &str) -> DefaultHeaders {
    let warning = format!("This method is deprecated: Use {new} method instead of POST");
    DefaultHeaders::new().add(("Warning", warning))
}
