//! One backend's results half with its signer and its static server, and what users see of it.

use std::{
    collections::BTreeSet,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use coppice_backend::{
    downloads::Counter,
    publisher::{PublishConfig, Watch},
    results::{IngestError, Results, ResultsConfig},
    static_server,
};
use coppice_model::{
    Attempt, BuildId, ChrootName, DirName, ProjectRef,
    chroot::{ChrootDefinition, Environment, Runner},
    package::{Nevra, SourceHeader},
    work::{BuildContext, DistGitCommit, Limits, RpmWork},
};
use coppice_runtime::{Clock, health::Metrics};
use tempfile::TempDir;

use crate::{
    keys::{SECRET, Signer},
    packages::{ARCH, HELLO, Sent, Spec},
};

pub struct Host {
    pub results: Results,
    pub signer: Signer,
    pub clock: Clock,
    pub data: PathBuf,
    pub addr: SocketAddr,
    pub counter: Counter,
    config: ResultsConfig,
    _scratch: TempDir,
}

impl Host {
    pub async fn start() -> Self {
        Self::start_with(PublishConfig::default(), None).await
    }

    pub async fn start_with(publish: PublishConfig, data: Option<&Path>) -> Self {
        Self::start_watched(publish, data, Watch::default()).await
    }

    pub async fn start_watched(publish: PublishConfig, data: Option<&Path>, watch: Watch) -> Self {
        let signer = Signer::start("rsa2048");
        let scratch = tempfile::tempdir().unwrap();
        let secret = scratch.path().join("secret");
        fs::write(&secret, SECRET).unwrap();
        let data = data.map_or_else(|| scratch.path().join("data"), Path::to_owned);
        let config = config(&data, &signer.url, &secret, (publish, watch));
        let clock = Clock::at(1_800_000_000);
        let results = Results::open(&config, clock.clone(), &Metrics::new()).await.unwrap();
        let counter = Counter::default();
        let (at, public) = ("127.0.0.1:0".parse().unwrap(), results.public_dir());
        let served = static_server::bind(at, 1, public, counter.clone()).unwrap();
        tokio::spawn(served.server);
        Self { results, signer, clock, data, addr: served.addr, counter, config, _scratch: scratch }
    }

    /// The results half of another process on the same folder.
    pub async fn results_at(data: &Path, keygen_url: &str, watch: Watch) -> Results {
        let secret = data.with_extension("secret");
        fs::write(&secret, SECRET).unwrap();
        let config = config(data, keygen_url, &secret, (PublishConfig::default(), watch));
        Results::open(&config, Clock::at(1_800_000_000), &Metrics::new()).await.unwrap()
    }

    /// As after a kill: only what is on disk is known.
    pub async fn restart(&mut self) {
        self.results = Results::open(&self.config, self.clock.clone(), &Metrics::new()).await.unwrap();
    }

    pub async fn ingest(&self, work: &RpmWork, sent: &Sent) -> Result<Vec<Nevra>, IngestError> {
        self.results.ingest(work, &sent.staged(), &|_| ()).await
    }

    pub fn public(&self, path: &str) -> PathBuf {
        self.data.join("results").join(path)
    }

    pub fn repository(&self) -> PathBuf {
        self.public(&format!("alice/tools/{}", chroot()))
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}/results/{path}", self.addr)
    }

    pub fn repository_url(&self) -> String {
        self.url(&format!("alice/tools/{}/", chroot()))
    }

    /// What dnf finds in the repository, read over HTTP: `hello-0:1.0-1.fc43.noarch`.
    pub async fn dnf_sees(&self) -> BTreeSet<String> {
        self.dnf_sees_at(&self.repository_url()).await
    }

    /// The same at another address.
    pub async fn dnf_sees_at(&self, url: &str) -> BTreeSet<String> {
        let query = ["repoquery", "--quiet", "--qf", "%{name}-%{epoch}:%{evr}.%{arch}"];
        let output = self.dnf_at(url, &query).await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().lines().map(ToOwned::to_owned).collect()
    }

    /// A dnf that knows this repository only, with a new root and an empty cache.
    pub async fn dnf(&self, arguments: &[&str]) -> Output {
        self.dnf_at(&self.repository_url(), arguments).await
    }

    async fn dnf_at(&self, url: &str, arguments: &[&str]) -> Output {
        let root = tempfile::tempdir().unwrap();
        let (mut command, key) = (dnf(root.path(), url), self.url("alice/tools/pubkey.gpg"));
        command.arg(format!("--setopt=test.gpgkey={key}")).args(arguments);
        tokio::task::spawn_blocking(move || {
            let output = command.output().expect("dnf is installed");
            drop(root);
            output
        })
        .await
        .unwrap()
    }
}

fn config(
    data: &Path,
    keygen_url: &str,
    secret: &Path,
    (publish, watch): (PublishConfig, Watch),
) -> ResultsConfig {
    ResultsConfig {
        data_dir: data.to_owned(),
        results_url: "http://results.test/results".into(),
        keygen_url: keygen_url.into(),
        keygen_secret_file: secret.to_owned(),
        publish,
        watch,
    }
}

pub fn dnf(root: &Path, url: &str) -> Command {
    let mut command = if nix::unistd::geteuid().is_root() {
        Command::new("dnf")
    } else {
        let mut command = Command::new("unshare");
        command.args(["-r", "dnf"]);
        command
    };
    // dnf makes no folder for its logs.
    fs::create_dir_all(root.join("log")).unwrap();
    command.arg(format!("--installroot={}", root.display()));
    command.arg(format!("--setopt=cachedir={}", root.join("cache").display()));
    command.arg(format!("--setopt=logdir={}", root.join("log").display()));
    command.args(["--setopt=reposdir=/dev/null", "--releasever=43", "--repo=test", "-y"]);
    command.arg(format!("--repofrompath=test,{url}"));
    command.args(["--setopt=test.skip_if_unavailable=0", "--setopt=retries=1"]);
    command
}

pub fn chroot() -> ChrootName {
    format!("fedora-43-{ARCH}").parse().unwrap()
}

pub fn project() -> ProjectRef {
    ProjectRef { owner: "alice".parse().unwrap(), name: "tools".parse().unwrap() }
}

pub fn main_dir() -> DirName {
    "tools".parse().unwrap()
}

pub fn context(build: i64) -> BuildContext {
    BuildContext {
        build: BuildId(build),
        project: project(),
        dir: main_dir(),
        sandbox: "alice/tools--alice".into(),
        background: false,
    }
}

pub fn environment() -> Environment {
    let chroot = ChrootDefinition {
        name: chroot(),
        runner: Runner::Sandbox,
        repositories: Vec::new(),
        setup_packages: Vec::new(),
    };
    Environment {
        chroot,
        repositories: Vec::new(),
        additional_packages: Vec::new(),
        additional_modules: Vec::new(),
        with_opts: Vec::new(),
        without_opts: Vec::new(),
        isolation: "default".into(),
        bootstrap: "default".into(),
        bootstrap_image: None,
        enable_net: false,
    }
}

/// The task that asked for the usual package.
pub fn work(build: i64) -> RpmWork {
    work_for(build, &HELLO)
}

pub fn work_for(build: i64, spec: &Spec) -> RpmWork {
    let source = DistGitCommit {
        clone_url: "http://distgit.test/git/alice/tools/hello".into(),
        commit: "0".repeat(40),
        lookaside_url: "http://distgit.test/repo/pkgs/alice/tools/hello".into(),
    };
    let header = SourceHeader {
        name: spec.name.parse().unwrap(),
        epoch: spec.epoch,
        version: spec.version.into(),
        release: "1".into(),
        exclusive_arch: Vec::new(),
        exclude_arch: Vec::new(),
    };
    RpmWork {
        context: context(build),
        attempt: Attempt::FIRST,
        source,
        header,
        environment: environment(),
        limits: Limits::default(),
        grant: None,
    }
}

/// Every file and folder below, hidden ones included.
pub fn everything_below(dir: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            found.insert(path.strip_prefix(dir).unwrap().to_string_lossy().into_owned());
            if path.is_dir() {
                folders.push(path);
            }
        }
    }
    found
}
