//! Running programs: output streamed, interrupted gently, then killed, never left behind.

use std::{
    io,
    os::fd::OwnedFd,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use nix::{
    fcntl::{FcntlArg, fcntl},
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::unix::pipe,
    process::{Child, ChildStdin, Command},
    time::{Instant, sleep_until, timeout},
};

use crate::{
    control::Control,
    ended::{Ended, OrBroken},
    log::Output,
};

const GRACE: Duration = Duration::from_secs(10);
/// How long output may trickle from what a finished program left behind.
const DRAIN: Duration = Duration::from_millis(500);
const BUFFER_BYTES: usize = 256 << 10;

/// A started program and the way it is told to stop.
pub struct Running {
    pub child: Child,
    pub output: pipe::Receiver,
    /// Where `int` is written; without it the process group gets the signals.
    pub told: Option<ChildStdin>,
}

/// Starts with both outputs in one pipe, in a process group of its own.
pub fn start(command: &mut Command) -> io::Result<Running> {
    let (reader, writer) = io::pipe()?;
    // Fewer wake-ups when a build writes a lot; the default size does as well.
    if let Err(error) = fcntl(&reader, FcntlArg::F_SETPIPE_SZ(1 << 20)) {
        tracing::debug!("enlarging a pipe: {error}");
    }
    command.stdout(Stdio::from(writer.try_clone()?)).stderr(Stdio::from(writer));
    let child = command.process_group(0).kill_on_drop(true).spawn()?;
    // The command keeps the writing ends open until they are replaced.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    Ok(Running { child, output: pipe::Receiver::from_owned_fd(OwnedFd::from(reader))?, told: None })
}

/// Runs a program of the host to its end.
pub async fn run(mut command: Command, output: &mut Output, control: &Control) -> Result<ExitStatus, Ended> {
    let program = command.as_std().get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null());
    let running = start(&mut command).or_broken(&format!("starting {program} (is it installed?)"))?;
    finish(running, output, control).await
}

/// Passes output on until the program ended. When the attempt has to stop: INT, a grace, then KILL.
pub async fn finish(
    mut running: Running,
    output: &mut Output,
    control: &Control,
) -> Result<ExitStatus, Ended> {
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut open = true;
    let mut stopped: Option<(Ended, Instant)> = None;
    let status = loop {
        let kill_at = stopped.as_ref().map(|(_, at)| *at);
        tokio::select! {
            read = running.output.read(&mut buffer), if open => match read.or_broken("reading output")? {
                0 => open = false,
                count => output.write(&buffer[..count]).or_broken("writing the log")?,
            },
            status = running.child.wait() => break status.or_broken("waiting for a program")?,
            why = control.halted(), if stopped.is_none() => {
                running.interrupt().await;
                stopped = Some((why, Instant::now() + GRACE));
            }
            () = sleep_until(kill_at.unwrap_or_else(Instant::now)), if kill_at.is_some() => {
                running.kill();
                stopped = stopped.map(|(why, _)| (why, Instant::now() + GRACE));
            }
        }
    };
    drain(&mut running, &mut buffer, output).await?;
    match stopped {
        Some((why, _)) => Err(why),
        None => Ok(status),
    }
}

async fn drain(running: &mut Running, buffer: &mut [u8], output: &mut Output) -> Result<(), Ended> {
    let end = Instant::now() + DRAIN;
    while let Ok(Ok(count)) = timeout(end - Instant::now(), running.output.read(buffer)).await {
        if count == 0 || Instant::now() >= end {
            break;
        }
        output.write(&buffer[..count]).or_broken("writing the log")?;
    }
    Ok(())
}

impl Running {
    async fn interrupt(&mut self) {
        match &mut self.told {
            Some(told) => {
                if let Err(error) = told.write_all(b"int\n").await {
                    tracing::debug!("interrupting a sandbox that is gone: {error}");
                }
            }
            None => self.signal(Signal::SIGINT),
        }
    }

    /// The end of its input makes a sandbox end itself; the signal is for when it cannot.
    fn kill(&mut self) {
        self.told = None;
        self.signal(Signal::SIGKILL);
    }

    fn signal(&self, signal: Signal) {
        let Some(id) = self.child.id().and_then(|id| i32::try_from(id).ok()) else { return };
        if let Err(error) = killpg(Pid::from_raw(id), signal) {
            tracing::debug!("sending {signal} to process group {id}: {error}");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
    }
}
