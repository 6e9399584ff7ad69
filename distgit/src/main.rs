//! The DistGit service.

use std::path::PathBuf;

use clap::Parser;
use coppice_distgit::{Config, Service};
use coppice_runtime::{Stop, config, logging};

/// Keeps the sources of all builds: git repositories and a lookaside cache.
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    /// Configuration file (TOML). Without it the defaults and COPPICE_DISTGIT__… variables count.
    #[arg(long)]
    config: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    logging::init();
    let config: Config = config::load(options.config.as_deref(), "COPPICE_DISTGIT")?;
    let service = Service::start(config, Stop::on_signals()?).await?;
    service.run().await;
    Ok(())
}
