//! `coppice`: all services on one host, a demo that proves them, and a doctor that says what the host lacks.

mod demo;
mod doctor;
mod layout;
mod privileges;
mod programs;
mod ready;
mod redis_server;
mod services;
mod supervise;
mod up;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(
    name = "coppice",
    version,
    about = "Build, sign and publish RPM packages: the whole service on one host"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the whole service in the foreground; Ctrl-C stops it
    Up(up::Options),
    /// Build a library and a program on it, install the program with dnf, run it
    Demo(demo::Options),
    /// Say what this host lacks and how to get it
    Doctor,
    /// Stop the service that runs on a data folder
    Stop(DataOption),
    /// Users, tokens and chroots of the service on a data folder
    Manage(services::Manage),
    /// One service in the foreground; `up` starts these
    #[command(hide = true)]
    Run(services::Run),
}

/// Everything that one instance keeps is below this folder.
#[derive(Debug, Clone, Args)]
struct DataOption {
    /// Folder of the instance [default: /var/lib/coppice for root, else ~/.local/share/coppice]
    #[arg(long, env = "COPPICE_DATA")]
    data: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Up(options) => up::run(options),
        Command::Demo(options) => demo::run(options),
        Command::Doctor => doctor::run(),
        Command::Stop(data) => up::stop(&data),
        Command::Manage(manage) => services::manage(manage),
        Command::Run(run) => services::run(run),
    }
}
