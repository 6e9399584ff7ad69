//! Watches what all processes inside take together, and ends them when it is too much.

use std::{
    fs,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, SysconfVar, sysconf},
};

use super::step::Step;

const INTERVAL: Duration = Duration::from_millis(100);

/// Puts the sentence into `exceeded` before anybody is killed.
pub fn start(step: &Step, exceeded: Arc<Mutex<Option<String>>>) {
    let (memory_mb, processes) = (step.memory_mb, step.processes);
    thread::spawn(move || {
        loop {
            thread::sleep(INTERVAL);
            if let Some(sentence) = too_much(memory_mb, processes) {
                *exceeded.lock().unwrap_or_else(PoisonError::into_inner) = Some(sentence);
                if kill(Pid::from_raw(-1), Signal::SIGKILL).is_err() {
                    std::process::exit(1);
                }
            }
        }
    });
}

fn too_much(memory_mb: u64, processes: u64) -> Option<String> {
    let inside = processes_inside();
    if inside.len() as u64 > processes {
        return Some(format!("the build ran more than {processes} processes at once"));
    }
    let limit = memory_mb.saturating_mul(1 << 20);
    let page = u64::try_from(sysconf(SysconfVar::PAGE_SIZE).ok().flatten().unwrap_or(4_096)).unwrap_or(4_096);
    let resident: u64 = inside.iter().filter_map(|id| resident_pages(*id)).sum::<u64>() * page;
    // Shared pages count once for every process here, so the exact and slow count decides.
    if resident <= limit || inside.iter().map(|id| proportional_bytes(*id)).sum::<u64>() <= limit {
        return None;
    }
    Some(format!("the build took more than {memory_mb} MB of memory"))
}

/// All but process 1, which is the watcher itself.
pub fn processes_inside() -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let ids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    ids.filter(|id| *id != 1).collect()
}

fn resident_pages(id: u32) -> Option<u64> {
    fs::read_to_string(format!("/proc/{id}/statm")).ok()?.split(' ').nth(1)?.parse().ok()
}

fn proportional_bytes(id: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{id}/smaps_rollup")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    let kilobytes = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}
