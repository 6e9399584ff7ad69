//! A frontend of its own on a filled database, and what it costs.

use std::{
    collections::HashMap,
    fmt, fs,
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::Context;
use coppice_kit::{corpus, place, postgres::Postgres, redis::Redis, until};
use coppice_store::Store;
use tempfile::TempDir;

pub enum Kind {
    Sqlite,
    Postgres(Postgres),
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
        })
    }
}

pub struct Server {
    pub url: String,
    child: Child,
    database_pid: Option<u32>,
    _folder: TempDir,
}

impl Server {
    pub fn start(kind: &Kind, redis: &Redis) -> anyhow::Result<Self> {
        Self::start_with(kind, redis, "")
    }

    /// With further lines of configuration.
    pub fn start_with(kind: &Kind, redis: &Redis, more: &str) -> anyhow::Result<Self> {
        let folder = place::shared_folder();
        let database = match kind {
            Kind::Sqlite => format!("sqlite://{}/frontend.sqlite", folder.path().display()),
            Kind::Postgres(server) => server.database(),
        };
        fill(&database)?;
        let secret = folder.path().join("keygen.secret");
        fs::write(&secret, "a secret of the bench, shared with keygen")?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let config = folder.path().join("frontend.toml");
        fs::write(
            &config,
            format!(
                "redis = {:?}\ndatabase = {database:?}\ndata_dir = {:?}\nkeygen_secret_file = {secret:?}\n{more}[http]\nlisten = \"127.0.0.1:{port}\"\ntoken_requests_per_minute = 0\naddress_requests_per_minute = 0\n",
                redis.url(),
                folder.path().join("data"),
            ),
        )?;
        let program = std::env::current_exe()?.with_file_name("coppice-frontend");
        let child = Command::new(&program)
            .args(["serve", "--config"])
            .arg(&config)
            .env("RUST_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        let server = Self {
            url: format!("http://127.0.0.1:{port}"),
            child,
            database_pid: match kind {
                Kind::Sqlite => None,
                Kind::Postgres(server) => Some(server.pid()),
            },
            _folder: folder,
        };
        until("the frontend listens", Duration::from_secs(30), || {
            std::net::TcpStream::connect(("127.0.0.1", port)).ok()
        });
        Ok(server)
    }

    /// Of the frontend and of its database.
    pub fn cpu(&self) -> anyhow::Result<Cpu> {
        let mut all = HashMap::from([(self.child.id(), nanoseconds(self.child.id())?)]);
        for pid in self.database_pid.into_iter().flat_map(children) {
            // One that ended meanwhile was none of ours.
            if let Ok(used) = nanoseconds(pid) {
                all.insert(pid, used);
            }
        }
        Ok(Cpu(all))
    }

    pub fn memory_mb(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|rest| rest.trim().trim_end_matches(" kB").trim().parse::<f64>().ok());
        kib.map_or(f64::NAN, |kib| kib / 1024.0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// `sqlite:///PATH` or `postgres://…`, empty.
pub fn fill(database: &str) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = Store::open(database).await?;
        corpus::fill(&store, database.starts_with("postgres")).await?;
        Ok(())
    })
}

/// Nanoseconds that each process was given.
pub struct Cpu(HashMap<u32, u64>);

impl Cpu {
    /// Milliseconds that came since.
    pub fn since(&self, before: &Self) -> f64 {
        let more = |(pid, now): (&u32, &u64)| now.saturating_sub(before.0.get(pid).copied().unwrap_or(0));
        self.0.iter().map(more).sum::<u64>() as f64 / 1e6
    }
}

/// `schedstat` counts finer than `stat`; it tells of one thread.
fn nanoseconds(pid: u32) -> anyhow::Result<u64> {
    let mut sum = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let text = fs::read_to_string(task?.path().join("schedstat")).unwrap_or_default();
        sum += text.split(' ').next().and_then(|number| number.parse::<u64>().ok()).unwrap_or(0);
    }
    Ok(sum)
}

fn children(pid: u32) -> Vec<u32> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}
