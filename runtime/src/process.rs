//! Running other programs: bounded in time, never left behind.

use std::{
    io,
    process::{ExitStatus, Output, Stdio},
    time::Duration,
};

use tokio::process::Command;

const STDERR_SHOWN: usize = 2_000;

#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    #[error("starting {program}; is it installed?")]
    Start { program: String, source: io::Error },
    #[error("{program} did not end within {limit_s} s")]
    Timeout { program: String, limit_s: u64 },
    #[error("{program} ended with {status}: {stderr}")]
    Failed { program: String, status: ExitStatus, stderr: String },
}

/// Runs to the end and returns standard output. The program is killed when the time is up or the caller
/// is dropped.
pub async fn run(command: Command, limit: Duration) -> Result<Vec<u8>, ProcessError> {
    let program = name(&command);
    let output = output(command, limit).await?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let stderr = tail(&output.stderr);
    Err(ProcessError::Failed { program, status: output.status, stderr })
}

/// The same for programs that say something useful when they fail: their exit status is not judged.
pub async fn output(mut command: Command, limit: Duration) -> Result<Output, ProcessError> {
    let program = name(&command);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let child = command.spawn().map_err(|source| ProcessError::Start { program: program.clone(), source })?;
    match tokio::time::timeout(limit, child.wait_with_output()).await {
        Err(_) => Err(ProcessError::Timeout { program, limit_s: limit.as_secs() }),
        Ok(Err(source)) => Err(ProcessError::Start { program, source }),
        Ok(Ok(output)) => Ok(output),
    }
}

fn name(command: &Command) -> String {
    command.as_std().get_program().to_string_lossy().into_owned()
}

fn tail(bytes: &[u8]) -> String {
    let start = bytes.len().saturating_sub(STDERR_SHOWN);
    String::from_utf8_lossy(&bytes[start..]).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_failing_program_says_why_and_an_endless_one_is_ended() {
        let mut failing = Command::new("sh");
        failing.args(["-c", "echo broken >&2; exit 3"]);
        let error = run(failing, Duration::from_secs(10)).await.unwrap_err().to_string();
        assert!(error.contains("broken") && error.contains('3'), "{error}");
        let mut endless = Command::new("sleep");
        endless.arg("1000");
        let ended = run(endless, Duration::from_millis(50)).await;
        assert!(matches!(ended, Err(ProcessError::Timeout { .. })));
    }
}
