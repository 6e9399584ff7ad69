//! The frontend over HTTP: a real server on SQLite with a private Redis; the other services are reports.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may stop anywhere")]

mod admin_pages;
mod authorization;
mod browser;
mod build_forms;
mod builds;
mod bulk_pages;
mod chroots;
mod described;
mod errors;
mod fuzz;
mod package_forms;
mod packages;
mod pages;
mod permissions;
mod projects;
mod python_copr;
mod queue_pages;
mod replay;
mod reports;
mod repositories;
mod stats_page;
mod support;
mod tokens;
mod transport;
mod uploads;
