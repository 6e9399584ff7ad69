//! Following a build: one line a stage; on a terminal the line of the present stage counts its seconds.

use std::{
    io::{IsTerminal, Write, stdout},
    time::{Duration, Instant},
};

use anyhow::bail;
use serde_json::Value;

use super::api::Api;

const POLL: Duration = Duration::from_millis(100);
const LIMIT: Duration = Duration::from_secs(30 * 60);

/// Returns when the build succeeded; an error when it ended otherwise.
pub async fn follow(api: &Api, build: i64, chroot: &str) -> anyhow::Result<()> {
    let mut line = Line::new();
    let started = Instant::now();
    loop {
        let whole = api.get(&format!("build/{build}")).await?;
        let part = api
            .get(&format!("build-chroot?build_id={build}&chrootname={chroot}"))
            .await
            .unwrap_or(Value::Null);
        let state = whole["state"].as_str().unwrap_or("unknown").to_owned();
        let stage = part["stage"].as_str().filter(|_| state == "running").unwrap_or(&state).to_owned();
        line.show(&stage);
        match state.as_str() {
            "succeeded" => return Ok(()),
            "failed" | "canceled" | "skipped" => {
                bail!("build {build} ended {state}: {}", reason(&part, &whole))
            }
            _ if started.elapsed() > LIMIT => {
                bail!("build {build} is still {state} after {} s", LIMIT.as_secs())
            }
            _ => tokio::time::sleep(POLL).await,
        }
    }
}

fn reason(part: &Value, whole: &Value) -> String {
    let said = [part, whole].into_iter().find_map(|value| value["failure"].as_str());
    let log = part["result_url"].as_str().map(|url| format!(" (logs at {url})")).unwrap_or_default();
    format!("{}{log}", said.unwrap_or("no reason was given"))
}

struct Line {
    stage: String,
    since: Instant,
    live: bool,
}

impl Line {
    fn new() -> Self {
        Self { stage: String::new(), since: Instant::now(), live: stdout().is_terminal() }
    }

    fn show(&mut self, stage: &str) {
        let changed = self.stage != stage;
        if changed {
            if self.live && !self.stage.is_empty() {
                println!();
            }
            stage.clone_into(&mut self.stage);
            self.since = Instant::now();
        }
        if self.live {
            print!("\r  {:<12}{:>6.1} s", self.stage, self.since.elapsed().as_secs_f32());
            // A terminal that cannot be written to shows no progress; the build goes on.
            stdout().flush().ok();
            if changed && stage == "succeeded" {
                println!();
            }
        } else if changed {
            println!("  {stage}");
        }
    }
}
