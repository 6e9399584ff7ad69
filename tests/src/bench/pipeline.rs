//! The way of a build: how soon it starts, how long it takes, what our own part of it is.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use coppice_kit::{Database, Member, Stack, StackOptions, distro, distro::CHROOT, member::fetch, until};
use serde_json::json;

use crate::{
    agent::monotonic_ns,
    figure::{Figure, median, p99},
};

const SUBMITS: usize = 200;
const BUILDS: usize = 5;
const LIMIT: Duration = Duration::from_secs(60);

pub fn measure() -> anyhow::Result<Vec<Figure>> {
    ensure!(distro::repository().is_some(), "this bench builds for the small distribution");
    let mut figures = vec![submit_to_agent()?];
    figures.extend(whole_builds()?);
    figures.extend(standing_still()?);
    Ok(figures)
}

/// From just before the API call to the agent that holds the task, one at a time on an idle system.
fn submit_to_agent() -> anyhow::Result<Figure> {
    let notes = coppice_kit::place::shared_folder();
    let bench = std::env::current_exe()?;
    let program = notes.path().join("bench");
    fs::copy(bench, &program).context("putting this program where builders may start it")?;
    let command =
        [&program.display().to_string(), "--agent", &notes.path().display().to_string()].map(str::to_owned);
    let options = StackOptions { agent_command: command.to_vec(), ..StackOptions::on(Database::Sqlite) };
    let stack = Stack::start(&options);
    let alice = stack.member("alice");
    alice.copr(&["create", "tools", "--chroot", CHROOT]).ok();
    let client = Client::new(&stack, &alice)?;
    let mut times = Vec::new();
    for round in 0..SUBMITS + 10 {
        // An idle system: the builder that replaces the last one is ready.
        std::thread::sleep(Duration::from_millis(60));
        let started = monotonic_ns()?;
        let build = client.submit_url()?;
        let arrived: i64 = until("the task arrives", LIMIT, || note(notes.path(), build));
        // The first rounds warm caches.
        if round >= 10 {
            times.push((arrived - started) as f64 / 1e6);
        }
    }
    stack.close();
    Ok(Figure::at_most("submit to agent has the task, p99", p99(times), "ms", 50.0))
}

fn note(notes: &Path, build: i64) -> Option<i64> {
    fs::read_to_string(notes.join(build.to_string())).ok()?.parse().ok()
}

/// An HTTP client that is ready, as a user's browser or a CI's script would be.
struct Client {
    runtime: tokio::runtime::Runtime,
    client: reqwest::Client,
    url: String,
    login: String,
    token: String,
}

impl Client {
    fn new(stack: &Stack, member: &Member) -> anyhow::Result<Self> {
        Ok(Self {
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build()?,
            client: reqwest::Client::builder().no_proxy().build()?,
            url: stack.url.clone(),
            login: member.login.clone(),
            token: member.token.clone(),
        })
    }

    fn submit_url(&self) -> anyhow::Result<i64> {
        let body = json!({ "ownername": "alice", "projectname": "tools", "pkgs": ["http://example.com/x-1-1.src.rpm"] });
        let request = self.client.post(format!("{}/api_3/build/create/url", self.url)).json(&body);
        let request = request.basic_auth(&self.login, Some(&self.token));
        let answer: serde_json::Value =
            self.runtime.block_on(async { request.send().await?.error_for_status()?.json().await })?;
        answer["items"][0]["id"].as_i64().context("the answer names no build")
    }
}

/// Upload of the C library to `succeeded`, with a warm root; and what of it is not rpmbuild.
fn whole_builds() -> anyhow::Result<Vec<Figure>> {
    let stack = Stack::start(&StackOptions::on(Database::Sqlite));
    let alice = stack.member("alice");
    alice.copr(&["create", "tools", "--chroot", CHROOT]).ok();
    let source = distro::srpm("libgreet", stack.scratch());
    let (mut whole, mut ours) = (Vec::new(), Vec::new());
    for round in 0..=BUILDS {
        let started = Instant::now();
        let build = upload(&alice, &source)?;
        until("the build succeeded", LIMIT, || (alice.sees(build)["state"] == "succeeded").then_some(()));
        let took = started.elapsed().as_secs_f64();
        // The first build makes the root.
        if round > 0 {
            whole.push(took);
            ours.push(took - rpmbuild_seconds(&alice, build)?);
        }
    }
    stack.close();
    Ok(vec![
        Figure::at_most("upload of a C library to installable", median(whole), "s", 3.0),
        Figure::at_most("our part over bare rpmbuild in the sandbox", median(ours), "s", 1.0),
    ])
}

/// A plain upload, without the start of a Python client in it.
fn upload(alice: &Member, source: &Path) -> anyhow::Result<i64> {
    let answer = alice.uploads("tools", source);
    answer["id"].as_i64().with_context(|| format!("the answer names no build: {answer}"))
}

/// What the agent measured around rpmbuild itself, from the line it writes into the build's log.
fn rpmbuild_seconds(alice: &Member, build: i64) -> anyhow::Result<f64> {
    let folder = alice.chroots(build)[0]["result_url"].as_str().context("no result address")?.to_owned();
    let (_, log) = fetch(&format!("{folder}builder-live.log"));
    let seconds = log
        .lines()
        .filter_map(|line| line.strip_prefix("==> rpmbuild took ")?.strip_suffix(" s")?.parse::<f64>().ok());
    let total: f64 = seconds.sum();
    ensure!(total > 0.0, "the log does not say how long rpmbuild took:\n{log}");
    Ok(total)
}

/// The time to start on a folder that exists, and the memory of the four services when nothing happens.
fn standing_still() -> anyhow::Result<Vec<Figure>> {
    let options = StackOptions { with_chroot: false, ..StackOptions::on(Database::Sqlite) };
    let mut stack = Stack::start(&options);
    let mut times = Vec::new();
    for _ in 0..BUILDS {
        times.push(stack.restart(&options).as_secs_f64());
    }
    std::thread::sleep(Duration::from_secs(3));
    let kib: u64 = Stack::services().iter().flat_map(|service| stack.pids_of(service)).map(rss_kib).sum();
    stack.close();
    Ok(vec![
        Figure::at_most("memory of the four services, idle", kib as f64 / 1024.0, "MB", 150.0),
        Figure::at_most("coppice up until ready", median(times), "s", 2.0),
    ])
}

fn rss_kib(pid: i32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let rss = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.trim().parse().ok());
    rss.unwrap_or(0)
}
