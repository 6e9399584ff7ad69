//! DistGit: sources of all builds in git repositories and a lookaside cache; only it writes them.

mod config;
mod download;
mod envelope;
mod git;
mod http;
mod import;
mod lookaside;
mod outcomes;
mod repository;
mod service;
mod srpm;

pub use config::{Config, HttpConfig, Limits};
pub use service::{Service, StartError};
