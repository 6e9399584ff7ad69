//! What every part of the frontend shares: the database, the clock and what the rules must know.

use std::sync::Arc;

use coppice_runtime::{Bus, Clock, Secret, Tasks};
use coppice_store::Store;

use crate::{
    Config,
    downloads::{self, Downloads},
    news::{self, News},
    ops::{Context, Settings},
    outbox, reports, sweep,
    token_use::TokenUse,
};

#[derive(Debug, Clone)]
pub struct App {
    pub store: Store,
    pub clock: Clock,
    pub settings: Arc<Settings>,
    /// Tokens whose use is being written.
    pub token_use: TokenUse,
    /// For who looks at pages that change.
    pub news: Arc<News>,
    pub downloads: Arc<Downloads>,
}

impl App {
    /// `keygen_secret` is shared with keygen.
    pub fn new(config: &Config, store: Store, keygen_secret: Secret) -> Self {
        let settings = Arc::new(Settings::new(config, keygen_secret));
        let (token_use, news, downloads) = (TokenUse::default(), Arc::default(), Arc::default());
        Self { store, clock: Clock::System, settings, token_use, news, downloads }
    }

    /// The settings and this moment, for one call of a rule.
    pub fn context(&self) -> Context {
        Context { settings: Arc::clone(&self.settings), now: self.clock.now() }
    }
}

/// Starts what runs beside the HTTP server: the outbox relay, the reader of reports, and the sweep.
pub fn spawn(tasks: &mut Tasks, app: Arc<App>, bus: Bus) {
    let stop = tasks.stop().clone();
    tasks.spawn("outbox relay", outbox::relay(Arc::clone(&app), bus.clone(), stop.clone()));
    tasks.spawn("report reader", reports::read(Arc::clone(&app), bus.clone(), stop.clone()));
    tasks.spawn("news", news::run(Arc::clone(&app), bus.clone(), stop.clone()));
    tasks.spawn("downloads", downloads::run(Arc::clone(&app), stop.clone()));
    tasks.spawn("sweep", sweep::run(app, bus, stop));
}
