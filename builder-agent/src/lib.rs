//! The builder agent: takes one task from the backend, builds it in a sandbox or with Mock, sends back
//! everything that came of it. It holds no secret but its ticket and the tokens that it got for it.

mod attempt;
mod command;
mod control;
mod distgit;
mod ended;
mod fetch;
mod job;
mod log;
mod logging;
mod mock;
mod options;
mod protocol;
mod record;
mod report;
mod repositories;
mod results;
mod retry;
mod runner;
mod said;
mod sandbox;
mod source;
mod sources_file;
mod spec;
mod ticket;
mod workspace;

use std::ffi::OsString;

use anyhow::Context;
use clap::Parser;

pub use options::Options;

/// The whole program, whatever it is called by: `args` are its own arguments. Call it before any
/// async runtime is started. The agent starts itself anew inside its sandboxes, by the same way.
pub fn main_with(args: Vec<OsString>) -> anyhow::Result<()> {
    if let Some(step) = args.first().and_then(|arg| arg.to_str()).and_then(sandbox::Entry::from_argument) {
        return sandbox::enter(step, args.len()).context("working inside a sandbox");
    }
    // Programs of other agents run as the same user; none of them shall read the tokens in our memory.
    nix::sys::prctl::set_dumpable(false)?;
    let own_count = args.len();
    let program = std::iter::once(OsString::from("builder-agent"));
    let options = Options::parse_from(program.chain(args));
    ensure_unprivileged()?;
    let ticket = ticket::take(&options)?;
    logging::init();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(attempt::serve(options.settings(own_count)?, ticket))?;
    // A fetch or a reading may still hang in a thread; everything that counts is done.
    runtime.shutdown_background();
    Ok(())
}

fn ensure_unprivileged() -> anyhow::Result<()> {
    anyhow::ensure!(
        !nix::unistd::Uid::effective().is_root(),
        "the builder agent does not run as root, because builds are strangers' programs: start it as a plain user"
    );
    Ok(())
}
