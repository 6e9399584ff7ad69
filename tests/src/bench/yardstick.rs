//! How fast this machine is at the moment. Who shares its cores with others pays for the same work up to twice the CPU,
//! for minutes, so that a figure in CPU alone says as much about them as about us.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    os::unix::net::UnixStream,
    thread,
};

use serde_json::Value;

use crate::usage;

const ROWS: u32 = 400;
const TREES: usize = 12;
const ROUND_TRIPS: usize = 400;
/// CPU milliseconds of the work on a calm machine with two virtual cores, the middle of many times: with the shortest
/// every figure would come out smaller than what was used.
const AT_REST_MS: f64 = 5.5;

/// A fixed piece of work like that of a request: text is read into a tree and a tree becomes text, and one thread
/// waits for the answer of another.
pub struct Yardstick {
    text: String,
    other: UnixStream,
}

impl Yardstick {
    pub fn new() -> anyhow::Result<Self> {
        let row = |n: u32| {
            BTreeMap::from([
                ("id", n.to_string()),
                ("name", format!("package-{n}")),
                ("state", "succeeded".repeat(3)),
            ])
        };
        let text = serde_json::to_string(&(0..ROWS).map(row).collect::<Vec<_>>())?;
        let (other, answering) = UnixStream::pair()?;
        thread::spawn(move || answer(answering));
        Ok(Self { text, other })
    }

    /// How much longer work takes now than at rest: 1 is as fast, 2 is half as fast.
    pub fn slowness(&self) -> anyhow::Result<f64> {
        let before = usage::of_this_process()?;
        for _ in 0..TREES {
            let tree: Value = serde_json::from_str(&self.text)?;
            anyhow::ensure!(tree.to_string().len() >= self.text.len(), "the yardstick lost something");
        }
        let mut byte = [0];
        for _ in 0..ROUND_TRIPS {
            (&self.other).write_all(&byte)?;
            (&self.other).read_exact(&mut byte)?;
        }
        Ok((usage::of_this_process()?.cpu - before.cpu) / AT_REST_MS)
    }
}

/// Until nobody asks any more.
fn answer(mut asking: UnixStream) {
    let mut byte = [0];
    while asking.read_exact(&mut byte).and_then(|()| asking.write_all(&byte)).is_ok() {}
}
