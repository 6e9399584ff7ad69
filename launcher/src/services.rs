//! The services as parts of this program: each runs in a process of its own.

use std::{ffi::OsString, path::PathBuf};

use clap::{Args, Subcommand};
use coppice_runtime::{Stop, config, logging};
use nix::sys::{prctl, signal::Signal};

use crate::{DataOption, layout::Layout, privileges};

/// In the order of start; the stop goes backwards.
pub const ALL: [&str; 4] = ["keygen", "distgit", "backend", "frontend"];

#[derive(Debug, Args)]
pub struct Run {
    #[command(subcommand)]
    service: Service,
}

#[derive(Debug, Subcommand)]
enum Service {
    Frontend(ConfigOption),
    Backend(ConfigOption),
    Distgit(ConfigOption),
    Keygen(ConfigOption),
    /// One throw-away builder; the backend starts these
    #[command(disable_help_flag = true)]
    BuilderAgent(Rest),
}

#[derive(Debug, Args)]
struct ConfigOption {
    #[arg(long)]
    config: PathBuf,
}

/// Handed on as it is.
#[derive(Debug, Args)]
struct Rest {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<OsString>,
}

#[derive(Debug, Args)]
pub struct Manage {
    #[command(flatten)]
    data: DataOption,
    #[command(subcommand)]
    command: coppice_frontend::manage::Command,
}

/// Runs one service until it is told to stop.
pub fn run(run: Run) -> anyhow::Result<()> {
    if let Service::BuilderAgent(rest) = run.service {
        return coppice_builder_agent::main_with(rest.rest);
    }
    logging::init();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(serve(run.service))
}

async fn serve(service: Service) -> anyhow::Result<()> {
    // A supervisor that was killed takes its services along, so that the next one finds free ports.
    prctl::set_pdeathsig(Signal::SIGTERM)?;
    let stop = Stop::on_signals()?;
    match service {
        Service::Frontend(o) => {
            let config = config::load(Some(&o.config), "COPPICE_FRONTEND")?;
            coppice_frontend::Service::start(config, stop).await?.run().await;
        }
        Service::Backend(o) => {
            let config = config::load(Some(&o.config), "COPPICE_BACKEND")?;
            coppice_backend::Service::start(config, stop).await?.run().await;
        }
        Service::Distgit(o) => {
            let config = config::load(Some(&o.config), "COPPICE_DISTGIT")?;
            coppice_distgit::Service::start(config, stop).await?.run().await;
        }
        Service::Keygen(o) => {
            coppice_keygen::harden();
            let config = config::load(Some(&o.config), "COPPICE_KEYGEN")?;
            coppice_keygen::Service::start(config, stop).await?.run().await;
        }
        Service::BuilderAgent(_) => {}
    }
    Ok(())
}

/// Admin commands on the instance's database; they work while it runs and while it does not.
pub fn manage(manage: Manage) -> anyhow::Result<()> {
    let layout = Layout::new(manage.data.path()?);
    anyhow::ensure!(
        layout.config("frontend").exists(),
        "{} holds no instance yet: start one with `coppice up --data {0}`",
        layout.root.display()
    );
    privileges::drop_root(&layout)?;
    let config = config::load(Some(&layout.config("frontend")), "COPPICE_FRONTEND")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(coppice_frontend::manage::run(&config, manage.command))?;
    Ok(())
}
