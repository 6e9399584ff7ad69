//! The backend: build queue, builder machines, results and repositories.

mod action_queue;
pub mod actions;
mod agent_api;
mod blocking;
pub mod config;
mod consumer;
mod counts;
pub mod dispatch;
pub mod downloads;
pub mod facts;
mod job;
mod leases;
mod machines;
mod measured;
mod outcomes;
mod providers;
pub mod publisher;
mod queue;
mod reporter;
pub mod results;
pub mod rpmfile;
mod service;
mod shelf;
pub mod signing;
pub mod static_server;
pub mod tree;
pub mod verify;

pub use config::Config;
pub use machines::MachineId;
pub use service::{Invitations, Service, StartError};
