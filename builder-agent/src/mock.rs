//! The Mock runner: the real Mock with a configuration that is generated for each build.

mod config;
mod verdict;

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use coppice_model::package::Nevra;
use tokio::process::Command;

use crate::{
    command,
    control::Control,
    ended::{Ended, OrBroken, chain},
    log::Output,
    options::{Settings, in_path},
    record, results,
    runner::{Order, Runner},
    said,
};

const LONGEST_QUESTION_S: u64 = 30;
/// Around the text that is wanted among Mock's own words.
const MARK: &str = "=====coppice=====";

/// One generated configuration.
pub struct Mock {
    config: PathBuf,
    /// Where Mock puts what it makes, one folder per call.
    results: PathBuf,
    count: u32,
}

/// What one call of Mock said.
struct Said {
    code: Option<i32>,
    output: String,
    folder: PathBuf,
}

impl Runner for Mock {
    async fn ready(order: Order<'_>) -> Result<Self, Ended> {
        let home = order.task.workspace.path("home");
        let text = config::render(order).or_broken("writing Mock's configuration")?;
        let config = home.join("child.cfg");
        fs::write(&config, &text).or_broken("writing Mock's configuration")?;
        record::keep_with(&order, &[("child.cfg", &text)]).or_broken("recording the configuration")?;
        Ok(Self { config, results: order.task.workspace.path("mock"), count: 0 })
    }

    async fn expand_spec(&mut self, order: Order<'_>) -> Result<String, Ended> {
        let spec = order.spec_path().display().to_string();
        let inside = format!("/tmp/{}", order.spec);
        let shell = format!("echo {MARK}; rpmspec -P '{inside}' && echo {MARK}");
        let mut said = None;
        for arguments in
            [vec!["--init"], vec!["--copyin", &spec, &inside], vec!["--chroot", "--unpriv", shell.as_str()]]
        {
            let call = self.call(order, "asking Mock about the spec file", &arguments).await?;
            verdict::source_make(call.code, &call.output)?;
            said = Some(call.output);
        }
        let said = said.unwrap_or_default();
        let parts: Vec<&str> = said.split(MARK).collect();
        Ok(parts.get(parts.len().saturating_sub(2)).copied().unwrap_or_default().to_owned())
    }

    async fn make_srpm(&mut self, order: Order<'_>) -> Result<(), Ended> {
        let said = self.buildsrpm(order).await?;
        keep(order, &said.folder).or_broken("keeping Mock's results")
    }

    async fn build(&mut self, order: Order<'_>) -> Result<Vec<Nevra>, Ended> {
        let said = self.buildsrpm(order).await?;
        let source = source_package(&said.folder).or_broken("finding the source package")?;
        let source = source.display().to_string();
        let said = self.call(order, "building with Mock", &["--rebuild", &source]).await?;
        keep(order, &said.folder).or_broken("keeping Mock's results")?;
        let read = |name: &str| tail_of(&said.folder.join(name));
        verdict::rebuild(
            said.code,
            &read("state.log"),
            &[&read("build.log"), &said.output].map(String::as_str),
        )?;
        Ok(config::parse_installed(&read("installed_pkgs.log")))
    }
}

impl Mock {
    async fn buildsrpm(&mut self, order: Order<'_>) -> Result<Said, Ended> {
        let sources = order.task.workspace.sources().display().to_string();
        let spec = order.spec_path().display().to_string();
        let arguments = ["--buildsrpm", "--spec", &spec, "--sources", &sources];
        let said = self.call(order, "making the source package with Mock", &arguments).await?;
        if said.code != Some(0) {
            keep(order, &said.folder).or_broken("keeping Mock's results")?;
        }
        let state = tail_of(&said.folder.join("state.log"));
        verdict::buildsrpm(
            said.code,
            &state,
            &[&tail_of(&said.folder.join("build.log")), &said.output].map(String::as_str),
        )?;
        Ok(said)
    }

    async fn call(&mut self, order: Order<'_>, stage: &str, arguments: &[&str]) -> Result<Said, Ended> {
        order.task.log.stage(stage);
        self.count += 1;
        let folder = self.results.join(self.count.to_string());
        fs::create_dir_all(&folder).or_broken("making a folder for Mock")?;
        let mut command = Command::new(&order.task.settings.mock);
        command.env_clear().envs(environment(order));
        command.arg("-r").arg(&self.config).arg("--resultdir").arg(&folder);
        command.args(["--uniqueext", &unique(order)]);
        for (option, names) in
            [("--with", &order.environment.with_opts), ("--without", &order.environment.without_opts)]
        {
            command.args(names.iter().flat_map(|name| [option, name.as_str()]));
        }
        command.args(arguments);
        let path = order.task.workspace.results().join("mock.log");
        let output = Output::new(&order.task.log, &path, order.limits.log_bytes);
        let mut output = output.or_broken("opening a log file")?;
        let status = command::run(command, &mut output, &order.task.control).await?;
        Ok(Said { code: status.code(), output: output.tail(), folder })
    }
}

fn environment(order: Order<'_>) -> Vec<(String, String)> {
    let path = std::env::var("PATH").unwrap_or_else(|_| "/usr/sbin:/usr/bin:/sbin:/bin".into());
    let home = order.task.workspace.path("home").display().to_string();
    [("PATH", path), ("HOME", home), ("LC_ALL", "C.UTF-8".to_owned())]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
}

/// Builds of one chroot share Mock's caches and nothing else.
fn unique(order: Order<'_>) -> String {
    format!("{}-{}", order.context.build, std::process::id())
}

/// Copies logs and packages; logs no longer than allowed.
fn keep(order: Order<'_>, folder: &Path) -> io::Result<()> {
    let to = order.task.workspace.results();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(mut from) = results::open_plain(&entry.path())? else { continue };
        if name.ends_with(".log") {
            copy_log(&mut from, &to.join(&name), order.limits.log_bytes)?;
        } else if name.ends_with(".rpm") {
            io::copy(&mut from, &mut File::create(to.join(&name))?)?;
        }
    }
    Ok(())
}

/// Logs of several calls follow each other.
fn copy_log(from: &mut File, to: &Path, most_bytes: u64) -> io::Result<()> {
    let mut to = OpenOptions::new().create(true).append(true).open(to)?;
    let room = most_bytes.saturating_sub(to.metadata()?.len());
    io::copy(&mut from.take(room), &mut to)?;
    if from.metadata()?.len() > room {
        writeln!(to, "\n==> the log was cut here: more than {most_bytes} bytes")?;
    }
    Ok(())
}

fn source_package(folder: &Path) -> io::Result<PathBuf> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with("src.rpm") {
            return Ok(path);
        }
    }
    Err(io::Error::other("Mock made no source package"))
}

/// The end of a log, enough to judge by; nothing when there is none.
fn tail_of(path: &Path) -> String {
    use std::io::{Seek, SeekFrom};
    const MOST: u64 = 256 << 10;
    let read = || -> io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(MOST)))?;
        let mut bytes = Vec::new();
        file.take(MOST).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// First line of `mock --version`. Starting Mock takes a while, so the answer is kept in the cache for as
/// long as the program stays the same.
pub async fn version(settings: &Settings) -> Option<String> {
    let path = in_path(&settings.mock)?;
    let meta = fs::metadata(&path).ok()?;
    let key = format!("{} {} {:?}", path.display(), meta.len(), meta.modified().ok()?);
    let cache = settings.cache_dir.join("mock-version");
    let kept = fs::read_to_string(&cache).unwrap_or_default();
    if let Some(version) = kept.strip_prefix(&key) {
        return Some(version.trim().to_owned());
    }
    let version = match ask_version(&path).await {
        Ok(version) => version,
        Err(error) => {
            tracing::warn!("asking Mock for its version: {}", chain(&error));
            return None;
        }
    };
    if let Err(error) = fs::write(&cache, format!("{key}\n{version}\n")) {
        tracing::warn!("keeping Mock's version: {error}");
    }
    Some(version)
}

async fn ask_version(program: &Path) -> Result<String, Ended> {
    let (_halter, control) = Control::new(LONGEST_QUESTION_S);
    let mut output = Output::quiet();
    let mut command = Command::new(program);
    command.arg("--version");
    let status = command::run(command, &mut output, &control).await?;
    let said = output.tail();
    match said.lines().next() {
        Some(line) if status.success() => Ok(line.trim().to_owned()),
        _ => Err(Ended::broken(said::error_line(&said))),
    }
}
