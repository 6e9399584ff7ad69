//! One instance: its folder, its ports, and the configuration files made from them.

use std::{
    fs, io,
    net::{IpAddr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
};

use anyhow::Context;
use coppice_runtime::{Secret, files};
use nix::unistd::Uid;
use serde::{Deserialize, Serialize};

use crate::DataOption;

/// Longest path of a unix socket, less room for its own name (unix(7): 108 bytes).
const SOCKET_PATH_ROOM: usize = 90;

impl DataOption {
    /// The folder, absolute; it need not exist yet.
    pub fn path(&self) -> anyhow::Result<PathBuf> {
        if let Some(path) = &self.data {
            return std::path::absolute(path).context("finding the data folder");
        }
        if Uid::effective().is_root() {
            return Ok(PathBuf::from("/var/lib/coppice"));
        }
        let home = std::env::var_os("HOME").context("HOME is not set: give --data DIR")?;
        Ok(Path::new(&home).join(".local/share/coppice"))
    }
}

/// The addresses of one instance; kept in the data folder so that they stay the same.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Addresses {
    pub frontend: SocketAddr,
    pub agents: SocketAddr,
    pub results: SocketAddr,
    pub distgit: SocketAddr,
    pub keygen: SocketAddr,
}

impl Addresses {
    /// Five ports from `base` on, or five free ones when it is 0.
    pub fn choose(host: IpAddr, base: u16) -> io::Result<Self> {
        // All are held until the last is chosen, so no two are equal.
        let held: Vec<TcpListener> = (0..5u16)
            .filter(|_| base == 0)
            .map(|_| TcpListener::bind((host, 0)))
            .collect::<io::Result<_>>()?;
        let port = |index: u16| match held.get(usize::from(index)) {
            Some(listener) => listener.local_addr(),
            None => Ok(SocketAddr::new(host, base.saturating_add(index))),
        };
        let private = |addr: SocketAddr| SocketAddr::new(loopback_of(host), addr.port());
        Ok(Self {
            frontend: port(0)?,
            agents: private(port(1)?),
            results: port(2)?,
            distgit: port(3)?,
            keygen: private(port(4)?),
        })
    }

    pub fn frontend_url(&self) -> String {
        url(self.frontend)
    }

    pub fn results_url(&self) -> String {
        format!("{}/results", url(self.results))
    }

    /// What our own services may be asked for by builders although it is not public.
    fn own(&self) -> Vec<String> {
        [self.frontend, self.results, self.distgit]
            .into_iter()
            .map(|addr| reachable(addr).to_string())
            .collect()
    }
}

fn loopback_of(host: IpAddr) -> IpAddr {
    match host {
        IpAddr::V4(_) => IpAddr::from([127, 0, 0, 1]),
        IpAddr::V6(_) => IpAddr::V6(std::net::Ipv6Addr::LOCALHOST),
    }
}

/// An address to connect to: "any" is reached by loopback.
fn reachable(addr: SocketAddr) -> SocketAddr {
    if addr.ip().is_unspecified() { SocketAddr::new(loopback_of(addr.ip()), addr.port()) } else { addr }
}

pub fn url(addr: SocketAddr) -> String {
    format!("http://{}", reachable(addr))
}

/// What an operator chose for the instance beside its addresses.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Choices {
    /// `None`: SQLite in the data folder.
    pub database: Option<String>,
    /// How users reach the web address and the results, when a proxy stands before them.
    pub public_url: Option<String>,
    pub results_url: Option<String>,
    /// Parallel builds on this host.
    pub agents: usize,
    /// Empty: this program's own agent.
    pub agent_command: Vec<String>,
    /// `None`: below the data folder.
    pub cache: Option<PathBuf>,
    /// Further `host[:port]` that builders may fetch from.
    pub allow: Vec<String>,
    /// After this many seconds without a word a builder is lost.
    pub lease_s: u64,
}

/// The folder of one instance.
#[derive(Debug, Clone)]
pub struct Layout {
    pub root: PathBuf,
}

impl Layout {
    pub fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// Makes the folders; private keys and secrets are readable by this user only.
    pub fn create(&self) -> anyhow::Result<()> {
        use std::os::unix::fs::PermissionsExt;
        for dir in [
            "", "bin", "etc", "run", "log", "frontend", "backend", "distgit", "keygen", "agents", "cache",
            "redis",
        ] {
            let path = self.root.join(dir);
            fs::create_dir_all(&path).with_context(|| format!("making the folder {}", path.display()))?;
        }
        for private in ["etc", "keygen", "redis"] {
            fs::set_permissions(self.root.join(private), fs::Permissions::from_mode(0o700))?;
        }
        Ok(())
    }

    pub fn binary(&self) -> PathBuf {
        self.root.join("bin/coppice")
    }

    pub fn config(&self, service: &str) -> PathBuf {
        self.root.join("etc").join(format!("{service}.toml"))
    }

    pub fn ready_file(&self) -> PathBuf {
        self.root.join("run/ready.json")
    }

    pub fn lock_file(&self) -> PathBuf {
        self.root.join("run/lock")
    }

    pub fn default_database(&self) -> String {
        format!("sqlite://{}", self.root.join("frontend/coppice.db").display())
    }

    /// Folder of the Redis socket: below the data folder unless that makes the path too long.
    pub fn socket_dir(&self) -> PathBuf {
        let inside = self.root.join("run");
        if inside.as_os_str().len() <= SOCKET_PATH_ROOM {
            return inside;
        }
        use std::hash::{Hash, Hasher};
        let mut hasher = std::hash::DefaultHasher::new();
        self.root.hash(&mut hasher);
        std::env::temp_dir().join(format!("coppice-{:016x}", hasher.finish()))
    }

    pub fn redis_socket(&self) -> PathBuf {
        self.socket_dir().join("redis.sock")
    }

    pub fn redis_url(&self) -> String {
        format!("redis+unix://{}", self.redis_socket().display())
    }

    /// Shared by frontend and keygen: it seals the leave to sign.
    fn secret(&self) -> PathBuf {
        self.root.join("etc/keygen.secret")
    }

    /// Shared by backend and keygen.
    fn backend_secret(&self) -> PathBuf {
        self.root.join("etc/keygen-backend.secret")
    }

    /// Writes the secrets (once) and every service's configuration (anew).
    pub fn write_configs(&self, addresses: &Addresses, choices: &Choices) -> anyhow::Result<()> {
        for secret in [self.secret(), self.backend_secret()] {
            if !secret.exists() {
                files::write_atomic(&secret, Secret::random().expose().as_bytes())?;
            }
        }
        let mut frontend = self.frontend_config(addresses, choices);
        frontend.extend(self.accounts()?);
        let configs = [
            ("frontend", frontend),
            ("backend", self.backend_config(addresses, choices)),
            ("distgit", self.distgit_config(addresses)),
            ("keygen", self.keygen_config(addresses)),
        ];
        for (service, table) in configs {
            let text = toml::to_string_pretty(&table)?;
            files::write_atomic(&self.config(service), text.as_bytes())
                .with_context(|| format!("writing {}", self.config(service).display()))?;
        }
        Ok(())
    }

    fn common(&self, listen: SocketAddr) -> toml::Table {
        let http = table([("listen", listen.to_string().into())]);
        table([("redis", self.redis_url().into()), ("http", http.into())])
    }

    fn frontend_config(&self, addresses: &Addresses, choices: &Choices) -> toml::Table {
        let database = choices.database.clone().unwrap_or_else(|| self.default_database());
        let public = choices.public_url.clone().unwrap_or_else(|| addresses.frontend_url());
        let mut config = self.common(addresses.frontend);
        config.extend(table([
            ("keygen_secret_file", path(self.secret())),
            ("keygen_url", url(addresses.keygen).into()),
            ("internal_results_url", addresses.results_url().into()),
            ("backend_url", url(addresses.agents).into()),
            ("database", database.into()),
            ("public_url", public.into()),
            ("internal_url", addresses.frontend_url().into()),
            ("results_url", self.results_url(addresses, choices).into()),
            ("distgit_url", url(addresses.distgit).into()),
            ("data_dir", path(self.root.join("frontend"))),
        ]));
        config
    }

    /// How people log in: `etc/accounts.toml` is the operator's own and is never written here.
    fn accounts(&self) -> anyhow::Result<toml::Table> {
        let path = self.config("accounts");
        if !path.exists() {
            return Ok(toml::Table::new());
        }
        let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let table: toml::Table = text.parse().with_context(|| format!("reading {}", path.display()))?;
        if let Some(other) = table.keys().find(|key| *key != "accounts") {
            anyhow::bail!(
                "{}: {other} does not belong here, only the section [accounts] does",
                path.display()
            );
        }
        Ok(table)
    }

    fn backend_config(&self, addresses: &Addresses, choices: &Choices) -> toml::Table {
        let agent: Vec<toml::Value> = match choices.agent_command.as_slice() {
            [] => vec![path(self.binary()), "run".into(), "builder-agent".into()],
            command => command.iter().cloned().map(Into::into).collect(),
        };
        let local = table([
            ("agents", i64::try_from(choices.agents).unwrap_or(1).into()),
            ("command", agent.into()),
            ("work_dir", path(self.root.join("agents"))),
            ("cache_dir", path(choices.cache.clone().unwrap_or_else(|| self.root.join("cache")))),
        ]);
        let allow: Vec<toml::Value> =
            addresses.own().into_iter().chain(choices.allow.iter().cloned()).map(Into::into).collect();
        let mut config = self.common(addresses.agents);
        config.extend(table([
            ("keygen_url", url(addresses.keygen).into()),
            ("keygen_secret_file", path(self.backend_secret())),
            ("data_dir", path(self.root.join("backend"))),
            ("results_url", self.results_url(addresses, choices).into()),
            ("results_listen", addresses.results.to_string().into()),
            ("agent_url", url(addresses.agents).into()),
            ("allow", allow.into()),
            ("lease_s", i64::try_from(choices.lease_s).unwrap_or(60).into()),
            ("local", local.into()),
        ]));
        config
    }

    fn distgit_config(&self, addresses: &Addresses) -> toml::Table {
        let mut config = self.common(addresses.distgit);
        config.extend(table([
            ("data_dir", path(self.root.join("distgit"))),
            ("public_url", url(addresses.distgit).into()),
        ]));
        config
    }

    fn keygen_config(&self, addresses: &Addresses) -> toml::Table {
        let mut config = self.common(addresses.keygen);
        config.extend(table([
            ("data_dir", path(self.root.join("keygen"))),
            ("secret_file", path(self.secret())),
            ("backend_secret_file", path(self.backend_secret())),
            ("sign_domain", addresses.frontend.ip().to_string().into()),
        ]));
        config
    }

    fn results_url(&self, addresses: &Addresses, choices: &Choices) -> String {
        choices.results_url.clone().unwrap_or_else(|| addresses.results_url())
    }
}

fn table<const N: usize>(entries: [(&str, toml::Value); N]) -> toml::Table {
    entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn path(path: PathBuf) -> toml::Value {
    toml::Value::String(path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_ports_differ_and_chosen_ones_follow_the_base() {
        let host: IpAddr = "127.0.0.1".parse().unwrap();
        let free = Addresses::choose(host, 0).unwrap();
        let ports: std::collections::BTreeSet<u16> =
            [free.frontend, free.agents, free.results, free.distgit, free.keygen]
                .iter()
                .map(SocketAddr::port)
                .collect();
        assert_eq!(ports.len(), 5);
        let fixed = Addresses::choose("0.0.0.0".parse().unwrap(), 5000).unwrap();
        assert_eq!(fixed.results_url(), "http://127.0.0.1:5002/results");
        assert_eq!(fixed.keygen.to_string(), "127.0.0.1:5004", "keygen never listens to the world");
    }

    #[test]
    fn the_operators_accounts_stay_and_nothing_else_gets_in_by_them() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::new(dir.path().to_owned());
        assert!(layout.accounts().unwrap().is_empty());
        fs::create_dir(dir.path().join("etc")).unwrap();
        fs::write(layout.config("accounts"), "[accounts]\nsign_up = \"open\"\n").unwrap();
        assert_eq!(layout.accounts().unwrap()["accounts"]["sign_up"].as_str(), Some("open"));
        fs::write(layout.config("accounts"), "public_url = \"x\"\n").unwrap();
        let error = layout.accounts().unwrap_err().to_string();
        assert!(error.contains("public_url does not belong here"), "{error}");
    }

    #[test]
    fn a_long_data_folder_gets_a_short_socket_path() {
        let long = Layout::new(PathBuf::from("/x".repeat(80)));
        assert!(long.redis_socket().as_os_str().len() < 100);
        let short = Layout::new(PathBuf::from("/srv/coppice"));
        assert_eq!(short.redis_socket(), Path::new("/srv/coppice/run/redis.sock"));
    }
}
