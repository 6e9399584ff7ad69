//! The pages in a real browser, on a whole Coppice whose builders build.
//!
//! Pictures of every page are left below the target folder in `web-shots`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod audit;
mod browser;
mod driver;
mod forms;
mod hostile;
mod journey;
mod links;
mod pages;
mod reading;
mod templates;
mod world;
