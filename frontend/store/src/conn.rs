//! One connection type over SQLite and PostgreSQL, and how connections are opened.

use std::time::{Duration, Instant};

use diesel::{
    Connection, ConnectionError, PgConnection, SqliteConnection,
    connection::{AnsiTransactionManager, SimpleConnection, TransactionManager},
    r2d2::ManageConnection,
};

use crate::StoreError;

/// A connection to either database; queries are written once for both.
#[derive(diesel::MultiConnection)]
pub enum Conn {
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

impl std::fmt::Debug for Conn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Postgres(_) => "Conn::Postgres",
            Self::Sqlite(_) => "Conn::Sqlite",
        })
    }
}

/// Runs what `MultiConnection` lacks (on-conflict, inserting a `Vec`) on the database at hand.
macro_rules! on_either {
    ($conn:expr, |$c:ident| $query:expr) => {
        match $conn {
            $crate::conn::Conn::Postgres($c) => $query,
            $crate::conn::Conn::Sqlite($c) => $query,
        }
    };
}
pub(crate) use on_either;

/// Which database an address names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    Sqlite { path: String },
    Postgres { url: String },
}

impl Address {
    pub(crate) fn parse(url: &str) -> Result<Self, StoreError> {
        if let Some(path) = url.strip_prefix("sqlite://").filter(|path| !path.is_empty()) {
            return Ok(Self::Sqlite { path: path.to_owned() });
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Self::Postgres { url: url.to_owned() });
        }
        Err(StoreError::Address)
    }
}

/// So long after its last good work a connection needs no trial.
const TRUSTED: Duration = Duration::from_secs(1);

/// Opens connections for a pool.
#[derive(Debug)]
pub(crate) struct Opener {
    pub(crate) address: Address,
    pub(crate) read_only: bool,
}

/// WAL lets readers go on while the one writer writes; FULL makes a commit survive a power cut.
const SQLITE_SETTINGS: &str =
    "PRAGMA busy_timeout = 15000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;";

impl Opener {
    pub(crate) fn open(&self) -> Result<Conn, ConnectionError> {
        match &self.address {
            Address::Postgres { url } => Ok(Conn::Postgres(PgConnection::establish(url)?)),
            Address::Sqlite { path } => {
                let mut conn = SqliteConnection::establish(path)?;
                conn.batch_execute(SQLITE_SETTINGS).map_err(ConnectionError::CouldntSetupConfiguration)?;
                if self.read_only {
                    conn.batch_execute("PRAGMA query_only = ON")
                        .map_err(ConnectionError::CouldntSetupConfiguration)?;
                }
                Ok(Conn::Sqlite(conn))
            }
        }
    }

    /// SQLite has one writer; PostgreSQL takes as many as it gives.
    pub(crate) fn most_connections(&self) -> u32 {
        match (&self.address, self.read_only) {
            (Address::Sqlite { .. }, false) => 1,
            (Address::Sqlite { .. }, true) => 4,
            (Address::Postgres { .. }, _) => 8,
        }
    }

    pub(crate) fn patience(&self) -> Duration {
        Duration::from_secs(15)
    }
}

/// A connection of a pool, with what tells whether it is to be tried before its next use: a question whose answer is
/// known costs as much as one that is not.
#[derive(Debug)]
pub(crate) struct Pooled {
    pub(crate) conn: Conn,
    /// Its last work failed.
    pub(crate) is_suspect: bool,
    used: Instant,
}

impl ManageConnection for Opener {
    type Connection = Pooled;
    type Error = diesel::r2d2::Error;

    fn connect(&self) -> Result<Pooled, Self::Error> {
        Ok(Pooled { conn: self.open()?, is_suspect: false, used: Instant::now() })
    }

    fn is_valid(&self, pooled: &mut Pooled) -> Result<(), Self::Error> {
        if pooled.is_suspect || pooled.used.elapsed() > TRUSTED {
            pooled.conn.batch_execute("SELECT 1")?;
            pooled.is_suspect = false;
        }
        pooled.used = Instant::now();
        Ok(())
    }

    fn has_broken(&self, pooled: &mut Pooled) -> bool {
        std::thread::panicking() || is_broken(&mut pooled.conn)
    }
}

fn is_broken(conn: &mut Conn) -> bool {
    on_either!(conn, |c| AnsiTransactionManager::is_broken_transaction_manager(c))
}

/// Runs `work` as one transaction. SQLite takes its write lock at the start, so a later write cannot fail
/// because somebody else wrote in between.
pub(crate) fn in_transaction<T, E: From<StoreError>>(
    conn: &mut Conn,
    work: impl FnOnce(&mut Conn) -> Result<T, E>,
) -> Result<T, E> {
    begin(conn).map_err(StoreError::from)?;
    let done = work(conn);
    let ended = match &done {
        Ok(_) => <Conn as Connection>::TransactionManager::commit_transaction(conn),
        Err(_) => <Conn as Connection>::TransactionManager::rollback_transaction(conn),
    };
    // A failed roll-back leaves a broken connection, which the pool drops; the first error is the cause.
    match (done, ended) {
        (Ok(_), Err(error)) => Err(StoreError::from(error).into()),
        (done, _) => done,
    }
}

fn begin(conn: &mut Conn) -> diesel::QueryResult<()> {
    match conn {
        Conn::Sqlite(c) => AnsiTransactionManager::begin_transaction_sql(c, "BEGIN IMMEDIATE"),
        Conn::Postgres(c) => AnsiTransactionManager::begin_transaction_sql(c, "BEGIN"),
    }
}
