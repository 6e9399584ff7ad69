//! The agent's own log on standard error; `COPPICE_LOG` takes a filter.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::{EnvFilter, fmt};

pub fn init() {
    let filter = EnvFilter::try_from_env("COPPICE_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let base = fmt().with_env_filter(filter).with_writer(stderr).with_target(false);
    let set = if stderr().is_terminal() {
        base.compact().try_init()
    } else {
        base.json().flatten_event(true).try_init()
    };
    // Only a second call fails, and the first one has set it up.
    drop(set);
}
