//! The life of gpg-agent, which GnuPG starts by itself under our home.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use coppice_runtime::process::{self, ProcessError};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::process::Command;

const LIMIT: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(50);

#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    #[error("ending gpg-agent; is gnupg installed?")]
    End(#[from] ProcessError),
    #[error("a gpg that an earlier service started still works in {0}: end it")]
    StillWorks(PathBuf),
}

/// Ends the agent of this home, if there is one.
pub async fn end(home: &Path) -> Result<(), AgentError> {
    let mut gpgconf = Command::new("gpgconf");
    gpgconf.arg("--homedir").arg(home).args(["--kill", "gpg-agent"]);
    process::run(gpgconf, LIMIT).await?;
    Ok(())
}

/// Ends what a killed service left behind: a key that such a gpg still writes would be made twice. What it
/// writes is replaced as a whole, so it may be ended at any moment.
pub async fn end_left(home: &Path) -> Result<(), AgentError> {
    let all_gone = async {
        loop {
            let left = working(home);
            if left.is_empty() {
                return;
            }
            for gpg in left.iter().filter(|program| !program.is_agent) {
                // It may have ended by itself meanwhile.
                kill(gpg.pid, Signal::SIGKILL).ok();
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    end(home).await?;
    tokio::time::timeout(LIMIT, all_gone).await.map_err(|_| AgentError::StillWorks(home.to_owned()))
}

struct Program {
    pid: Pid,
    is_agent: bool,
}

/// Running programs of GnuPG that were given this home.
fn working(home: &Path) -> Vec<Program> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let program = |entry: fs::DirEntry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let is_agent = is_agent_of(&fs::read(entry.path().join("cmdline")).ok()?, home)?;
        Some(Program { pid: Pid::from_raw(pid), is_agent })
    };
    entries.flatten().filter_map(program).collect()
}

/// Whether a command line is that of the home's agent (`true`) or gpg (`false`); `None` for all others.
fn is_agent_of(command_line: &[u8], home: &Path) -> Option<bool> {
    let mut arguments = command_line.split(|byte| *byte == 0);
    let program = arguments.next()?.rsplit(|byte| *byte == b'/').next()?;
    let is_agent = match program {
        b"gpg" | b"gpg2" => false,
        b"gpg-agent" => true,
        _ => return None,
    };
    arguments.any(|argument| argument == home.as_os_str().as_encoded_bytes()).then_some(is_agent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_gnupg_of_our_home_is_ended() {
        let home = Path::new("/data/gnupg");
        assert_eq!(is_agent_of(b"/usr/bin/gpg\0--homedir\0/data/gnupg\0", home), Some(false));
        assert_eq!(is_agent_of(b"gpg-agent\0--homedir\0/data/gnupg\0--daemon\0", home), Some(true));
        assert_eq!(is_agent_of(b"gpg\0--homedir\0/data/gnupg2\0", home), None);
        assert_eq!(is_agent_of(b"vi\0/data/gnupg\0", home), None);
        assert_eq!(is_agent_of(b"", home), None);
    }
}
