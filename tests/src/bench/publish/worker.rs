//! The publisher in a process of its own, so that its memory and CPU can be told from the bench's.

use std::{
    fs,
    io::{BufRead, BufReader, Lines, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Instant,
};

use anyhow::{Context, ensure};
use coppice_backend::{
    downloads::Counter,
    publisher::{Compression, Ground, PublishConfig, Publisher, Watch},
    signing::Keygen,
    static_server,
    tree::{RepoId, Tree},
};
use coppice_model::signing::Grant;
use coppice_runtime::{Clock, Secret, health::Metrics};
use serde::{Deserialize, Serialize};

use crate::usage::{Usage, of_this_process};

/// What the publisher stands on, and the repository that it publishes.
#[derive(Debug, Serialize, Deserialize)]
pub struct Order {
    /// Its own; nobody else publishes there.
    pub data_dir: PathBuf,
    pub keygen_url: String,
    pub keygen_secret_file: PathBuf,
    pub grant: Grant,
    pub repo: RepoId,
    pub compression: Compression,
}

/// One line of standard input.
#[derive(Debug, Serialize, Deserialize)]
pub enum Question {
    /// Describe everything that is placed, reading every byte.
    Scan,
    /// Read this placed build and publish.
    Add(String),
}

/// One line of standard output.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Answer {
    pub usage: Usage,
    /// Highest resident memory during the work, above what it was before.
    pub grown_mb: f64,
}

pub fn run(order: &Path) -> anyhow::Result<()> {
    let order: Order = serde_json::from_slice(&fs::read(order)?)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let publisher = runtime.block_on(async { open(&order) })?;
    // From here on each line answers a line.
    for line in std::io::stdin().lines() {
        let question: Question = serde_json::from_str(&line?)?;
        let (before, started, resident) = (of_this_process()?, Instant::now(), resident()?);
        match question {
            Question::Scan => runtime.block_on(publisher.reconcile(&order.repo, true, Some(&order.grant)))?,
            Question::Add(build) => {
                runtime.block_on(publisher.add(&order.repo, build, Some(&order.grant)))?;
            }
        }
        let usage = of_this_process()?.since(&before, started);
        let grown_mb = (memory("VmHWM:")? - resident).max(0.0);
        println!("{}", serde_json::to_string(&Answer { usage, grown_mb })?);
    }
    Ok(())
}

/// Serves the tree and tells where, as the first line of standard output.
fn open(order: &Order) -> anyhow::Result<Publisher> {
    let keys = Keygen::new(&order.keygen_url, Secret::read(&order.keygen_secret_file)?)?;
    let tree = Tree::open(&order.data_dir)?;
    let served = static_server::bind("127.0.0.1:0".parse()?, 1, tree.public(), Counter::default())?;
    tokio::spawn(served.server);
    let results_url = format!("http://{}/results", served.addr);
    println!("{results_url}");
    let (clock, metrics) = (Clock::System, Metrics::new());
    let ground = Ground { tree: &tree, keys: &keys, clock, results_url: &results_url, metrics: &metrics };
    let config = PublishConfig { compression: order.compression, ..PublishConfig::default() };
    Ok(Publisher::open(ground, config, Watch::default())?)
}

/// Megabytes; the highest mark begins anew (proc(5), `clear_refs`).
fn resident() -> anyhow::Result<f64> {
    fs::write("/proc/self/clear_refs", "5")?;
    memory("VmRSS:")
}

fn memory(field: &str) -> anyhow::Result<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let value = status.lines().find_map(|line| line.strip_prefix(field)?.trim().strip_suffix(" kB"));
    let kib: f64 = value.with_context(|| format!("proc tells no {field}"))?.trim().parse()?;
    Ok(kib / 1024.0)
}

/// The bench's end of it.
pub struct Worker {
    pub results_url: String,
    child: Child,
    questions: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Worker {
    pub fn start(order: &Order, scratch: &Path) -> anyhow::Result<Self> {
        let path = scratch.join("order.json");
        fs::write(&path, serde_json::to_vec(order)?)?;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("--publisher").arg(&path).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let questions = child.stdin.take().context("a pipe")?;
        let mut answers = BufReader::new(child.stdout.take().context("a pipe")?).lines();
        let results_url = answers.next().context("the publisher did not start")??;
        Ok(Self { results_url, child, questions, answers })
    }

    pub fn ask(&mut self, question: &Question) -> anyhow::Result<Answer> {
        writeln!(self.questions, "{}", serde_json::to_string(question)?)?;
        let answer = self.answers.next().context("the publisher ended")??;
        Ok(serde_json::from_str(&answer)?)
    }

    pub fn end(mut self) -> anyhow::Result<()> {
        drop(self.questions);
        ensure!(self.child.wait()?.success(), "the publisher failed");
        Ok(())
    }
}
