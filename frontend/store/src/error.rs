//! What can go wrong with the database.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the database address must be sqlite:///PATH or postgres://…")]
    Address,
    #[error("opening the database")]
    Open(#[source] diesel::ConnectionError),
    #[error("bringing the database to the current version")]
    Migrate(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("waiting for a connection to the database")]
    Pool(#[from] diesel::r2d2::PoolError),
    #[error("asking the database")]
    Query(#[from] DieselError),
    #[error("{what} in the database cannot be read: {reason}")]
    Unreadable { what: &'static str, reason: String },
    #[error("{0} is not in the database")]
    Absent(String),
    #[error("somebody else changed the same row in the same moment")]
    Moved,
    #[error("a call of the database broke off")]
    BrokenOff,
}

impl StoreError {
    /// Whether the same call may succeed a little later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Pool(_) | Self::Open(_) | Self::Moved => true,
            Self::Query(DieselError::DatabaseError(kind, info)) => {
                let retried = matches!(
                    kind,
                    DatabaseErrorKind::SerializationFailure
                        | DatabaseErrorKind::ClosedConnection
                        | DatabaseErrorKind::UnableToSendCommand
                        | DatabaseErrorKind::UniqueViolation
                );
                retried || is_busy(info.message())
            }
            Self::Query(DieselError::BrokenTransactionManager) => true,
            _ => false,
        }
    }

    /// Whether a row with the same unique value was there first.
    pub fn is_duplicate(&self) -> bool {
        matches!(self, Self::Query(DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)))
    }
}

/// What the databases say when the fault is the moment, not the query.
fn is_busy(message: &str) -> bool {
    [
        "locked",
        "deadlock",
        "terminating connection",
        "shutting down",
        "starting up",
        "disk is full",
        "disk full",
    ]
    .iter()
    .any(|sign| message.contains(sign))
}
