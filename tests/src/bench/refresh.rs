//! Clients that check the signature of the metadata while it changes under their hands.

use std::{
    fs,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use coppice_backend::publisher::Compression;
use coppice_kit::{Database, Stack, StackOptions};

use crate::{
    figure::Figure,
    publish::{
        Corpus, order, place, repository,
        worker::{Question, Worker},
    },
};

const REFRESHES: u32 = 1_000;
const BETWEEN_PUBLISHES: Duration = Duration::from_millis(200);
/// More publishes than these are not prepared.
const BUILDS: usize = 6_000;
const SCRIPT: &str = include_str!("refresh.py");

pub fn measure() -> anyhow::Result<Vec<Figure>> {
    let stack = Stack::start(&StackOptions::on(Database::Sqlite));
    let alice = stack.member("alice");
    let order = order(&stack, &alice, "busy", Compression::Gzip)?;
    let (pool, repository) = (stack.scratch().join("pool"), repository(&order));
    let builds = Corpus::of_this_host()?.write(&pool, 0..BUILDS, 1)?;
    let mut worker = Worker::start(&order, stack.scratch())?;
    let add = |worker: &mut Worker, build: &String| {
        place(&pool, build, &[&repository])?;
        worker.ask(&Question::Add(build.clone()))
    };
    add(&mut worker, &builds[0])?;
    let results_url = worker.results_url.clone();
    let (running, published, started) = (AtomicBool::new(true), AtomicU32::new(0), Instant::now());
    let failed = std::thread::scope(|scope| {
        let publishing = scope.spawn(|| -> anyhow::Result<()> {
            for build in builds.iter().skip(1) {
                if !running.load(Ordering::Relaxed) {
                    break;
                }
                let due = started + BETWEEN_PUBLISHES * published.fetch_add(1, Ordering::Relaxed);
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                add(&mut worker, build)?;
            }
            worker.end()
        });
        let failed = clients(&stack, &results_url, &order.repo.to_string());
        running.store(false, Ordering::Relaxed);
        publishing.join().map_err(|_| anyhow::anyhow!("publishing panicked"))??;
        failed
    })?;
    let rate = f64::from(published.into_inner()) / started.elapsed().as_secs_f64();
    stack.close();
    Ok(vec![
        Figure::at_least("publishes a second beside the refreshes", rate, "1/s", 4.5),
        Figure::at_most("failures of 1,000 dnf refreshes with repo_gpgcheck", f64::from(failed), "", 0.0),
    ])
}

/// Half of them by the plain address, half by the list of snapshots; how many refreshes failed.
fn clients(stack: &Stack, results_url: &str, repo: &str) -> anyhow::Result<u32> {
    let url = format!("{results_url}/{repo}");
    let list = format!("{url}/mirrorlist");
    let (project, _) = repo.rsplit_once('/').context("a repository is below its project")?;
    let key = format!("{}/{project}/pubkey.gpg", stack.results_url);
    let script = stack.scratch().join("refresh.py");
    fs::write(&script, SCRIPT)?;
    let start = |kind: &str, address: &str| -> anyhow::Result<Child> {
        let mut command = Command::new("/usr/bin/python3");
        command.arg(&script).arg((REFRESHES / 2).to_string()).args([kind, address]);
        command.arg(&key).arg(stack.scratch().join(kind));
        Ok(command.stdout(Stdio::piped()).spawn()?)
    };
    let running = [start("baseurl", &url)?, start("mirrorlist", &list)?];
    let mut failed = 0;
    for client in running {
        let output = client.wait_with_output()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut numbers = said.split_whitespace().filter_map(|number| number.parse::<u32>().ok());
        let (failures, states) = (numbers.next(), numbers.next().unwrap_or(0));
        failed += failures.with_context(|| format!("the client said {said:?}"))?;
        ensure!(states > 10, "the repository did not change under the client: {states} states");
    }
    Ok(failed)
}
