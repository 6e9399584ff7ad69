//! Forms of projects: making, settings, permissions, and what ends them. The rules are those of the API.

mod asked;
mod choice;
mod chroot;
mod delete;
mod edit;
mod ending;
mod fork;
mod form;
mod integrations;
mod new;
mod permissions;
mod report_abuse;
mod words;

use actix_web::{HttpResponse, web::ServiceConfig};

use super::PageError;

type Answer = Result<HttpResponse, PageError>;

/// Below `/coprs`; before the pages of owners and projects, whose addresses hold any name.
pub fn owner_routes(config: &mut ServiceConfig) {
    new::routes(config);
    edit::id_routes(config);
}

/// Below a project.
pub fn routes(config: &mut ServiceConfig) {
    edit::routes(config);
    chroot::routes(config);
    permissions::routes(config);
    delete::routes(config);
    fork::routes(config);
    integrations::routes(config);
    ending::routes(config);
    report_abuse::routes(config);
}

/// Outside `/coprs`.
pub fn site_routes(config: &mut ServiceConfig) {
    ending::site_routes(config);
}
