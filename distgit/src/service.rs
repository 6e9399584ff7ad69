//! Starts DistGit: folders, bus and socket first, then imports and HTTP until stopped.

use std::{
    fs::{self, File, TryLockError},
    io,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use coppice_runtime::{Bus, BusError, Clock, Consumer, Stop, Tasks, files::remove_all, health::Metrics};

use crate::{
    config::Config,
    download,
    http::{self, Pages},
    import::Importer,
    lookaside::Lookaside,
    outcomes::Outcomes,
    repository::Repositories,
};

const LOCK_TRIES: u32 = 60;
const LOCK_PAUSE: Duration = Duration::from_millis(50);

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("opening the data folder {path}")]
    Data { path: PathBuf, source: io::Error },
    #[error("the data folder {0} is used by another distgit: stop that one or choose another folder")]
    InUse(PathBuf),
    #[error("connecting to Redis at {url}")]
    Bus { url: String, source: BusError },
    #[error("listening on {listen}")]
    Listen { listen: SocketAddr, source: io::Error },
    #[error("preparing downloads")]
    Client(#[from] reqwest::Error),
    #[error("preparing the numbers for /metrics")]
    Metrics(#[from] prometheus::Error),
}

/// A DistGit that is ready to run.
#[derive(Debug)]
pub struct Service {
    stop: Stop,
    addr: SocketAddr,
    listener: TcpListener,
    consumer: Consumer,
    importer: Arc<Importer>,
    pages: Pages,
    config: Config,
    /// Held as long as the service lives.
    _lock: File,
}

impl Service {
    pub async fn start(config: Config, stop: Stop) -> Result<Self, StartError> {
        let lock = lock(&config.data_dir).await?;
        empty_temporary(&config.data_dir)?;
        let metrics = Metrics::new();
        let listen = config.http.listen;
        let bound = TcpListener::bind(listen).and_then(|l| Ok((l.local_addr()?, l)));
        let (addr, listener) = bound.map_err(|source| StartError::Listen { listen, source })?;
        let bus = Bus::connect(&config.redis).await;
        let bus = bus.map_err(|source| StartError::Bus { url: config.redis.clone(), source })?;
        let consumer = Consumer::new(bus.clone(), &config.consumer).at_once(config.imports);
        let importer = Arc::new(importer(&config, bus, &metrics)?);
        let (repositories, lookaside) = (importer.repositories.clone(), importer.lookaside.clone());
        let pages = Pages::new(&config.http, repositories, lookaside, metrics)?;
        Ok(Self { stop, addr, listener, consumer, importer, pages, config, _lock: lock })
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Runs until stopped.
    pub async fn run(self) {
        let server = match http::serve(self.listener, self.config.http.workers, self.pages) {
            Ok(server) => server,
            Err(error) => return tracing::error!(%error, "could not serve HTTP"),
        };
        tracing::info!(addr = %self.addr, "distgit is ready");
        let mut tasks = Tasks::new(self.stop.clone());
        tasks.spawn("imports", self.consumer.run(self.importer, self.stop.clone()));
        tasks.spawn("http", http::until_stopped(server, self.stop.clone()));
        tasks.finish().await;
    }
}

/// One service per data folder. A child that is just being started may hold the lock for a moment more.
async fn lock(data_dir: &Path) -> Result<File, StartError> {
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

/// What a killed service left half-way.
fn empty_temporary(data_dir: &Path) -> Result<(), StartError> {
    let temporary = data_dir.join("tmp");
    let emptied = remove_all(&temporary).and_then(|()| fs::create_dir(&temporary));
    emptied.map_err(|source| StartError::Data { path: temporary, source })
}

fn importer(config: &Config, bus: Bus, metrics: &Metrics) -> Result<Importer, StartError> {
    let failed = |source| StartError::Data { path: config.data_dir.clone(), source };
    let data = |name: &str| config.data_dir.join(name);
    let temporary = data("tmp");
    Ok(Importer {
        bus,
        clock: Clock::default(),
        client: download::client(&config.limits)?,
        limits: config.limits.clone(),
        public_url: config.public_url.clone(),
        lookaside: Lookaside::open(data("lookaside"), temporary.clone()).map_err(failed)?,
        repositories: Repositories::open(data("git"), temporary.clone()).map_err(failed)?,
        outcomes: Outcomes::open(data("imports")).map_err(failed)?,
        temporary,
        counted: metrics.counter("coppice_distgit_imports_total", "Imports by outcome.", &["outcome"])?,
    })
}
