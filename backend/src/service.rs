//! The backend's parts, opened together and run until stopped.

use std::{io, net::SocketAddr, net::TcpListener, sync::Arc, time::Duration};

use actix_web::{
    App, HttpServer,
    dev::{Server, ServerHandle},
    web,
};
use coppice_model::messages::BackendTask;
use coppice_runtime::{
    Bus, BusError, Clock, Consumer, Stop, Tasks, health, health::Metrics, logging::with_causes,
};
use tokio::sync::mpsc;

use crate::{
    action_queue::ActionQueue,
    agent_api,
    config::Config,
    consumer::Taker,
    counts::Counts,
    dispatch::{BY_HAND, Dispatch, Parts, finisher},
    downloads,
    machines::MachineId,
    outcomes::Outcomes,
    providers::{Provider, local::Local, pool::Pool},
    reporter,
    results::{Results, ResultsError},
    static_server,
};

/// Handlers only take work over, so a few at once keep a burst of submissions quick.
const MESSAGES_AT_ONCE: usize = 8;
const SWEEP_EVERY: Duration = Duration::from_secs(60);

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("connecting to Redis")]
    Bus(#[from] BusError),
    #[error("opening the results")]
    Results(#[from] ResultsError),
    #[error("opening the state in {path}")]
    State { path: std::path::PathBuf, source: io::Error },
    #[error("listening on {addr}")]
    Listen { addr: SocketAddr, source: io::Error },
    #[error("serving the results on {addr}")]
    Static { addr: SocketAddr, source: io::Error },
    #[error("preparing the folder of local builders {path}")]
    Local { path: std::path::PathBuf, source: io::Error },
    #[error("preparing the numbers")]
    Metrics(#[from] prometheus::Error),
}

pub struct Service {
    addr: SocketAddr,
    results_addr: SocketAddr,
    servers: Vec<ServerHandle>,
    dispatch: Arc<Dispatch>,
    tasks: Tasks,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").field("addr", &self.addr).finish_non_exhaustive()
    }
}

impl Service {
    /// Opens everything that can fail: folders, bus, sockets.
    pub async fn start(config: Config, stop: Stop) -> Result<Self, StartError> {
        Self::start_at(config, Clock::System, stop).await
    }

    /// As [`Service::start`], with a clock that a test turns.
    pub async fn start_at(config: Config, clock: Clock, stop: Stop) -> Result<Self, StartError> {
        let metrics = Metrics::new();
        let bus = Bus::connect(&config.redis).await?;
        let results = Results::open(&config.results(), clock.clone(), &metrics).await?;
        let state_error = |source| StartError::State { path: config.data_dir.clone(), source };
        let outcomes = Outcomes::open(&config.state_dir()).map_err(state_error)?;
        let (reporter, outgoing) = reporter::reporter();
        let (endings, ended) = mpsc::unbounded_channel();
        let parts = Parts {
            clock: clock.clone(),
            stop: stop.clone(),
            reporter: reporter.clone(),
            results: results.clone(),
            outcomes: outcomes.clone(),
            counts: Counts::new(&metrics)?,
            endings,
        };
        let dispatch = Dispatch::open(&config, parts).map_err(state_error)?;
        let actions =
            ActionQueue::open(&config.state_dir(), outcomes, results.clone(), reporter.clone(), clock)
                .map_err(state_error)?;
        let (addr, server, serving) = listen(&config, &dispatch, &results, &metrics)?;
        let fetched = downloads::Counter::default();
        let (at, workers) = (config.results_listen, config.http.workers.max(1));
        let statics = static_server::bind(at, workers, results.public_dir(), fetched.clone())
            .map_err(|source| StartError::Static { addr: at, source })?;

        let mut tasks = Tasks::new(stop.clone());
        let servers = vec![server, statics.server.handle()];
        tasks.spawn("agent-api", serving);
        tasks.spawn("results", serve("results", statics.server));
        tasks.spawn("downloads", downloads::run(fetched, reporter, stop.clone()));
        tasks.spawn("reporter", outgoing.run(bus.clone(), stop.clone()));
        tasks.spawn("finisher", finisher::run(Arc::clone(&dispatch), ended, stop.clone()));
        let at_once = config.dispatch.actions_at_once;
        tasks.spawn("actions", Arc::clone(&actions).run(at_once, stop.clone()));
        let (sweep, prune) = (Arc::clone(&dispatch), Arc::clone(&dispatch));
        let (sweep_stop, prune_stop) = (stop.clone(), stop.clone());
        tasks.spawn("sweep", async move { sweep.run_sweep(sweep_stop).await });
        tasks.spawn("prune", async move { prune.run_prune(prune_stop).await });
        tasks.spawn("graves", sweep_results(results.clone(), stop.clone()));
        spawn_local(&config, &dispatch, addr, &mut tasks)?;
        let taker = Arc::new(Taker { dispatch: Arc::clone(&dispatch), actions });
        let consumer = Consumer::new(bus, "backend").at_once(MESSAGES_AT_ONCE);
        tasks.spawn("consumer", consumer.run::<BackendTask, _>(taker, stop));
        Ok(Self { addr, results_addr: statics.addr, servers, dispatch, tasks })
    }

    /// Where agents dial and metrics are served.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where the results tree is served.
    pub fn results_addr(&self) -> SocketAddr {
        self.results_addr
    }

    /// Lets machines in that no provider looks after.
    pub fn invitations(&self) -> Invitations {
        Invitations(Arc::clone(&self.dispatch))
    }

    /// Runs until stopped.
    pub async fn run(self) {
        self.tasks.stop().wait().await;
        for server in &self.servers {
            server.stop(true).await;
        }
        self.tasks.finish().await;
    }
}

/// Makes tickets for machines that an operator or a test starts.
#[derive(Debug, Clone)]
pub struct Invitations(Arc<Dispatch>);

impl Invitations {
    pub fn machine(&self) -> io::Result<(MachineId, String)> {
        self.0.expect_machine(BY_HAND)
    }
}

fn listen(
    config: &Config,
    dispatch: &Arc<Dispatch>,
    results: &Results,
    metrics: &Metrics,
) -> Result<(SocketAddr, ServerHandle, impl Future<Output = ()> + Send + use<>), StartError> {
    let fail = |source| StartError::Listen { addr: config.http.listen, source };
    let listener = TcpListener::bind(config.http.listen).map_err(fail)?;
    let addr = listener.local_addr().map_err(fail)?;
    let (health, agents) = (health::routes(metrics.clone()), agent_api::routes(Arc::clone(dispatch)));
    let queue = results.clone();
    let server = HttpServer::new(move || {
        let queue = queue.clone();
        let publishing = move || std::future::ready(web::Json(queue.publishing()));
        App::new()
            .configure(health.clone())
            .configure(agents.clone())
            .route("/publishing", web::get().to(publishing))
    })
    .workers(config.http.workers.max(1))
    // A machine that hung up does not wait for a task any more.
    .h1_allow_half_closed(false)
    .shutdown_timeout(5)
    .disable_signals()
    .listen(listener)
    .map_err(fail)?
    .run();
    let handle = server.handle();
    Ok((addr, handle, serve("agent-api", server)))
}

/// Takes the files of deleted builds away when their time is over.
async fn sweep_results(results: Results, stop: Stop) {
    loop {
        if let Err(error) = results.sweep().await {
            tracing::error!(error = with_causes(&error), "deleted builds could not be removed; trying again");
        }
        tokio::select! {
            () = tokio::time::sleep(SWEEP_EVERY) => {}
            () = stop.wait() => return,
        }
    }
}

async fn serve(name: &'static str, server: Server) {
    if let Err(error) = server.await {
        tracing::error!(server = name, %error, "a server ended");
    }
}

fn spawn_local(
    config: &Config,
    dispatch: &Arc<Dispatch>,
    addr: SocketAddr,
    tasks: &mut Tasks,
) -> Result<(), StartError> {
    let local = config.local.clone();
    if local.agents == 0 {
        return Ok(());
    }
    let agent_url =
        if config.agent_url.is_empty() { format!("http://{addr}") } else { config.agent_url.clone() };
    let (size, keep_running, path) = (local.agents, local.keep_running, local.work_dir.clone());
    let provider = Local::open(local, agent_url).map_err(|source| StartError::Local { path, source })?;
    let pool = Pool {
        dispatch: Arc::clone(dispatch),
        some_ended: provider.some_ended(),
        provider: Arc::new(provider),
        size,
        keep_running,
    };
    tasks.spawn(Local::POOL, pool.run(tasks.stop().clone()));
    Ok(())
}
