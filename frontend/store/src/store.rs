//! The way to the database: reads from a pool, writes as transactions, both off the async threads.

use std::sync::Arc;

use diesel::r2d2::Pool;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use tokio::sync::{broadcast, watch};

use crate::{
    StoreError,
    changes::{self, Changed},
    conn::{Address, Conn, Opener, in_transaction},
};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");
/// Holds off other frontends that start at the same time.
const POSTGRES_MIGRATION_LOCK: &str = "SELECT pg_advisory_lock(7310578211)";
const POSTGRES_MIGRATION_UNLOCK: &str = "SELECT pg_advisory_unlock(7310578211)";

/// The database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    readers: Pool<Opener>,
    writers: Pool<Opener>,
    commits: Arc<watch::Sender<u64>>,
    changed: broadcast::Sender<Changed>,
}

/// Who listens to changes may fall so many transactions behind.
const CHANGES_KEPT: usize = 1_024;

impl Store {
    /// Opens `sqlite:///PATH` or `postgres://…` and brings it to the current version.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let address = Address::parse(url)?;
        on_blocking_pool(move || {
            migrate(&address)?;
            let writers = pool(address.clone(), false)?;
            let readers = match address {
                Address::Sqlite { .. } => pool(address, true)?,
                Address::Postgres { .. } => writers.clone(),
            };
            Ok(Self {
                readers,
                writers,
                commits: Arc::new(watch::Sender::new(0)),
                changed: broadcast::Sender::new(CHANGES_KEPT),
            })
        })
        .await
    }

    /// Runs queries that change nothing. Each statement sees the newest data.
    pub async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut Conn) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        on_pool(self.readers.clone(), work).await
    }

    /// Runs `work` as one transaction: all of it or nothing.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut Conn) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let transaction = |conn: &mut Conn| {
            let (done, changed) = changes::of(|| in_transaction(conn, work));
            Ok::<_, E>((done?, changed))
        };
        let (done, changed) = on_pool(self.writers.clone(), transaction).await?;
        self.commits.send_modify(|count| *count = count.wrapping_add(1));
        if !changed.is_empty() {
            // An error says only that nobody listens.
            drop(self.changed.send(changed));
        }
        Ok(done)
    }

    /// Runs one statement that is no news to anybody: it is its own transaction and wakes nobody who waits for commits.
    pub async fn tidy<T, E, F>(&self, statement: F) -> Result<T, E>
    where
        F: FnOnce(&mut Conn) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        on_pool(self.writers.clone(), statement).await
    }

    /// The builds that each write of this process changed, once it is committed.
    pub fn changes(&self) -> broadcast::Receiver<Changed> {
        self.changed.subscribe()
    }

    /// Changes after every write of this process; who waits for news waits for this.
    pub fn commits(&self) -> watch::Receiver<u64> {
        self.commits.subscribe()
    }
}

async fn on_pool<T, E, F>(pool: Pool<Opener>, work: F) -> Result<T, E>
where
    F: FnOnce(&mut Conn) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    on_blocking_pool(move || {
        let mut pooled = pool.get().map_err(StoreError::from)?;
        let done = work(&mut pooled.conn);
        pooled.is_suspect = done.is_err();
        done
    })
    .await
}

async fn on_blocking_pool<T, E, F>(work: F) -> Result<T, E>
where
    F: FnOnce() -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(_) => Err(StoreError::BrokenOff.into()),
    }
}

fn pool(address: Address, read_only: bool) -> Result<Pool<Opener>, StoreError> {
    let opener = Opener { address, read_only };
    let checks = matches!(opener.address, Address::Postgres { .. });
    let builder = Pool::builder()
        .max_size(opener.most_connections())
        .min_idle(Some(1))
        .connection_timeout(opener.patience())
        .test_on_check_out(checks);
    Ok(builder.build(opener)?)
}

fn migrate(address: &Address) -> Result<(), StoreError> {
    let opener = Opener { address: address.clone(), read_only: false };
    match opener.open().map_err(StoreError::Open)? {
        Conn::Sqlite(mut conn) => {
            conn.run_pending_migrations(SQLITE).map_err(StoreError::Migrate)?;
        }
        Conn::Postgres(mut conn) => {
            use diesel::connection::SimpleConnection;
            conn.batch_execute(POSTGRES_MIGRATION_LOCK)?;
            conn.run_pending_migrations(POSTGRES).map_err(StoreError::Migrate)?;
            conn.batch_execute(POSTGRES_MIGRATION_UNLOCK)?;
        }
    }
    Ok(())
}
