//! A private Redis: a child on a unix socket, gone with its value.

use std::{
    os::unix::net::UnixStream,
    process::{Child, Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;

use crate::{place, until};

pub struct Redis {
    folder: TempDir,
    child: Child,
}

impl Redis {
    /// Starts and waits until it takes connections.
    pub fn start() -> anyhow::Result<Self> {
        let folder = place::open_folder();
        let child = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "no", "--daemonize", "no", "--unixsocket"])
            .arg(folder.path().join("redis.sock"))
            .arg("--dir")
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?;
        let redis = Self { folder, child };
        let socket = redis.folder.path().join("redis.sock");
        until("Redis takes connections", Duration::from_secs(20), || UnixStream::connect(&socket).ok());
        Ok(redis)
    }

    pub fn url(&self) -> String {
        format!("redis+unix://{}/redis.sock", self.folder.path().display())
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
