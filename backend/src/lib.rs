//! The backend: build queue, builder machines, results and repositories.

pub mod actions;
pub mod config;
pub mod dispatch;
pub mod publisher;
pub mod results;
pub mod rpmfile;
pub mod signing;
pub mod static_server;
pub mod verify;

pub use config::Config;
