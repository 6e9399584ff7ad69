//! The frontend over HTTP: a real server on SQLite with a private Redis; the other services are reports.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may stop anywhere")]

mod authorization;
mod browser;
mod build_forms;
mod building;
mod builds;
mod chroots;
mod described;
mod errors;
mod events;
mod fuzz;
mod log_page;
mod package_forms;
mod packages;
mod pages;
mod peers;
mod permissions;
mod projects;
mod python_copr;
mod replay;
mod reports;
mod repositories;
mod support;
mod tokens;
mod transport;
mod uploads;
