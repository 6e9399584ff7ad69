//! `coppice-frontend`: the service and its administration.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use coppice_frontend::{Service, config::Config, manage};
use coppice_runtime::{Stop, config, logging};

/// Pages, API and the decisions of Coppice.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run until told to stop.
    Serve {
        #[arg(long)]
        config: Option<PathBuf>,
    },
    /// Users, tokens, groups and chroots; also while the service runs.
    Manage {
        #[arg(long)]
        config: Option<PathBuf>,
        #[command(subcommand)]
        command: manage::Command,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Serve { config } => {
            logging::init();
            let stop = Stop::on_signals()?;
            Service::start(load(config)?, stop).await?.run().await;
        }
        Command::Manage { config, command } => manage::run(&load(config)?, command).await?,
    }
    Ok(())
}

fn load(path: Option<PathBuf>) -> anyhow::Result<Config> {
    Ok(config::load(path.as_deref(), "COPPICE_FRONTEND")?)
}
