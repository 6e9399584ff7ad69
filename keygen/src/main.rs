//! The key service.

use std::path::PathBuf;

use clap::Parser;
use coppice_keygen::{Config, Service};
use coppice_runtime::{Stop, config, logging};

/// Makes the projects' keys, keeps them and signs with them.
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    /// Configuration file (TOML). Without it the defaults and COPPICE_KEYGEN__… variables count.
    #[arg(long)]
    config: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    logging::init();
    let config: Config = config::load(options.config.as_deref(), "COPPICE_KEYGEN")?;
    let service = Service::start(config, Stop::on_signals()?).await?;
    service.run().await;
    Ok(())
}
