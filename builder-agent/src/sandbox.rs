//! The sandbox runner: an unprivileged user, bubblewrap in namespaces of its own, an overlay over a cached root.

mod bubblewrap;
mod clean;
mod collect;
mod dnf;
mod engine;
mod ids;
mod inside;
mod loopback;
mod mounts;
mod overlays;
mod roots;
mod rpmbuild;
mod step;
mod verdict;
mod watch;

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Instant,
};

use coppice_model::{package::Nevra, work::FailureCause};

pub use clean::Cleaner;

use self::{
    dnf::Dnf,
    engine::Engine,
    overlays::Overlay,
    roots::BaseRoot,
    step::{Action, BUILDER_HOME, Bind, Ending, Program, Root, SOURCE_DIR, Step},
};
use crate::{
    ended::{Ended, OrBroken, chain},
    log::Output,
    runner::{Order, Runner},
    said,
};

/// The arguments by which this program finds itself inside a sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    Unmapped,
    Mapped,
}

impl Entry {
    pub fn argument(self) -> &'static str {
        match self {
            Self::Unmapped => "sandbox-unmapped",
            Self::Mapped => "sandbox-mapped",
        }
    }

    pub fn from_argument(argument: &str) -> Option<Self> {
        [Self::Unmapped, Self::Mapped].into_iter().find(|entry| entry.argument() == argument)
    }
}

/// Goes on inside a sandbox; called before anything else of the program.
pub fn enter(entry: Entry, own_arguments: usize) -> io::Result<()> {
    match entry {
        Entry::Unmapped => inside::unmapped(own_arguments),
        Entry::Mapped => inside::mapped(),
    }
}

/// A buildroot of one attempt.
pub struct Sandbox {
    engine: Engine,
    base: BaseRoot,
    dnf: Dnf,
    overlay: Overlay,
}

impl Runner for Sandbox {
    async fn ready(order: Order<'_>) -> Result<Self, Ended> {
        let workspace = &order.task.workspace;
        let engine = Engine::new(&order.task.settings, &workspace.path("notes"));
        let cache = &order.task.settings.cache_dir;
        let name = format!("{}-{}", order.context.build, order.environment.chroot.name);
        let overlay = Overlay::create(cache, &name).or_broken("making folders for a sandbox")?;
        let dnf = Dnf::new(order).or_broken("preparing dnf")?;
        let base = roots::ready(order, &engine, &dnf).await?;
        Ok(Self { engine, base, dnf, overlay })
    }

    async fn expand_spec(&mut self, order: Order<'_>) -> Result<String, Ended> {
        let mut output = Output::quiet();
        let arguments = rpmbuild::expand(order);
        match self.as_builder(order, arguments, &mut output).await? {
            Ending::Exited(0) => Ok(output.tail()),
            other => Err(verdict::source_make(&other, &output.tail())),
        }
    }

    async fn make_srpm(&mut self, order: Order<'_>) -> Result<(), Ended> {
        order.task.log.stage("making the source package");
        let mut output = log_file(order, "build.log")?;
        let ending = self.as_builder(order, rpmbuild::source_package(order), &mut output).await?;
        if !ending.succeeded() {
            return Err(verdict::source_make(&ending, &output.tail()));
        }
        self.collect(order, &order.task.workspace.results()).await
    }

    async fn build(&mut self, order: Order<'_>) -> Result<Vec<Nevra>, Ended> {
        self.make_srpm(order).await?;
        self.dnf.prepare(order, &self.engine, &self.root()).await?;
        self.install_wanted(order).await?;
        let built = self.build_until_satisfied(order).await;
        if matches!(built, Err(Ended::Failed { .. })) {
            self.list_root(order).await;
        }
        built?;
        self.collect(order, &order.task.workspace.results()).await?;
        remove_requires(&order.task.workspace.results()).or_broken("sorting the results")?;
        self.manifest(order).await
    }
}

impl Sandbox {
    /// Packages of the project's repositories that replace those of the root, and additional ones.
    async fn install_wanted(&mut self, order: Order<'_>) -> Result<(), Ended> {
        let environment = order.environment;
        let upgrades = self.dnf.upgrades(order, &self.base).await?;
        if !upgrades.is_empty() {
            self.install(order, "taking newer packages of the project", &upgrade_verb(&upgrades)).await?;
        }
        if !environment.additional_packages.is_empty() {
            let verb = [&["install".to_owned()], &environment.additional_packages[..]].concat();
            self.install(order, "installing additional packages", &verb).await?;
        }
        Ok(())
    }

    /// What a failed build was made with, to compare with the last good one; it fails with or without that.
    async fn list_root(&mut self, order: Order<'_>) {
        if self.manifest(order).await.is_err() {
            tracing::info!("the buildroot of the failed build could not be listed");
        }
    }

    /// rpmbuild itself says what is missing: first by static, then by any number of dynamic requirements.
    async fn build_until_satisfied(&mut self, order: Order<'_>) -> Result<(), Ended> {
        const MOST_ROUNDS: usize = 10;
        let mut output = log_file(order, "build.log")?;
        let mut asked = false;
        for _ in 0..=MOST_ROUNDS {
            order.task.log.stage("running rpmbuild");
            let started = Instant::now();
            let ending = self.as_builder(order, rpmbuild::packages(order), &mut output).await?;
            order.task.log.stage(&format!("rpmbuild took {:.2} s", started.elapsed().as_secs_f32()));
            let next = verdict::rpmbuild(&ending, &output.tail())?;
            let package = match next {
                verdict::Next::Done => return Ok(()),
                verdict::Next::Static(missing) if asked => return Err(said::missing(&missing)),
                verdict::Next::Static(_) => {
                    asked = true;
                    source_package(&order.task.workspace.results(), false)
                }
                verdict::Next::Dynamic => {
                    self.collect(order, &order.task.workspace.path("requires")).await?;
                    source_package(&order.task.workspace.path("requires"), true)
                }
            };
            let package = package.or_broken("finding what the build requires")?;
            self.install(order, "installing BuildRequires", &builddep_verb(&package)).await?;
            output = log_file(order, "build.log")?;
        }
        let message = format!("%generate_buildrequires asked for more packages {MOST_ROUNDS} times in a row");
        Err(Ended::failed(FailureCause::BuildRequires, message))
    }

    /// dnf chooses and downloads with the network; rpm installs inside, without it.
    async fn install(&mut self, order: Order<'_>, stage: &str, verb: &[String]) -> Result<(), Ended> {
        order.task.log.stage(stage);
        let mut output = log_file(order, "root.log")?;
        let root = self.root();
        let folder = self.dnf.download(order, &self.engine, (root, verb), &mut output).await?;
        let packages = packages_in(&folder).or_broken("listing downloaded packages")?;
        if packages.is_empty() {
            return Ok(());
        }
        let mut step =
            self.step(order, Action::Inside { program: install_program(&packages), as_root: true });
        step.binds.push(Bind { from: folder, to: roots::PACKAGES.into(), writable: false });
        let ending = self.engine.visit(step, &mut output, &order.task.control).await?;
        verdict::install(&ending, &output.tail())
    }

    async fn as_builder(
        &self,
        order: Order<'_>,
        arguments: Vec<String>,
        output: &mut Output,
    ) -> Result<Ending, Ended> {
        let program =
            Program { arguments, environment: rpmbuild::environment(), folder: BUILDER_HOME.into() };
        let mut step = self.step(order, Action::Inside { program, as_root: false });
        let from = order.task.workspace.sources();
        step.binds.push(Bind { from, to: SOURCE_DIR.into(), writable: false });
        step.network = order.environment.enable_net;
        self.engine.visit(step, output, &order.task.control).await
    }

    async fn collect(&self, order: Order<'_>, into: &Path) -> Result<(), Ended> {
        const SEEN_AS: &str = "/.coppice-results";
        fs::create_dir_all(into).or_broken("making a folder for results")?;
        let collect = Action::Collect { most_bytes: order.limits.result_bytes, to: SEEN_AS.into() };
        let mut step = self.step(order, collect);
        step.binds.push(Bind { from: into.to_owned(), to: SEEN_AS.into(), writable: true });
        match self.engine.visit(step, &mut Output::quiet(), &order.task.control).await? {
            Ending::Exited(_) => Ok(()),
            Ending::Limit(sentence) => Err(Ended::failed(FailureCause::Limit, sentence)),
            other => Err(Ended::broken(format!("collecting the results: {other:?}"))),
        }
    }

    /// What the buildroot holds, also kept as a file as Mock does.
    async fn manifest(&self, order: Order<'_>) -> Result<Vec<Nevra>, Ended> {
        let mut output = Output::quiet();
        let ending = self.as_builder(order, rpmbuild::query_all(), &mut output).await?;
        let list = output.tail();
        if !ending.succeeded() {
            return Err(Ended::broken(format!("listing the buildroot: {ending:?} {list}")));
        }
        let packages = rpmbuild::parse_query(&list);
        let lines: String = packages.iter().map(|package| format!("{package}\n")).collect();
        let path = order.task.workspace.results().join("installed_pkgs.log");
        fs::write(path, lines).or_broken("keeping the list of the buildroot")?;
        Ok(packages)
    }

    fn step(&self, order: Order<'_>, action: Action) -> Step {
        Step {
            root: Some((self.root(), roots::mount_point(order))),
            binds: Vec::new(),
            action,
            memory_mb: order.limits.memory_mb,
            processes: order.limits.processes,
            network: false,
        }
    }

    fn root(&self) -> Root {
        self.overlay.over(&self.base.path)
    }
}

pub fn log_file(order: Order<'_>, name: &str) -> Result<Output, Ended> {
    let path = order.task.workspace.results().join(name);
    Output::new(&order.task.log, &path, order.limits.log_bytes).or_broken("opening a log file")
}

fn install_program(packages: &[String]) -> Program {
    let mut arguments: Vec<String> =
        ["rpm", "-U", "--nosignature", "--oldpackage", "--replacepkgs", "--define", rpmbuild::MOUNTED]
            .map(str::to_owned)
            .into();
    arguments.extend(packages.iter().map(|name| format!("{}/{name}", roots::PACKAGES)));
    Program { arguments, environment: rpmbuild::environment(), folder: "/".into() }
}

fn upgrade_verb(names: &[String]) -> Vec<String> {
    [&["upgrade".to_owned()], names].concat()
}

fn builddep_verb(package: &Path) -> Vec<String> {
    vec!["builddep".to_owned(), package.display().to_string()]
}

fn packages_in(folder: &Path) -> io::Result<Vec<String>> {
    let entries = fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let mut names = entries.collect::<io::Result<Vec<String>>>()?;
    names.retain(|name| name.ends_with(".rpm"));
    names.sort();
    Ok(names)
}

/// The source package in a folder, or the list of requirements that rpmbuild writes in that form.
fn source_package(folder: &Path, requires: bool) -> io::Result<PathBuf> {
    let names = packages_in(folder)?;
    let wanted = |name: &&String| {
        let list = name.ends_with(".buildreqs.nosrc.rpm");
        list == requires && (name.ends_with(".src.rpm") || name.ends_with(".nosrc.rpm"))
    };
    let name =
        names.iter().find(wanted).ok_or_else(|| io::Error::other("rpmbuild wrote no source package"))?;
    Ok(folder.join(name))
}

fn remove_requires(results: &Path) -> io::Result<()> {
    match source_package(results, true) {
        Ok(path) => fs::remove_file(path),
        Err(absent) => {
            tracing::debug!("no list of dynamic requirements: {}", chain(&absent));
            Ok(())
        }
    }
}
