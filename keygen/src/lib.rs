//! Keygen: one key per project, signatures with it, and a log of who asked for them.
//! Private keys never leave it.

mod agent;
mod audit;
pub mod backup;
mod config;
mod creation;
mod hardening;
mod home;
mod http;
mod keyring;
mod pool;
mod roles;
mod service;
mod signers;
pub mod step;
mod vault;

pub use config::{Config, HttpConfig, Limits, SignBy};
pub use hardening::harden;
pub use service::{Service, StartError};
