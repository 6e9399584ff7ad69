//! A private PostgreSQL: a child on a unix socket, one fresh database for each who asks, gone with its value.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use anyhow::{Context, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, Uid, User, chown},
};
use tempfile::TempDir;

use crate::{place, until};

const SUPERUSER: &str = "coppice";

pub struct Postgres {
    folder: TempDir,
    programs: PathBuf,
    child: Child,
    made: AtomicU32,
}

impl Postgres {
    /// Makes a cluster that trusts every local user, starts it, and waits until it answers.
    pub fn start() -> anyhow::Result<Self> {
        let programs = programs().context("PostgreSQL's initdb is missing: run tools/packages --tests")?;
        let folder = place::open_folder();
        give_to_server_account(folder.path())?;
        let data = folder.path().join("data");
        let made = unprivileged(&programs.join("initdb"))
            .args([
                "--auth",
                "trust",
                "--username",
                SUPERUSER,
                "--encoding",
                "UTF8",
                "--locale",
                "C",
                "--no-sync",
                "-D",
            ])
            .arg(&data)
            .stdout(Stdio::null())
            .status()?;
        ensure!(made.success(), "initdb ended with {made}");
        let child = unprivileged(&programs.join("postgres"))
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(folder.path())
            .args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=200"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.path().join("log"))?)
            .spawn()?;
        let server = Self { folder, programs, child, made: AtomicU32::new(0) };
        until("PostgreSQL answers", Duration::from_secs(30), || server.psql("postgres", "select 1").ok());
        Ok(server)
    }

    /// The address of a new, empty database.
    pub fn database(&self) -> String {
        let name = format!("test{}", self.made.fetch_add(1, Ordering::Relaxed));
        self.psql("postgres", &format!("create database {name}")).expect("a database is made");
        format!("postgres:///{name}?host={}&user={SUPERUSER}", self.folder.path().display())
    }

    /// Of the process whose children serve connections.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    fn psql(&self, database: &str, statement: &str) -> anyhow::Result<()> {
        let output = Command::new(self.programs.join("psql"))
            .args([
                "-X",
                "-q",
                "-v",
                "ON_ERROR_STOP=1",
                "-U",
                SUPERUSER,
                "-d",
                database,
                "-c",
                statement,
                "-h",
            ])
            .arg(self.folder.path())
            .output()?;
        ensure!(output.status.success(), "{statement}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Fast shutdown: clients are disconnected.
        if let Ok(pid) = i32::try_from(self.child.id()) {
            kill(Pid::from_raw(pid), Signal::SIGINT).ok();
        }
        self.child.wait().ok();
    }
}

/// The newest installed version; distributions keep the server's programs off the search path.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    found.push(PathBuf::from("/usr/bin"));
    found.sort_by_key(|path| std::cmp::Reverse(version_of(path)));
    found.into_iter().find(|dir| dir.join("initdb").is_file())
}

fn version_of(programs: &Path) -> u32 {
    programs.ancestors().nth(1).and_then(|dir| dir.file_name()?.to_str()?.parse().ok()).unwrap_or(0)
}

/// PostgreSQL refuses to run as root.
fn unprivileged(program: &Path) -> Command {
    if !Uid::effective().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--init-groups", "--"]).arg(program);
    command
}

fn give_to_server_account(folder: &Path) -> anyhow::Result<()> {
    if Uid::effective().is_root() {
        let user =
            User::from_name("postgres")?.context("the account postgres is missing: install postgresql")?;
        chown(folder, Some(user.uid), Some(user.gid))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_database_is_a_fresh_one() {
        let server = Postgres::start().unwrap();
        let (one, other) = (server.database(), server.database());
        assert_ne!(one, other);
        server.psql("test0", "create table x (y int)").unwrap();
        assert!(server.psql("test1", "select * from x").is_err());
    }
}
