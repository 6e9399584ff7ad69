//! The operator's dnf, told everything by a configuration of its own: chooses and downloads packages.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use coppice_model::{chroot::Repository, work::FailureCause};
use url::Url;

use super::{
    engine::Engine,
    roots::{self, BaseRoot},
    step::{Action, Bind, Ending, Program, Root, Step},
    verdict,
};
use crate::{
    ended::{Ended, OrBroken, chain},
    fetch::Fetcher,
    log::Output,
    repositories,
    runner::Order,
};

/// Seen inside; dnf puts its root before them.
const CACHE: &str = "/var/cache/dnf";
const LOG: &str = "/var/log";
const STATE: &str = "/var/lib/dnf";
const MOST_SLOTS: u32 = 64;
/// dnf keeps about three entries for a repository.
const MOST_CACHED: usize = 300;

#[derive(Debug)]
pub struct Dnf {
    program: PathBuf,
    /// Repositories of the chroot only.
    base_config: PathBuf,
    /// And those of the project.
    config: PathBuf,
    cache: CacheSlot,
    count: AtomicU32,
}

/// Metadata that is kept between builds. Two dnf on one folder would wait for each other.
#[derive(Debug)]
struct CacheSlot {
    path: PathBuf,
    _lock: File,
}

/// One call of dnf.
struct Call<'a> {
    root: Root,
    config: &'a Path,
    arguments: Vec<String>,
    folder: PathBuf,
}

impl Dnf {
    pub fn new(order: Order<'_>) -> io::Result<Self> {
        let absent = || io::Error::other("dnf is not installed");
        let program = order.task.settings.dnf.clone().ok_or_else(absent)?;
        let home = order.task.workspace.path("home");
        // Debian's default is a folder in the caller's home, which nobody inside a root would find.
        fs::write(home.join(".rpmmacros"), format!("%_dbpath {}\n", repositories::DBPATH))?;
        let (base_config, config) = (home.join("base.conf"), home.join("dnf.conf"));
        let chroot =
            repositories::sections(&order.environment.chroot.repositories).map_err(io::Error::other)?;
        let project = repositories::sections(&order.environment.repositories).map_err(io::Error::other)?;
        fs::write(&base_config, format!("{MAIN}{chroot}"))?;
        fs::write(&config, format!("{MAIN}{chroot}{project}"))?;
        let cache = CacheSlot::take(&order.task.settings.cache_dir.join("dnf"))?;
        Ok(Self { program, base_config, config, cache, count: AtomicU32::new(0) })
    }

    /// Everything that is the same for all calls of one build: the project's repositories may be asked
    /// (address policy), are asked anew, and modules are chosen.
    pub async fn prepare(&mut self, order: Order<'_>, engine: &Engine, root: &Root) -> Result<(), Ended> {
        for repository in &order.environment.repositories {
            order.task.control.or_halted(ensure_allowed(order, repository)).await??;
        }
        self.cache.expire(&order.environment.repositories).or_broken("preparing dnf's cache")?;
        for module in &order.environment.additional_modules {
            self.choose_module(order, engine, root, module).await?;
        }
        Ok(())
    }

    /// `name:stream` is enabled, `!name:stream` disabled. Copr splits at blanks, so a comma may stay.
    async fn choose_module(
        &self,
        order: Order<'_>,
        engine: &Engine,
        root: &Root,
        module: &str,
    ) -> Result<(), Ended> {
        let module = module.trim_end_matches(',');
        let (verb, name) = module.strip_prefix('!').map_or(("enable", module), |name| ("disable", name));
        order.task.log.stage(&format!("{verb} module {name}"));
        let mut output = super::log_file(order, "root.log")?;
        let call = Call {
            root: root.clone(),
            config: &self.config,
            arguments: ["module", verb, name].map(str::to_owned).into(),
            folder: order.task.workspace.path("packages"),
        };
        let ending = self.call(order, engine, call, &mut output).await?;
        verdict::dnf(&ending, &output.tail(), |id| is_ours(order, id)).map_err(|ended| match ended {
            Ended::Failed { message, .. } => Ended::failed(
                FailureCause::BuildRequires,
                format!("module {module} cannot be chosen: {message}"),
            ),
            other => other,
        })
    }

    /// Packages of the root that a project's repository offers too. Unknown when a repository is large:
    /// then all of the root's packages may be upgraded.
    pub async fn upgrades(&self, order: Order<'_>, base: &BaseRoot) -> Result<Vec<String>, Ended> {
        let mut found = Vec::new();
        let most_bytes = repositories::LARGEST_LIST;
        let fetcher = Fetcher { allow: order.allow.clone(), most_bytes, limit: Duration::from_secs(30) };
        for repository in &order.environment.repositories {
            let url = repositories::expanded(&repository.baseurl, &order.environment.chroot);
            let scratch = order.task.workspace.path("offered");
            let asking = repositories::offered(&fetcher, &url, &scratch);
            match order.task.control.or_halted(asking).await? {
                Ok(offered) => {
                    found.extend(base.names.iter().filter(|name| offered.contains(*name)).cloned())
                }
                Err(error) => {
                    tracing::debug!("not known cheaply: {}", chain(&error));
                    return Ok(vec!["*".to_owned()]);
                }
            }
        }
        Ok(found)
    }

    /// Downloads what `verb` needs besides what is in the root, and says where it lies.
    pub async fn download(
        &self,
        order: Order<'_>,
        engine: &Engine,
        (root, verb): (Root, &[String]),
        output: &mut Output,
    ) -> Result<PathBuf, Ended> {
        let folder = self.folder(order).or_broken("making a folder for packages")?;
        let mut arguments: Vec<String> = ["--downloadonly", "--destdir"].map(str::to_owned).into();
        arguments.push(folder.display().to_string());
        if verb.first().is_some_and(|verb| verb == "builddep") {
            arguments.extend(
                ["--setopt=plugins=1", "--disableplugin=*", "--enableplugin=builddep"].map(Into::into),
            );
        }
        arguments.extend(verb.iter().cloned());
        let call = Call { root, config: &self.config, arguments, folder: folder.clone() };
        let ending = self.call(order, engine, call, output).await?;
        verdict::dnf(&ending, &output.tail(), |id| is_ours(order, id))?;
        Ok(folder)
    }

    /// Downloads what every root of the chroot holds. Whatever fails here is the operator's matter.
    pub async fn download_base(
        &self,
        order: Order<'_>,
        engine: &Engine,
        root: Root,
        output: &mut Output,
    ) -> Result<PathBuf, Ended> {
        let folder = self.folder(order).or_broken("making a folder for packages")?;
        let mut arguments: Vec<String> =
            ["--refresh", "--downloadonly", "--destdir"].map(str::to_owned).into();
        arguments.extend([folder.display().to_string(), "install".to_owned()]);
        arguments.extend(order.environment.chroot.setup_packages.iter().cloned());
        let call = Call { root, config: &self.base_config, arguments, folder: folder.clone() };
        let ending = self.call(order, engine, call, output).await?;
        match verdict::dnf(&ending, &output.tail(), |_| true) {
            Ok(()) => Ok(folder),
            Err(Ended::Failed { message, .. }) => {
                let name = &order.environment.chroot.name;
                Err(Ended::broken(format!("the root of {name} cannot be made: {message}")))
            }
            Err(other) => Err(other),
        }
    }

    async fn call(
        &self,
        order: Order<'_>,
        engine: &Engine,
        call: Call<'_>,
        output: &mut Output,
    ) -> Result<Ending, Ended> {
        let program = Program {
            arguments: self.line(order, &call),
            environment: roots::host_environment(order),
            folder: "/".into(),
        };
        // A build may have left links at the places where dnf writes; on the host they would lead anywhere.
        let workspace = &order.task.workspace;
        let places = [
            (self.cache.path.clone(), CACHE),
            (workspace.path("dnf-log"), LOG),
            (workspace.path("dnf-state"), STATE),
        ];
        let binds = places.map(|(from, to)| Bind { from, to: to.into(), writable: true });
        let step = Step {
            root: Some((call.root, roots::mount_point(order))),
            binds: binds.into(),
            action: Action::OnHost { program, writable: roots::writable_on_host(order) },
            memory_mb: order.limits.memory_mb.max(1_024),
            processes: order.limits.processes,
            network: true,
        };
        engine.visit(step, output, &order.task.control).await
    }

    fn line(&self, order: Order<'_>, call: &Call<'_>) -> Vec<String> {
        let name = &order.environment.chroot.name;
        let mut line = vec![self.program.display().to_string(), "-y".to_owned()];
        line.extend(["-c".to_owned(), call.config.display().to_string()]);
        line.extend(["--installroot".to_owned(), roots::mount_point(order).display().to_string()]);
        line.extend(["--releasever".to_owned(), name.release().to_owned()]);
        if name.arch() != crate::attempt::arch() {
            line.extend(["--forcearch".to_owned(), name.arch().to_owned()]);
        }
        line.extend(call.arguments.iter().cloned());
        tracing::debug!(folder = %call.folder.display(), "running dnf");
        line
    }

    fn folder(&self, order: Order<'_>) -> io::Result<PathBuf> {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let folder = order.task.workspace.path("packages").join(number.to_string());
        fs::create_dir_all(&folder).map(|()| folder)
    }
}

/// No host's files, no plugins, no weak dependencies. The cache is below the root, so it is bound there.
const MAIN: &str = "\
[main]
cachedir=/var/cache/dnf
persistdir=/var/lib/dnf
logdir=/var/log
reposdir=/dev/null
varsdir=/dev/null
pluginconfpath=/dev/null
plugins=0
gpgcheck=0
install_weak_deps=0
best=1
obsoletes=1
skip_if_unavailable=0
metadata_expire=6h
retries=3
timeout=30
max_parallel_downloads=8
";

impl CacheSlot {
    fn take(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        for number in 0..MOST_SLOTS {
            let lock = folder.join(format!("{number}.lock"));
            let lock = OpenOptions::new().create(true).append(true).open(lock)?;
            match lock.try_lock() {
                Ok(()) => {
                    let path = folder.join(number.to_string());
                    fs::create_dir_all(&path)?;
                    trim(&path)?;
                    return Ok(Self { path, _lock: lock });
                }
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        Err(io::Error::other("too many builders share one cache"))
    }

    /// Makes dnf look whether these repositories changed: a build may need what another one just gave.
    fn expire(&self, repositories: &[Repository]) -> io::Result<()> {
        let ids: Vec<&str> = repositories.iter().map(|repository| repository.id.as_str()).collect();
        fs::write(self.path.join("expired_repos.json"), serde_json::to_string(&ids)?)
    }
}

/// Every project has a repository of its own, so the oldest metadata has to go.
fn trim(cache: &Path) -> io::Result<()> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(cache)? {
        let path = entry?.path();
        entries.push((fs::symlink_metadata(&path)?.modified()?, path));
    }
    entries.sort();
    for (_, path) in entries.iter().rev().skip(MOST_CACHED) {
        super::mounts::remove(path)?;
    }
    Ok(())
}

/// Repositories that users named may only be where sources may be: public, or allowed by the operator.
async fn ensure_allowed(order: Order<'_>, repository: &Repository) -> Result<(), Ended> {
    let refused = |why: String| {
        let sentence = format!("repository {} cannot be used: {why}", repository.id);
        Ended::failed(FailureCause::BuildRequires, sentence)
    };
    let raw = repositories::expanded(&repository.baseurl, &order.environment.chroot);
    let url: Url =
        coppice_model::address::parse_source_url(&raw).map_err(|error| refused(error.to_string()))?;
    let fetcher = Fetcher { allow: order.allow.clone(), most_bytes: 0, limit: Duration::from_secs(30) };
    fetcher.checked_addresses(&url).await.map(drop).map_err(|error| refused(chain(&error)))
}

/// The chroot's repositories are the operator's, those on allowed hosts our own.
fn is_ours(order: Order<'_>, id: &str) -> bool {
    let project = order.environment.repositories.iter().find(|repository| repository.id == id);
    let Some(repository) = project else { return true };
    let url = Url::parse(&repository.baseurl).ok();
    url.is_some_and(|url| {
        let port = url.port_or_known_default().unwrap_or(443);
        order.allow.allows(url.host_str().unwrap_or_default(), port)
    })
}
