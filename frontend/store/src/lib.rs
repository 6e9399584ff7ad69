//! The frontend's database: SQLite or PostgreSQL behind one set of queries. Nobody but the frontend uses it.
//!
//! Queries are functions on a [`Conn`] in one module per table; callers run them through [`Store`].

mod changes;
mod column;
mod conn;
mod error;
mod page;
mod schema;
mod store;

pub mod actions;
pub mod attempts;
pub mod batches;
pub mod build_chroots;
pub mod builds;
pub mod built_packages;
pub mod groups;
pub mod idempotency;
pub mod inbox;
pub mod mock_chroots;
pub mod outbox;
pub mod packages;
pub mod permissions;
pub mod plain;
pub mod project_chroots;
pub mod project_dirs;
pub mod projects;
pub mod sessions;
pub mod tokens;
pub mod users;
pub mod webhook_secrets;

pub use changes::Changed;
pub use conn::Conn;
pub use error::StoreError;
pub use page::Page;
pub use store::Store;

pub use actions::{Action, ActionKind, ActionMessage};
pub use attempts::AttemptRecord;
pub use build_chroots::BuildChroot;
pub use builds::{Build, BuildFailure, BuildFilter, BuildLine, BuildOptions, BuildSource, BuildView};
pub use groups::Group;
pub use mock_chroots::MockChroot;
pub use packages::{Package, PackageSettings};
pub use permissions::Roles;
pub use project_chroots::{ChrootSettings, ProjectChroot};
pub use project_dirs::ProjectDir;
pub use projects::{Project, ProjectSettings};
pub use sessions::{NewSession, Session};
pub use tokens::{ApiToken, NewApiToken, TokenScope};
pub use users::User;

#[cfg(test)]
mod tests;
