//! Cached roots: made once by the operator's dnf for a chroot definition and the state of its repositories,
//! never seen half, never made twice at the same time, gone when nobody used them for long.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use coppice_model::chroot::ChrootDefinition;
use sha2::{Digest, Sha256};

use super::{
    clean,
    dnf::Dnf,
    engine::Engine,
    packages_in, rpmbuild,
    step::{Action, Program, Root, Step},
};
use crate::{
    ended::{Ended, OrBroken, chain},
    log::Output,
    repositories,
    runner::Order,
};

/// Changes when roots are made in another way.
const FORMAT: &str = "1";
/// Where downloaded packages are seen inside.
pub const PACKAGES: &str = "/.coppice-packages";
/// Names of the installed packages, beside the root.
const NAMES: &str = "packages.txt";
const UNFINISHED: &str = ".new-";
const PAUSE: Duration = Duration::from_millis(200);

#[derive(Debug)]
pub struct BaseRoot {
    pub path: PathBuf,
    /// Names of all its packages.
    pub names: Vec<String>,
    /// Held for as long as the root is in use.
    _in_use: File,
}

struct Place {
    roots: PathBuf,
    key: String,
}

pub async fn ready(order: Order<'_>, engine: &Engine, dnf: &Dnf) -> Result<BaseRoot, Ended> {
    let definition = &order.environment.chroot;
    let roots = order.task.settings.cache_dir.join("roots");
    fs::create_dir_all(&roots).or_broken("making the folder of roots")?;
    let place = Place { roots, key: key(order, definition).await? };
    let finding = find_or_make(order, engine, dnf, &place);
    let root = order.task.control.or_halted(finding).await??;
    prune(order, engine, &place).await;
    Ok(root)
}

async fn find_or_make(
    order: Order<'_>,
    engine: &Engine,
    dnf: &Dnf,
    place: &Place,
) -> Result<BaseRoot, Ended> {
    let mut told = false;
    loop {
        if let Some(root) = place.find().or_broken("opening a cached root")? {
            return Ok(root);
        }
        match place.lock().or_broken("locking a cached root")? {
            Some(_making) if !place.is_there() => make(order, engine, dnf, place).await?,
            Some(_not_needed) => {}
            None => {
                if !told {
                    order.task.log.stage("waiting for another builder that makes the same root");
                }
                told = true;
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// What the root depends on: how it is defined, and what the repositories hold now.
async fn key(order: Order<'_>, definition: &ChrootDefinition) -> Result<String, Ended> {
    let mut hash = Sha256::new();
    let text = serde_json::to_string(definition).or_broken("reading the chroot definition")?;
    hash.update(format!("{FORMAT}\n{text}\n"));
    for repository in &definition.repositories {
        let index = repositories::index(repository, definition);
        hash.update(order.task.control.or_halted(index).await??);
    }
    Ok(format!("{}-{}", definition.name, hex::encode(&hash.finalize()[..16])))
}

impl Place {
    fn root(&self) -> PathBuf {
        self.roots.join(&self.key).join("root")
    }

    fn is_there(&self) -> bool {
        self.root().is_dir()
    }

    fn unfinished(&self) -> PathBuf {
        self.roots.join(format!("{UNFINISHED}{}", self.key))
    }

    fn lock_file(&self) -> io::Result<File> {
        let path = self.roots.join(format!("{}.lock", self.key));
        OpenOptions::new().create(true).append(true).open(path)
    }

    fn find(&self) -> io::Result<Option<BaseRoot>> {
        let mut file = self.lock_file()?;
        let locked = is_locked(file.try_lock_shared())?;
        if !locked || !self.is_there() {
            return Ok(None);
        }
        // The date of the lock file says when the root was last used.
        file.set_len(0)?;
        file.write_all(b"used\n")?;
        let names = fs::read_to_string(self.roots.join(&self.key).join(NAMES))?;
        let names = names.lines().map(str::to_owned).collect();
        Ok(Some(BaseRoot { path: self.root(), names, _in_use: file }))
    }

    fn lock(&self) -> io::Result<Option<File>> {
        let file = self.lock_file()?;
        let locked = is_locked(file.try_lock())?;
        Ok(locked.then_some(file))
    }
}

fn is_locked(tried: Result<(), TryLockError>) -> io::Result<bool> {
    match tried {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

async fn make(order: Order<'_>, engine: &Engine, dnf: &Dnf, place: &Place) -> Result<(), Ended> {
    let definition = &order.environment.chroot;
    order.task.log.stage(&format!("making the root of {} (once)", definition.name));
    if definition.setup_packages.is_empty() || definition.repositories.is_empty() {
        return Err(Ended::broken(format!("chroot {} names no packages or repositories", definition.name)));
    }
    let new = place.unfinished();
    clean::remove(engine, vec![new.clone()]).await;
    let root = new.join("root");
    fs::create_dir_all(&root).or_broken("making a root")?;
    let mut output = super::log_file(order, "root.log")?;
    let folder = dnf.download_base(order, engine, Root::Plain(root.clone()), &mut output).await?;
    install(order, engine, &root, &folder, &mut output).await?;
    let names = finish(order, engine, &root).await?;
    fs::write(new.join(NAMES), names.join("\n")).or_broken("listing a root")?;
    fs::rename(&new, place.roots.join(&place.key)).or_broken("placing a root")
}

/// The host's rpm installs, because the root has none yet; without the network.
async fn install(
    order: Order<'_>,
    engine: &Engine,
    root: &Path,
    packages: &Path,
    output: &mut Output,
) -> Result<(), Ended> {
    let at = mount_point(order);
    let mut arguments: Vec<String> = ["rpm", "--root"].map(str::to_owned).into();
    arguments.extend([at.display().to_string(), "-U".to_owned(), "--nosignature".to_owned()]);
    arguments.extend(["--define".to_owned(), rpmbuild::MOUNTED.to_owned()]);
    let names = packages_in(packages).or_broken("listing downloaded packages")?;
    arguments.extend(names.iter().map(|name| packages.join(name).display().to_string()));
    let program = Program { arguments, environment: host_environment(order), folder: "/".into() };
    let action = Action::OnHost { program, writable: writable_on_host(order) };
    let ending = engine.visit(step(order, root, action), output, &order.task.control).await?;
    if ending.succeeded() {
        return Ok(());
    }
    Err(Ended::broken(format!("making the root of {}: {ending:?}", order.environment.chroot.name)))
}

/// Adds the builder's account, and makes the programs inside find the package database that the
/// host's rpm wrote: distributions keep it at different places.
async fn finish(order: Order<'_>, engine: &Engine, root: &Path) -> Result<Vec<String>, Ended> {
    account(root).or_broken("adding the builder's account")?;
    let inside = ask(order, engine, root, &["rpm", "-E", "%{_dbpath}"]).await?;
    let inside = inside.lines().last().unwrap_or_default().trim().to_owned();
    if inside != repositories::DBPATH && inside.starts_with('/') {
        let link = root.join(inside.trim_start_matches('/'));
        relink(&link).or_broken("placing the package database")?;
    }
    let list = ask(order, engine, root, &["rpm", "-qa", "--qf", "%{NAME}\\n"]).await?;
    let mut names: Vec<String> = list.lines().map(str::to_owned).collect();
    if names.is_empty() {
        return Err(Ended::broken("the new root does not know its own packages"));
    }
    names.sort();
    Ok(names)
}

fn relink(link: &Path) -> io::Result<()> {
    super::mounts::remove(link)?;
    if let Some(folder) = link.parent() {
        fs::create_dir_all(folder)?;
    }
    std::os::unix::fs::symlink(repositories::DBPATH, link)
}

fn account(root: &Path) -> io::Result<()> {
    let id = super::step::BUILDER_ID;
    let home = super::step::BUILDER_HOME;
    for (file, line) in [
        ("etc/passwd", format!("builder:x:{id}:{id}:builder:{home}:/bin/bash\n")),
        ("etc/group", format!("builder:x:{id}:\n")),
    ] {
        fs::create_dir_all(root.join("etc"))?;
        let mut file = OpenOptions::new().create(true).append(true).open(root.join(file))?;
        file.write_all(line.as_bytes())?;
    }
    Ok(())
}

async fn ask(order: Order<'_>, engine: &Engine, root: &Path, line: &[&str]) -> Result<String, Ended> {
    let arguments = line.iter().map(ToString::to_string).collect();
    let program = Program { arguments, environment: rpmbuild::environment(), folder: "/".into() };
    let mut output = Output::quiet();
    let step = step(order, root, Action::Inside { program, as_root: true });
    let ending = engine.visit(step, &mut output, &order.task.control).await?;
    if ending.succeeded() {
        return Ok(output.tail());
    }
    Err(Ended::broken(format!("asking the new root: {ending:?} {}", output.tail())))
}

fn step(order: Order<'_>, root: &Path, action: Action) -> Step {
    Step {
        root: Some((Root::Plain(root.to_owned()), mount_point(order))),
        binds: Vec::new(),
        action,
        memory_mb: order.limits.memory_mb,
        processes: order.limits.processes,
        network: false,
    }
}

pub fn mount_point(order: Order<'_>) -> PathBuf {
    order.task.workspace.path("mounted")
}

/// Folders of an attempt that the operator's own dnf and rpm may write to.
pub fn writable_on_host(order: Order<'_>) -> Vec<PathBuf> {
    ["notes", "home", "packages"].map(|name| order.task.workspace.path(name)).into()
}

/// For the operator's own dnf and rpm: a home whose macros agree with the roots.
pub fn host_environment(order: Order<'_>) -> Vec<(String, String)> {
    let home = order.task.workspace.path("home").display().to_string();
    let path = std::env::var("PATH").unwrap_or_else(|_| "/usr/sbin:/usr/bin:/sbin:/bin".into());
    [
        ("HOME", home.as_str()),
        ("TMPDIR", home.as_str()),
        ("PATH", path.as_str()),
        ("LC_ALL", "C.UTF-8"),
        ("PYTHONUNBUFFERED", "1"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

/// Removes roots that were not used for long or are too many; never one in use.
async fn prune(order: Order<'_>, engine: &Engine, own: &Place) {
    let settings = &order.task.settings;
    let most_age = Duration::from_secs(settings.roots_kept_days.saturating_mul(86_400));
    remove_unfinished(engine, &own.roots).await;
    let roots = match aged(&own.roots, &own.key) {
        Ok(roots) => roots,
        Err(error) => return tracing::warn!("looking for old roots: {}", chain(&error)),
    };
    for (at, (age, key)) in roots.into_iter().enumerate() {
        if age <= most_age && at + 1 < settings.roots_kept.max(1) {
            continue;
        }
        let place = Place { roots: own.roots.clone(), key };
        let Ok(Some(_free)) = place.lock() else { continue };
        let gone = place.unfinished();
        match fs::rename(place.roots.join(&place.key), &gone) {
            Ok(()) => clean::remove(engine, vec![gone]).await,
            Err(error) => tracing::warn!("removing root {}: {error}", place.key),
        }
    }
}

/// Roots whose maker was killed.
async fn remove_unfinished(engine: &Engine, roots: &Path) {
    for entry in fs::read_dir(roots).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(key) = name.strip_prefix(UNFINISHED) else { continue };
        let place = Place { roots: roots.to_owned(), key: key.to_owned() };
        if let Ok(Some(_nobody_makes_it)) = place.lock() {
            clean::remove(engine, vec![entry.path()]).await;
        }
    }
}

/// All other roots with their age since the last use, youngest first.
fn aged(roots: &Path, own: &str) -> io::Result<Vec<(Duration, String)>> {
    let used = |key: &str| fs::metadata(roots.join(format!("{key}.lock")))?.modified();
    let now = used(own)?;
    let mut found = Vec::new();
    for entry in fs::read_dir(roots)? {
        let entry = entry?;
        let key = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_dir() && !key.starts_with('.') && key != own {
            let age = used(&key).map(|then| now.duration_since(then).unwrap_or_default());
            found.push((age.unwrap_or(Duration::MAX), key));
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_in_use_cannot_be_taken_by_who_removes_or_makes_roots() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place { roots: dir.path().to_owned(), key: "a".into() };
        assert!(place.find().unwrap().is_none());
        fs::create_dir_all(place.root()).unwrap();
        fs::write(dir.path().join("a").join(NAMES), "bash\nrpm").unwrap();
        let first = place.find().unwrap().unwrap();
        let second = place.find().unwrap().unwrap();
        assert_eq!(first.names, ["bash", "rpm"]);
        assert!(place.lock().unwrap().is_none());
        drop((first, second));
        let making = place.lock().unwrap();
        assert!(making.is_some() && place.find().unwrap().is_none());
    }
}
