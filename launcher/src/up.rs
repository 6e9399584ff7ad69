//! `coppice up`: a private Redis, the four services and local builders, supervised, until told to stop.

use std::{
    fs::{File, OpenOptions},
    future::Future,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    pin::pin,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use clap::Args;
use coppice_runtime::{Stop, logging};
use futures_util::future::try_join_all;
use nix::{
    fcntl::{Flock, FlockArg},
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::process::Command;

use crate::{
    DataOption,
    layout::{Addresses, Choices, Layout, url},
    privileges,
    ready::Ready,
    redis_server, services, supervise,
};

const READY_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(10);

#[derive(Debug, Clone, Args)]
pub struct Options {
    #[command(flatten)]
    data: DataOption,
    /// Address to listen on; 0.0.0.0 for the whole network
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    listen: IpAddr,
    /// First of five ports: web and API, builders, results, DistGit, keys; 0 takes free ones
    #[arg(long, default_value_t = 5000)]
    port: u16,
    /// `postgres://…` instead of SQLite in the data folder
    #[arg(long)]
    database: Option<String>,
    /// How users reach the web address, when a proxy stands before it
    #[arg(long)]
    public_url: Option<String>,
    /// How users reach the results, ending in /results, when a proxy stands before them
    #[arg(long)]
    results_url: Option<String>,
    /// Parallel builds on this host
    #[arg(long, default_value_t = 2)]
    agents: usize,
    /// Start this program for each builder instead of our own agent, for example a wrapper (one word a use)
    #[arg(long)]
    agent_command: Vec<String>,
    /// Where build roots are kept [default: cache in the data folder]
    #[arg(long)]
    cache: Option<PathBuf>,
    /// Let builders fetch from this host[:port] although it is not on the public internet (repeatable)
    #[arg(long)]
    allow: Vec<String>,
    /// After this many seconds without a word a builder is given up and its task starts elsewhere
    #[arg(long, default_value_t = 60)]
    lease: u64,
}

impl Options {
    fn choices(&self) -> Choices {
        Choices {
            database: self.database.clone(),
            public_url: self.public_url.clone(),
            results_url: self.results_url.clone(),
            agents: self.agents,
            agent_command: self.agent_command.clone(),
            cache: self.cache.clone(),
            allow: self.allow.clone(),
            lease_s: self.lease,
        }
    }
}

/// Runs until INT or TERM.
pub fn run(options: Options) -> anyhow::Result<()> {
    logging::init();
    let layout = Layout::new(options.data.path()?);
    privileges::drop_root(&layout)?;
    // One thread: children die with their parent's thread, so that thread must live as long as we do.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ended = runtime.block_on(instance(&options, &layout));
    supervise::end_orphans();
    Ready::remove(&layout)?;
    ended
}

async fn instance(options: &Options, layout: &Layout) -> anyhow::Result<()> {
    layout.create()?;
    let _only_one = lock(layout)?;
    privileges::install_self(layout)?;
    let addresses = Addresses::choose(options.listen, options.port).context("choosing free ports")?;
    ensure_free(&addresses)?;
    layout.write_configs(&addresses, &options.choices())?;
    supervise::adopt_orphans()?;
    let asked = Stop::on_signals()?;
    let redis_stop = Stop::new();
    let redis = supervise::keep_running("redis", || redis_server::command(layout), redis_stop.clone());
    let work = async {
        redis_server::wait_until_up(layout).await?;
        let ended = all_services(layout, &addresses, &asked).await;
        redis_stop.trigger();
        ended
    };
    tokio::try_join!(redis, work).map(|_| ())
}

/// Runs the four services; returns when they have stopped.
async fn all_services(layout: &Layout, addresses: &Addresses, asked: &Stop) -> anyhow::Result<()> {
    let running = try_join_all(
        services::ALL
            .map(|name| supervise::keep_running(name, move || service_command(layout, name), asked.clone())),
    );
    let announced = async {
        announce(layout, addresses, asked).await?;
        supervise::reap_orphans(asked.clone()).await;
        Ok(())
    };
    let ended = first_error(running, announced).await;
    // A service that cannot start at all takes the others down in order.
    asked.trigger();
    ended
}

/// Both to their ends, unless one fails first.
async fn first_error<T>(
    one: impl Future<Output = anyhow::Result<T>>,
    other: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<()> {
    let (one, other) = (pin!(one), pin!(other));
    tokio::try_join!(one, other).map(|_| ())
}

fn service_command(layout: &Layout, name: &str) -> anyhow::Result<Command> {
    let mut command = Command::new(layout.binary());
    command.args(["run", name, "--config"]).arg(layout.config(name)).stdin(Stdio::null());
    Ok(command)
}

/// Waits for all services, then tells people and other programs.
async fn announce(layout: &Layout, addresses: &Addresses, stop: &Stop) -> anyhow::Result<()> {
    let started = Instant::now();
    for service in [addresses.keygen, addresses.distgit, addresses.agents, addresses.frontend] {
        while !is_healthy(service).await {
            if stop.is_triggered() {
                return Ok(());
            }
            if started.elapsed() > READY_LIMIT {
                bail!("{service} did not answer within {} s: the log above says why", READY_LIMIT.as_secs());
            }
            tokio::time::sleep(POLL).await;
        }
    }
    let pid = i32::try_from(std::process::id())?;
    let ready = Ready { pid, url: addresses.frontend_url(), results_url: addresses.results_url() };
    ready.write(layout)?;
    println!("Coppice is ready: {}", ready.url);
    println!("  data     {}", layout.root.display());
    println!("  results  {}", ready.results_url);
    println!("  stop     Ctrl-C, or: coppice stop --data {}", layout.root.display());
    Ok(())
}

async fn is_healthy(address: SocketAddr) -> bool {
    let answer = reqwest::get(format!("{}/healthz", url(address))).await;
    answer.is_ok_and(|answer| answer.status().is_success())
}

/// A port in use is said before anything is started.
fn ensure_free(addresses: &Addresses) -> anyhow::Result<()> {
    let all = [addresses.frontend, addresses.agents, addresses.results, addresses.distgit, addresses.keygen];
    for address in all {
        std::net::TcpListener::bind(address).with_context(|| {
            format!("{address} is in use: stop what listens there, or choose others with --port (0 takes free ones)")
        })?;
    }
    Ok(())
}

/// One instance a data folder.
fn lock(layout: &Layout) -> anyhow::Result<Flock<File>> {
    let path = layout.lock_file();
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path)?;
    Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|_| {
        let whom = Ready::read(layout).map(|ready| format!(" at {}", ready.url)).unwrap_or_default();
        anyhow::anyhow!(
            "an instance already runs on {}{whom}: use it, or give another --data",
            layout.root.display()
        )
    })
}

/// Ends the instance of a data folder and waits until it is gone.
pub fn stop(data: &DataOption) -> anyhow::Result<()> {
    let layout = Layout::new(data.path()?);
    let Some(ready) = Ready::read(&layout) else {
        println!("nothing runs on {}", layout.root.display());
        return Ok(());
    };
    kill(Pid::from_raw(ready.pid), Signal::SIGTERM).context("stopping the instance")?;
    let started = Instant::now();
    while Ready::read(&layout).is_some() {
        if started.elapsed() > STOP_LIMIT {
            bail!("process {} still runs after {} s", ready.pid, STOP_LIMIT.as_secs());
        }
        std::thread::sleep(POLL);
    }
    println!("stopped");
    Ok(())
}
