//! Keygen: one key per project, signatures with it, and a log of who asked for them.
//! Private keys never leave it.

mod agent;
mod audit;
mod config;
mod creation;
mod home;
mod http;
mod keyring;
mod service;
mod signers;

pub use config::{Config, HttpConfig, Limits};
pub use service::{Service, StartError};
