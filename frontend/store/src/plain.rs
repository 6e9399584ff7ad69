//! Statements as they are: to fill a database, and to see what is asked.

use std::sync::OnceLock;

use diesel::connection::{
    Instrumentation, InstrumentationEvent, SimpleConnection, set_default_instrumentation,
};

use crate::{Conn, StoreError};

/// Runs statements that nobody checks; for corpora of tests and measurements.
pub fn run(conn: &mut Conn, statements: &str) -> Result<(), StoreError> {
    Ok(conn.batch_execute(statements)?)
}

/// Who is told; diesel takes no closure that holds it.
static TOLD: OnceLock<fn(&str)> = OnceLock::new();

struct Watch;

impl Instrumentation for Watch {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if let (InstrumentationEvent::StartQuery { query, .. }, Some(tell)) = (event, TOLD.get()) {
            tell(&query.to_string());
        }
    }
}

/// Tells every statement of connections that are opened from now on in this process; the first who asks is told.
pub fn watch(tell: fn(&str)) -> Result<(), StoreError> {
    TOLD.get_or_init(|| tell);
    Ok(set_default_instrumentation(|| Some(Box::new(Watch)))?)
}
