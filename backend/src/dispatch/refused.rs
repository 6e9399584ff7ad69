//! Why a machine does not get what it asks for.

use std::io;

use crate::reporter::Stopping;

#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The ticket or token opens nothing.
    #[error("{0}")]
    Token(&'static str),
    /// Late news of an attempt that has ended.
    #[error("this attempt has ended")]
    Over,
    #[error("{0}")]
    NotFound(String),
    /// The request cannot be read.
    #[error("{0}")]
    Bad(String),
    /// What was sent is not what was declared.
    #[error("{0}")]
    Mismatch(String),
    #[error("{0}")]
    TooLarge(String),
    #[error("the body came too slowly")]
    Slow,
    #[error("the body ended before its end")]
    Broken,
    /// Our side cannot now; ask again later.
    #[error("the backend cannot do that now; try again")]
    Unavailable(#[from] io::Error),
    #[error("the backend stops; try again")]
    Stopping,
}

impl From<Stopping> for Refused {
    fn from(_: Stopping) -> Self {
        Self::Stopping
    }
}
