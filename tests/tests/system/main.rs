//! The whole of Coppice, started by `coppice up`, used by the real copr-cli, dnf and git, on both databases.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bad_sources;
mod client;
mod faults;
mod instance;
mod mock;
mod publishing;
mod repositories;
mod story;

use std::sync::{Mutex, MutexGuard};

use coppice_kit::{Database, Stack, StackOptions, distro};

/// One stack at a time: each takes several processes, and the timing of builds shall mean something.
static ONE: Mutex<()> = Mutex::new(());

/// A stack with the small distribution; `None` (with the reason printed) where that cannot be made.
fn stack(options: &StackOptions) -> Option<(Stack, MutexGuard<'static, ()>)> {
    let turn = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    distro::repository()?;
    Some((Stack::start(options), turn))
}

/// Makes a test of each story on SQLite and on PostgreSQL.
macro_rules! on_both_databases {
    ($($story:ident),+ $(,)?) => {
        mod sqlite {
            $(#[test] fn $story() { super::$story(coppice_kit::Database::Sqlite) })+
        }
        mod postgres {
            $(#[test] fn $story() { super::$story(coppice_kit::Database::Postgres) })+
        }
    };
}
pub(crate) use on_both_databases;

/// The usual stack on one database.
fn usual(database: Database) -> Option<(Stack, MutexGuard<'static, ()>)> {
    stack(&StackOptions::on(database))
}
