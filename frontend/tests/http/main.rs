//! The frontend over HTTP: a real server on SQLite with a private Redis; the other services are reports.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may stop anywhere")]

mod accounts;
mod admin_pages;
mod authorization;
mod browser;
mod build_forms;
mod build_page;
mod building;
mod builds;
mod bulk_pages;
mod chroots;
mod described;
mod errors;
mod events;
mod forms_authorization;
mod forms_edit;
mod forms_new;
mod forms_people;
mod forms_upkeep;
mod forms_world;
mod fuzz;
mod home;
mod liked;
mod lists;
mod log_page;
mod monitor_page;
mod owner_page;
mod package_forms;
mod packages;
mod pages;
mod peers;
mod permissions;
mod project_page;
mod projects;
mod python_copr;
mod queue_pages;
mod replay;
mod reports;
mod repositories;
mod search;
mod stats_page;
mod support;
mod tokens;
mod transport;
mod uploads;
