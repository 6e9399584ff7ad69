//! A log of a hundred megabytes: its end, a part of it by line number, and what is found in it.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, ensure};
use coppice_backend::{downloads::Counter, static_server};
use coppice_kit::{corpus, place};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::{
    api::client::{Client, Route},
    figure::{Figure, median},
};

const CHROOT: &str = "fedora-43-x86_64";
/// Builds of the big project with the names of their packages; all have the same log.
const BUILDS: [(u32, &str); 5] =
    [(25_002, "pkg-18"), (25_012, "pkg-19"), (25_022, "pkg-20"), (25_032, "pkg-01"), (25_042, "pkg-02")];
const LINES: u64 = 1_000_000;
/// Stands once in the log.
const WORD: &str = "needle";
const WORD_AT: u64 = LINES - 5_000;
const MIDDLE: u64 = LINES / 2;
const OPENED: usize = 7;
const MOST_MS: f64 = 1_000.0;

/// The backend's own server of results, with that log in it.
pub struct Results {
    /// For the frontend's configuration.
    pub url: String,
    _folder: TempDir,
    _runtime: Runtime,
}

impl Results {
    pub fn serve() -> anyhow::Result<Self> {
        let folder = place::shared_folder();
        put_logs(folder.path())?;
        let runtime = Runtime::new()?;
        let bound = {
            let _entered = runtime.enter();
            static_server::bind(([127, 0, 0, 1], 0).into(), 1, folder.path(), Counter::default())?
        };
        runtime.spawn(bound.server);
        Ok(Self { url: format!("http://{}/results", bound.addr), _folder: folder, _runtime: runtime })
    }
}

fn put_logs(root: &Path) -> anyhow::Result<()> {
    let log = root.join("log");
    fs::write(&log, long_log()?)?;
    let packed = Command::new("gzip").arg(&log).status().context("gzip")?;
    ensure!(packed.success(), "gzip ended with {packed}");
    for (build, package) in BUILDS {
        let folder = folder_of(root, build, package);
        fs::create_dir_all(&folder)?;
        fs::hard_link(root.join("log.gz"), folder.join("builder-live.log.gz"))?;
    }
    Ok(())
}

fn folder_of(root: &Path, build: u32, package: &str) -> PathBuf {
    let (owner, project) = corpus::BIG_PROJECT;
    root.join(owner).join(project).join(CHROOT).join(format!("{build:08}-{package}"))
}

fn long_log() -> anyhow::Result<String> {
    let mut log = String::with_capacity(110 << 20);
    for n in 1..=LINES {
        let word = if n == WORD_AT { WORD } else { "DNDEBUG" };
        writeln!(
            log,
            "gcc -O2 -g -pipe -Wall -c source-{n:07}.c -o objects/source-{n:07}.o -I include -{word} --param=a"
        )?;
    }
    ensure!(log.len() > 95 << 20, "the log has only {} bytes", log.len());
    Ok(log)
}

fn page(build: u32, query: &str) -> Route {
    let (owner, project) = corpus::BIG_PROJECT;
    Route::Get(format!("/coprs/{owner}/{project}/build/{build}/log/{CHROOT}/{query}"))
}

/// The first time, the frontend fetches the log and learns where its lines begin.
pub fn measure(client: &Client) -> anyhow::Result<Vec<Figure>> {
    let first = BUILDS.map(|(build, _)| page(build, ""));
    let first = first.iter().map(|route| client.open(route)).collect::<anyhow::Result<Vec<f64>>>()?;
    let mut figures = vec![figure("its end, the first time", first)];
    let (build, _) = BUILDS[BUILDS.len() - 1];
    for (name, query, shown) in [
        ("its end", String::new(), format!("id=\"L{LINES}\"")),
        ("lines of its middle", format!("?from={MIDDLE}"), format!("id=\"L{MIDDLE}\"")),
        ("a word near its end", format!("?q={WORD}"), format!("#L{WORD_AT}\"")),
    ] {
        let route = page(build, &query);
        ensure!(client.text(&route)?.contains(&shown), "{name}: {shown} is missing");
        let times = (0..OPENED).map(|_| client.open(&route)).collect::<anyhow::Result<Vec<f64>>>()?;
        figures.push(figure(name, times));
    }
    Ok(figures)
}

fn figure(name: &str, times: Vec<f64>) -> Figure {
    Figure::at_most(format!("a log of 100 MB, {name}"), median(times), "ms", MOST_MS)
}
