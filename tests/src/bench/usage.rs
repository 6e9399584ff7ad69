//! What work costs: CPU of both kinds, and time.

use std::time::{Duration, Instant};

use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeVal,
};
use serde::{Deserialize, Serialize};

/// Milliseconds.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Usage {
    pub cpu: f64,
    pub wall: f64,
}

impl Usage {
    /// What came since `before`, which was taken at `started`.
    pub fn since(self, before: &Self, started: Instant) -> Self {
        Self { cpu: self.cpu - before.cpu, wall: milliseconds(started.elapsed()) }
    }
}

pub fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Of all children that ended and were waited for.
pub fn of_children() -> anyhow::Result<Usage> {
    of(UsageWho::RUSAGE_CHILDREN)
}

pub fn of_this_process() -> anyhow::Result<Usage> {
    of(UsageWho::RUSAGE_SELF)
}

fn of(who: UsageWho) -> anyhow::Result<Usage> {
    let usage = getrusage(who)?;
    let ms = |time: TimeVal| time.tv_sec() as f64 * 1e3 + time.tv_usec() as f64 / 1e3;
    Ok(Usage { cpu: ms(usage.user_time()) + ms(usage.system_time()), wall: 0.0 })
}

/// CPU of a running process of ours; `proc(5)` counts it in hundredths of a second.
pub fn of_process(pid: i32) -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, fields) = stat.rsplit_once(") ").unwrap_or_default();
    let ticks: f64 = fields.split(' ').skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum();
    Ok(ticks * 10.0)
}
