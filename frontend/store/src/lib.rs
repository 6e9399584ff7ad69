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
pub mod identities;
pub mod inbox;
pub mod invitations;
pub mod legal_flags;
pub mod mock_chroots;
pub mod notice;
pub mod outbox;
pub mod own_data;
pub mod packages;
pub mod passwords;
pub mod permissions;
pub mod plain;
pub mod profiles;
pub mod project_chroots;
pub mod project_dirs;
pub mod projects;
pub mod publishers;
pub mod queue;
pub mod sessions;
mod statement;
pub mod statistics;
pub mod teams;
pub mod tokens;
pub mod users;
pub mod votes;
pub mod webhook_deliveries;
pub mod webhook_secrets;

pub use changes::Changed;
pub use conn::Conn;
pub use error::StoreError;
pub use page::Page;
pub use store::Store;

pub use actions::{Action, ActionKind, ActionMessage};
pub use attempts::AttemptRecord;
pub use build_chroots::{BuildChroot, Superseded};
pub use builds::{Build, BuildFailure, BuildFilter, BuildLine, BuildOptions, BuildSource, BuildView};
pub use groups::Group;
pub use identities::{Identity, NewIdentity};
pub use invitations::{Invitation, NewInvitation};
pub use legal_flags::{LegalFlag, NewLegalFlag};
pub use mock_chroots::MockChroot;
pub use notice::Notice;
pub use packages::{Package, PackageSettings};
pub use permissions::Roles;
pub use profiles::Profile;
pub use project_chroots::{ChrootSettings, ProjectChroot};
pub use project_dirs::ProjectDir;
pub use projects::{Project, ProjectSettings};
pub use publishers::{NewPublisher, Publisher, RepositoryIds};
pub use sessions::{NewSession, Session};
pub use teams::Team;
pub use tokens::{ApiToken, NewApiToken, TokenScope};
pub use users::{Block, User};
pub use votes::Vote;
pub use webhook_deliveries::{NewWebhookDelivery, WebhookDelivery};

#[cfg(test)]
mod tests;
