//! Starts keygen: secret, folder, GnuPG, bus and socket first, then keys and HTTP until stopped.

use std::{
    fs::{self, File, TryLockError},
    io,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use coppice_runtime::{
    Bus, BusError, Clock, Consumer, Secret, Stop, Tasks, health::Metrics, logging::with_causes,
    secret::SecretError,
};

use tokio::sync::Notify;

use crate::{
    agent::{self, AgentError},
    audit::Audit,
    backup,
    config::Config,
    creation::Creator,
    home::{Home, HomeError},
    http::{self, Desk},
    keyring::{KeyError, Keyring},
    pool,
    signers::{GpgError, Signers},
};

const LOCK_TRIES: u32 = 60;
const LOCK_PAUSE: Duration = Duration::from_millis(50);

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("opening the data folder {path}")]
    Data { path: PathBuf, source: io::Error },
    #[error("the data folder {0} is used by another keygen: stop that one or choose another folder")]
    InUse(PathBuf),
    #[error("a restore into {0} was interrupted: run `coppice-keygen restore` again first")]
    HalfRestored(PathBuf),
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Home(#[from] HomeError),
    #[error(transparent)]
    Agent(#[from] AgentError),
    #[error("starting GnuPG; is it installed?")]
    Gpg(#[from] GpgError),
    #[error("starting GnuPG; is it installed?")]
    Key(#[from] KeyError),
    #[error("connecting to Redis at {url}")]
    Bus { url: String, source: BusError },
    #[error("listening on {listen}")]
    Listen { listen: SocketAddr, source: io::Error },
    #[error("preparing the numbers for /metrics")]
    Metrics(#[from] prometheus::Error),
}

/// Keys that are made ahead.
#[derive(Debug)]
struct Pool {
    wanted: usize,
    shrank: Arc<Notify>,
}

/// A keygen that is ready to run.
#[derive(Debug)]
pub struct Service {
    stop: Stop,
    addr: SocketAddr,
    listener: TcpListener,
    workers: usize,
    home: Arc<Home>,
    consumer: Consumer,
    creator: Arc<Creator>,
    pool: Pool,
    desk: Desk,
    metrics: Metrics,
    /// Held as long as the service lives.
    _lock: File,
}

impl Service {
    pub async fn start(config: Config, stop: Stop) -> Result<Self, StartError> {
        let secret = Secret::read(&config.secret_file)?;
        let backend_secret = Secret::read(&config.backend_secret_file)?;
        let lock = lock(&config.data_dir).await?;
        if backup::is_half_restored(&config.data_dir) {
            return Err(StartError::HalfRestored(config.data_dir));
        }
        let listen = config.http.listen;
        let bound = TcpListener::bind(listen).and_then(|l| Ok((l.local_addr()?, l)));
        let (addr, listener) = bound.map_err(|source| StartError::Listen { listen, source })?;
        let bus = Bus::connect(&config.redis).await;
        let bus = bus.map_err(|source| StartError::Bus { url: config.redis.clone(), source })?;
        let (home, keyring) = open_keyring(&config).await?;
        let audit = open_audit(&config.data_dir)?;
        let metrics = Metrics::new();
        let counted =
            metrics.counter("coppice_keygen_items_total", "Signatures by outcome.", &["outcome"])?;
        let consumer = Consumer::new(bus.clone(), &config.consumer);
        let (keyring_of, audit_of) = (Arc::clone(&keyring), Arc::clone(&audit));
        let (clock, pool_shrank) = (Clock::default(), Arc::new(Notify::new()));
        let creator = Creator {
            bus,
            clock: clock.clone(),
            keyring: keyring_of,
            audit: audit_of,
            watch: config.watch.clone(),
            pool_shrank: Arc::clone(&pool_shrank),
        };
        let pool = Pool { wanted: config.pool, shrank: pool_shrank };
        let (limits, watch) = (config.limits, config.watch);
        let desk = Desk { keyring, audit, secret, backend_secret, clock, limits, watch, counted };
        let (workers, creator) = (config.http.workers, Arc::new(creator));
        Ok(Self { stop, addr, listener, workers, home, consumer, creator, pool, desk, metrics, _lock: lock })
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Runs until stopped; gpg-agent ends with it.
    pub async fn run(self) {
        let keyring = Arc::clone(&self.desk.keyring);
        match http::serve(self.listener, self.workers, self.desk, self.metrics) {
            Ok(server) => {
                tracing::info!(addr = %self.addr, "keygen is ready");
                let mut tasks = Tasks::new(self.stop.clone());
                tasks.spawn("keys", self.consumer.run(self.creator, self.stop.clone()));
                let Pool { wanted, shrank } = self.pool;
                tasks.spawn("pool", pool::keep_filled(keyring, wanted, shrank, self.stop.clone()));
                tasks.spawn("http", http::until_stopped(server, self.stop.clone()));
                tasks.finish().await;
            }
            Err(error) => tracing::error!(%error, "could not serve HTTP"),
        }
        if let Err(error) = agent::end(self.home.path()).await {
            tracing::warn!(error = with_causes(&error), "gpg-agent is left behind");
        }
        if let Err(error) = self.home.close() {
            tracing::warn!(error = with_causes(&error), "a short path to the key folder is left behind");
        }
    }
}

/// One service per data folder. A child that is just being started may hold the lock for a moment more.
pub(crate) async fn lock(data_dir: &Path) -> Result<File, StartError> {
    let failed = |source| StartError::Data { path: data_dir.to_owned(), source };
    fs::create_dir_all(data_dir).map_err(failed)?;
    let file = File::options().append(true).create(true).open(data_dir.join("lock")).map_err(failed)?;
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => tokio::time::sleep(LOCK_PAUSE).await,
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
    }
    Err(StartError::InUse(data_dir.to_owned()))
}

/// Begins with an agent of our own: one that a killed service left could be of an older GnuPG.
async fn open_keyring(config: &Config) -> Result<(Arc<Home>, Arc<Keyring>), StartError> {
    let home = Arc::new(Home::open(&config.data_dir.join("gnupg"))?);
    agent::end_left(home.path()).await?;
    let path = home.path().to_owned();
    home.remove_left_locks().map_err(|source| StartError::Data { path, source })?;
    let signers = Signers::start(Arc::clone(&home), config.signers)?;
    let keyring = Keyring::new(signers, config, Clock::default());
    keyring.check().await?;
    Ok((home, Arc::new(keyring)))
}

fn open_audit(data_dir: &Path) -> Result<Arc<Audit>, StartError> {
    let path = data_dir.join("audit.log");
    let opened = Audit::open(&path, Clock::default());
    opened.map(Arc::new).map_err(|source| StartError::Data { path, source })
}
