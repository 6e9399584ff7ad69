//! The instance's private Redis (or Valkey): a child on a unix socket, durable, reachable by nobody else.

use std::{
    path::PathBuf,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use tokio::{net::UnixStream, process::Command};

use crate::{layout::Layout, programs::find_program};

const NAMES: [&str; 2] = ["redis-server", "valkey-server"];
const START_LIMIT: Duration = Duration::from_secs(20);

/// The server program of this host.
pub fn program() -> Option<PathBuf> {
    NAMES.iter().find_map(|name| find_program(name))
}

/// The command that runs it in the foreground. Every write is on disk within a second; what a power cut
/// takes, the frontend sends again.
pub fn command(layout: &Layout) -> anyhow::Result<Command> {
    let program =
        program().context("redis-server is missing: install redis (or valkey), see `coppice doctor`")?;
    std::fs::create_dir_all(layout.socket_dir())?;
    // A supervisor that was killed takes its Redis along.
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "TERM", "--"]).arg(program);
    command.args([
        "--port",
        "0",
        "--unixsocketperm",
        "600",
        "--appendonly",
        "yes",
        "--appendfsync",
        "everysec",
    ]);
    command.args(["--save", "", "--daemonize", "no", "--logfile", "", "--loglevel", "warning"]);
    command.arg("--unixsocket").arg(layout.redis_socket());
    command.arg("--dir").arg(layout.root.join("redis"));
    command.stdin(Stdio::null()).stdout(Stdio::null());
    Ok(command)
}

/// Waits until the socket takes connections.
pub async fn wait_until_up(layout: &Layout) -> anyhow::Result<()> {
    let started = Instant::now();
    while UnixStream::connect(layout.redis_socket()).await.is_err() {
        if started.elapsed() > START_LIMIT {
            bail!("redis-server did not open {} in time", layout.redis_socket().display());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}
