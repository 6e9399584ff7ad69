//! The frontend as a service: opens everything, then runs its parts until told to stop.

use std::{io, net::SocketAddr, path::PathBuf};

use actix_web::{dev::Server, web::Data};
use coppice_runtime::{Bus, BusError, Secret, Stop, Tasks, health::Metrics, secret::SecretError};
use coppice_store::{Store, StoreError};

use crate::{
    App,
    accounts::AccountsError,
    config::Config,
    notice,
    pages::TemplateError,
    peers::PeerError,
    server::{self, Parts},
    transport::Requests,
    uploads,
    web::Web,
};

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("making the folder {path}")]
    Folder { path: PathBuf, source: io::Error },
    #[error("public_url {0:?} has no host name: give a whole address, for example https://copr.example.com")]
    PublicUrl(String),
    #[error("preparing the pages")]
    Templates(#[from] TemplateError),
    #[error("reading the secret shared with keygen (keygen_secret_file)")]
    Secret(#[from] SecretError),
    #[error("preparing the accounts (section [accounts] of the configuration)")]
    Accounts(#[from] AccountsError),
    #[error(transparent)]
    Peers(#[from] PeerError),
    #[error("opening the store")]
    Store(#[from] StoreError),
    #[error("connecting to the message bus")]
    Bus(#[from] BusError),
    #[error("preparing the numbers of /metrics")]
    Metrics(#[from] prometheus::Error),
    #[error("listening on {addr}")]
    Listen { addr: SocketAddr, source: io::Error },
}

/// A frontend that has everything it needs.
pub struct Service {
    addr: SocketAddr,
    server: Server,
    app: Data<App>,
    web: Data<Web>,
    bus: Bus,
    stop: Stop,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").field("addr", &self.addr).finish_non_exhaustive()
    }
}

impl Service {
    /// Opens everything that can fail: folders, database, bus, socket.
    pub async fn start(config: Config, stop: Stop) -> Result<Self, StartError> {
        let keygen_secret = Secret::read(&config.keygen_secret_file)?;
        let web = Data::new(Web::open(&config, keygen_secret.clone())?);
        let store = Store::open(&config.database).await?;
        let bus = Bus::connect(&config.redis).await?;
        web.accounts.throttle.share(bus.clone());
        let app = Data::new(App::new(&config, store, keygen_secret));
        let metrics = Metrics::new();
        let requests = Data::new(Requests::new(&metrics)?);
        let parts = Parts { app: app.clone(), web: web.clone(), metrics, requests };
        let (addr, server) = server::bind(&config.http, parts)
            .map_err(|source| StartError::Listen { addr: config.http.listen, source })?;
        tracing::info!(%addr, "listening");
        Ok(Self { addr, server, app, web, bus, stop })
    }

    /// The real address, also when port 0 was configured.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Runs until stopped.
    pub async fn run(self) {
        let Self { server, app, web, bus, stop, .. } = self;
        let mut tasks = Tasks::new(stop.clone());
        tasks.spawn("http", server::run(server, stop.clone()));
        tasks.spawn("notice", notice::keep_fresh(app.clone(), web.clone(), stop.clone()));
        tasks.spawn("uploads", uploads::keep_clean(app.clone(), web, stop));
        crate::app::spawn(&mut tasks, app.into_inner(), bus);
        tasks.finish().await;
    }
}
