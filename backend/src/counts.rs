//! The dispatcher's numbers.

use coppice_runtime::health::Metrics;
use prometheus::{IntCounterVec, IntGaugeVec};

#[derive(Debug, Clone)]
pub struct Counts {
    queue: IntGaugeVec,
    running: IntGaugeVec,
    closed: IntCounterVec,
    taken: IntCounterVec,
    waited_s: IntCounterVec,
}

impl Counts {
    pub fn new(metrics: &Metrics) -> Result<Self, prometheus::Error> {
        Ok(Self {
            queue: metrics.gauge("coppice_backend_queue", "Tasks that wait for a machine", &["priority"])?,
            running: metrics.gauge("coppice_backend_running", "Attempts on a machine", &[])?,
            closed: metrics.counter("coppice_backend_closed_total", "Closed attempts", &["how"])?,
            taken: metrics.counter("coppice_backend_taken_total", "Tasks that a machine took", &[])?,
            waited_s: metrics.counter(
                "coppice_backend_waited_seconds_total",
                "Time that taken tasks spent in the queue",
                &[],
            )?,
        })
    }

    pub fn show(&self, (foreground, background): (usize, usize), running: usize) {
        self.queue.with_label_values(&["foreground"]).set(as_number(foreground));
        self.queue.with_label_values(&["background"]).set(as_number(background));
        self.running.with_label_values(&[] as &[&str]).set(as_number(running));
    }

    pub fn taken(&self, waited_s: i64) {
        self.taken.with_label_values(&[] as &[&str]).inc();
        self.waited_s.with_label_values(&[] as &[&str]).inc_by(u64::try_from(waited_s).unwrap_or_default());
    }

    pub fn closed(&self, how: &str) {
        self.closed.with_label_values(&[how]).inc();
    }
}

fn as_number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
