//! Logs: for people on a terminal, JSON lines otherwise. `COPPICE_LOG` takes a filter (`info` by default).

use std::{
    error::Error,
    io::{IsTerminal, stderr},
};

use tracing_subscriber::{EnvFilter, fmt};

/// Sets up logging to standard error; a second call changes nothing.
pub fn init() {
    let filter =
        EnvFilter::try_from_env("COPPICE_LOG").unwrap_or_else(|_| EnvFilter::new("info,actix_server=warn"));
    let base = fmt().with_env_filter(filter).with_writer(stderr).with_target(false);
    let set = if stderr().is_terminal() {
        base.compact().try_init()
    } else {
        base.json().flatten_event(true).with_target(true).try_init()
    };
    // Tests start several services in one process; the first one has set it up.
    drop(set);
}

/// An error with its causes in one line, for logs and for sentences that nobody sees the error itself behind.
pub fn with_causes(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |cause| Error::source(*cause));
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
