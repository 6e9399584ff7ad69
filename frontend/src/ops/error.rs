//! Why a rule said no. Only the edge knows which status that is.

use coppice_store::StoreError;

use super::problem::{self, Problem};

#[derive(Debug, thiserror::Error)]
pub enum OpError {
    /// 401: unknown login, wrong token, or expired.
    #[error("login invalid or expired")]
    Unauthenticated,
    /// 404
    #[error("{0}")]
    NotFound(String),
    /// 403
    #[error("{0}")]
    Forbidden(String),
    /// 400: fields of a form; how they are written depends on the form (contract section 3.1).
    #[error("{}", problem::list(.0))]
    Invalid(Vec<Problem>),
    /// 400
    #[error("{0}")]
    Refused(String),
    /// 409
    #[error("{0}")]
    Conflict(String),
    /// A report that contradicts what is known; it goes to the dead letters.
    #[error("a report contradicts what is known: {0}")]
    Inconsistent(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl OpError {
    /// Whether the same call may succeed a little later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_transient())
    }

    /// Somebody else changed the same thing in the same moment: the caller tries again.
    pub(crate) fn moved() -> Self {
        Self::Store(StoreError::Moved)
    }
}
