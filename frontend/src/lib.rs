//! The frontend: pages and API v3 for people and clients; the only service that decides what happens next.

mod accounts;
mod api;
mod calendar;
pub mod config;
mod downloads;
mod logs;
mod news;
mod notice;
mod pages;
mod peers;
mod repofile;
mod server;
mod service;
mod streams;
mod token_use;
mod transport;
mod uploads;
mod web;

mod app;
pub mod manage;
pub mod ops;
mod outbox;
mod reports;
mod sweep;

pub use app::App;
pub use config::Config;
pub use service::{Service, StartError};
