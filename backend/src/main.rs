//! The backend as a program of its own.

use std::path::PathBuf;

use clap::Parser;
use coppice_backend::{Config, Service};
use coppice_runtime::{Stop, config, logging};

/// Queue, builders, results and repositories of Coppice.
#[derive(Debug, Parser)]
struct Options {
    /// Configuration file (TOML); COPPICE_BACKEND__… variables go over it.
    #[arg(long)]
    config: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    logging::init();
    let config: Config = config::load(options.config.as_deref(), "COPPICE_BACKEND")?;
    let stop = Stop::on_signals()?;
    Service::start(config, stop).await?.run().await;
    Ok(())
}
