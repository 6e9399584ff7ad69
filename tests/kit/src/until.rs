//! Waiting for something to become true, with an end.

use std::time::{Duration, Instant};

/// Asks again and again until there is an answer; panics with `what` when the time is up.
pub fn until<T>(what: &str, limit: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(started.elapsed() < limit, "waited {} s in vain: {what}", limit.as_secs());
        std::thread::sleep(Duration::from_millis(30));
    }
}
