//! Processes that are not always our children: known by number and start time, ended by group.

use std::fs;

use nix::{
    errno::Errno,
    sys::signal::{Signal, killpg},
    unistd::Pid,
};

use crate::machines::Handle;

/// Numbers are used again; with the start time one means the same process for ever (until the host's restart).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process {
    pid: i32,
    started: u64,
}

impl Process {
    /// `None` when it has ended already.
    pub fn of(pid: u32) -> Option<Self> {
        let pid = i32::try_from(pid).ok()?;
        let (started, _) = stat(pid)?;
        Some(Self { pid, started })
    }

    pub fn handle(self) -> Handle {
        Handle(format!("{}:{}", self.pid, self.started))
    }

    pub fn parse(handle: &Handle) -> Option<Self> {
        let (pid, started) = handle.0.split_once(':')?;
        Some(Self { pid: pid.parse().ok().filter(|pid| *pid > 1)?, started: started.parse().ok()? })
    }

    pub fn is_alive(self) -> bool {
        stat(self.pid).is_some_and(|(started, state)| started == self.started && !matches!(state, 'Z' | 'X'))
    }

    /// Signals the group that the process leads. Nothing happens when the process is another one by now.
    pub fn signal_group(self, signal: Signal) {
        if stat(self.pid).is_none_or(|(started, _)| started != self.started) {
            return;
        }
        match killpg(Pid::from_raw(self.pid), signal) {
            Ok(()) | Err(Errno::ESRCH) => {}
            Err(error) => tracing::warn!(pid = self.pid, %error, "could not signal a builder"),
        }
    }
}

/// Start time and state letter of a process (proc(5), fields 22 and 3).
fn stat(pid: i32) -> Option<(u64, char)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let rest = text.rsplit_once(')')?.1;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?.chars().next()?;
    let started = fields.nth(18)?.parse().ok()?;
    Some((started, state))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_again_and_another_one_with_its_number_is_not() {
        let own = Process::of(std::process::id()).unwrap();
        assert_eq!(Process::parse(&own.handle()), Some(own));
        assert!(own.is_alive());
        assert!(!Process { started: own.started + 1, ..own }.is_alive());
        for bad in ["", "1:2", "0:1", "-5:1", "x:y", "7"] {
            assert_eq!(Process::parse(&Handle(bad.into())), None, "{bad}");
        }
    }
}
