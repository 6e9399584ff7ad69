//! Children that are started again when they die, and a stop that leaves nothing behind.

use std::{
    fs,
    process::ExitStatus,
    time::{Duration, Instant},
};

use anyhow::Context;
use coppice_runtime::Stop;
use nix::{
    sys::{
        prctl,
        signal::{Signal, kill},
        wait::{WaitPidFlag, waitpid},
    },
    unistd::Pid,
};
use tokio::process::{Child, Command};

const PAUSE_FIRST: Duration = Duration::from_millis(100);
const PAUSE_MOST: Duration = Duration::from_secs(10);
/// A child that lived this long starts with the short pause again.
const HEALTHY_AFTER: Duration = Duration::from_secs(30);
const TERM_GRACE: Duration = Duration::from_secs(25);
const REAP_EVERY: Duration = Duration::from_secs(1);

/// Makes orphans (builders whose backend died) children of this process, so that the last stop finds them.
pub fn adopt_orphans() -> anyhow::Result<()> {
    prctl::set_child_subreaper(true).context("becoming the parent of orphans")
}

/// Keeps one child running, in a process group of its own (a terminal's Ctrl-C is ours to handle), until the stop, then ends it by TERM, after a grace time by KILL.
pub async fn keep_running(
    name: &'static str,
    make: impl Fn() -> anyhow::Result<Command>,
    stop: Stop,
) -> anyhow::Result<()> {
    let mut pause = PAUSE_FIRST;
    loop {
        let started = Instant::now();
        let mut child = make()?.process_group(0).spawn().with_context(|| format!("starting {name}"))?;
        tokio::select! {
            status = child.wait() => tracing::error!(service = name, status = %shown(status), "ended; starting it again"),
            () = stop.wait() => return end(name, child).await,
        }
        pause = if started.elapsed() > HEALTHY_AFTER { PAUSE_FIRST } else { (pause * 2).min(PAUSE_MOST) };
        if !stop.sleep(pause).await {
            return Ok(());
        }
    }
}

fn shown(status: std::io::Result<ExitStatus>) -> String {
    status.map_or_else(|e| e.to_string(), |s| s.to_string())
}

async fn end(name: &str, mut child: Child) -> anyhow::Result<()> {
    if let Some(pid) = child.id().and_then(|id| i32::try_from(id).ok()) {
        // It may have ended by itself in this moment; then there is nobody to signal.
        kill(Pid::from_raw(pid), Signal::SIGTERM).ok();
    }
    match tokio::time::timeout(TERM_GRACE, child.wait()).await {
        Ok(ended) => ended.map(|_| ()).with_context(|| format!("waiting for {name}")),
        Err(_) => {
            tracing::warn!(service = name, "did not stop in time; killing it");
            child.kill().await.with_context(|| format!("killing {name}"))
        }
    }
}

/// Collects adopted orphans that ended, until the stop. Our own children are collected by the runtime within
/// moments, so what is still a zombie at the next look is an orphan's.
pub async fn reap_orphans(stop: Stop) {
    let mut seen: Vec<Pid> = Vec::new();
    while stop.sleep(REAP_EVERY).await {
        let zombies: Vec<Pid> = children().into_iter().filter(|pid| is_zombie(*pid)).collect();
        for pid in zombies.iter().filter(|pid| seen.contains(pid)) {
            waitpid(*pid, Some(WaitPidFlag::WNOHANG)).ok();
        }
        seen = zombies;
    }
}

fn is_zombie(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z'))
}

/// Ends everything that is still below this process.
pub fn end_orphans() {
    for (signal, rounds) in [(Signal::SIGTERM, 30), (Signal::SIGKILL, 30)] {
        for _ in 0..rounds {
            let left = children();
            if left.is_empty() {
                return;
            }
            for pid in left {
                // A builder leads a process group with everything it started.
                kill(Pid::from_raw(-pid.as_raw()), signal).or_else(|_| kill(pid, signal)).ok();
                waitpid(pid, Some(WaitPidFlag::WNOHANG)).ok();
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

fn children() -> Vec<Pid> {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    tasks
        .filter_map(|task| fs::read_to_string(task.path().join("children")).ok())
        .flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<i32>>())
        .map(Pid::from_raw)
        .collect()
}
