//! Steps of work that must survive a kill, told as soon as each is on the disk: tests kill by them.

use std::{fmt, io, sync::Arc};

/// Hears of every step `S` when it is done; an error ends the work there. By default nobody listens.
pub struct Watch<S>(Arc<dyn Fn(S) -> io::Result<()> + Send + Sync>);

impl<S> Watch<S> {
    pub fn new(watch: impl Fn(S) -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self(Arc::new(watch))
    }

    pub fn done(&self, step: S) -> io::Result<()> {
        (self.0)(step)
    }
}

impl<S> Clone for Watch<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> Default for Watch<S> {
    fn default() -> Self {
        Self::new(|_| Ok(()))
    }
}

impl<S> fmt::Debug for Watch<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}
