//! The only source of time, so that tests can turn it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::UNIX_EPOCH,
};

use coppice_model::UnixTime;

#[derive(Debug, Clone, Default)]
pub enum Clock {
    #[default]
    System,
    /// Stands still until a test moves it.
    Test(Arc<AtomicI64>),
}

impl Clock {
    pub fn at(seconds: i64) -> Self {
        Self::Test(Arc::new(AtomicI64::new(seconds)))
    }

    pub fn now(&self) -> UnixTime {
        match self {
            Self::System => UnixTime(system_seconds()),
            Self::Test(seconds) => UnixTime(seconds.load(Ordering::Relaxed)),
        }
    }

    /// Moves a test clock; the system's goes by itself.
    pub fn advance(&self, seconds: i64) {
        if let Self::Test(now) = self {
            now.fetch_add(seconds, Ordering::Relaxed);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the clock that everybody else asks")]
fn system_seconds() -> i64 {
    let since = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
