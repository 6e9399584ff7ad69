//! API v3 of Copr: translates requests into rules of `ops` and answers into JSON.

mod auth;
mod auth_session;
mod backend_views;
mod body;
mod build;
mod build_chroot;
mod build_dto;
mod build_submit;
mod docs;
mod endpoints;
mod error;
mod etag;
mod fields;
mod general;
mod gssapi;
mod idempotency;
mod limits;
mod monitor;
mod openapi;
mod operation;
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
mod trusted_publishing;

use actix_web::web::{self, ServiceConfig};

pub use auth::ApiUser;
pub use backend_views::backend_routes;
pub use body::{Body, BodyLimits};
pub use build::packages_by_chroot;
pub use build_dto::{chroot_results, source_results};
pub use build_submit::{request as build_request, source as build_source, submit_file};
pub use error::ApiError;
pub use etag::tag;
pub use fields::{Fields, Form};
pub use general::no_such_endpoint;
pub use idempotency::once;
pub use limits::{Limits, hold};
pub use package::package_form;
pub use project::{fork_wish, new_project, project_changes};
pub use project_chroot::{MOST_COMPS_BYTES, chroot_changes, days_until};
pub use query::Query;
pub use source_dict::source_dict;

/// Everything below `/api_3`.
pub fn routes(config: &mut ServiceConfig) {
    config.service(web::resource("/docs").get(docs::page));
    for endpoint in endpoints::all() {
        endpoint.register(config);
    }
}
