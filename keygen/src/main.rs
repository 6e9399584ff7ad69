//! The key service.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use coppice_keygen::{Config, Service, backup, harden};
use coppice_runtime::{Stop, config, logging};

/// Makes the projects' keys, keeps them and signs with them.
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    /// Configuration file (TOML). Without it the defaults and COPPICE_KEYGEN__… variables count.
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write all keys into one encrypted file; the service may run
    Backup(BackupFile),
    /// Bring a backup into an empty data folder
    Restore(BackupFile),
}

#[derive(Debug, Args)]
struct BackupFile {
    file: PathBuf,
    /// Its first line encrypts the backup
    #[arg(long)]
    passphrase_file: PathBuf,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    logging::init();
    let config: Config = config::load(options.config.as_deref(), "COPPICE_KEYGEN")?;
    match options.command {
        Some(Command::Backup(to)) => {
            let keys = backup::backup(&config, &to.file, &to.passphrase_file).await?;
            println!("{keys} keys are in {}", to.file.display());
        }
        Some(Command::Restore(from)) => {
            let keys = backup::restore(&config, &from.file, &from.passphrase_file).await?;
            println!("{keys} keys are in {}", config.data_dir.display());
        }
        None => {
            harden();
            Service::start(config, Stop::on_signals()?).await?.run().await;
        }
    }
    Ok(())
}
