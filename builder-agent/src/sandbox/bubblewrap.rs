//! Bubblewrap around everything that runs a stranger's code. It maps one id and mounts no overlays, so our own
//! namespaces prepare the root, and it makes its own within them.

use std::{
    fs::{self, File},
    io::{self, Read, Seek},
    os::fd::AsRawFd,
    path::Path,
    process::Command,
};

use nix::{
    sys::memfd::{MFdFlags, memfd_create},
    unistd::Pid,
};
use serde::Deserialize;

use super::{
    step::{BUILDER_ID, Ending, HOST_NAME, Program},
    watch,
};

/// What it needs not to share; the network is cut off around it already, with a loopback for tests.
const OWN: [&str; 11] = [
    "--unshare-user",
    "--unshare-pid",
    "--unshare-ipc",
    "--unshare-uts",
    "--unshare-cgroup-try",
    "--new-session",
    "--die-with-parent",
    "--cap-drop",
    "ALL",
    "--hostname",
    HOST_NAME,
];
/// Added to the number of a signal that ended the program.
const SIGNALED: i32 = 128;

/// A program in bubblewrap, and what bubblewrap itself says of it.
pub struct Wrapped {
    pub command: Command,
    said: File,
}

/// One of the documents that bubblewrap writes.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Status {
    exit_code: Option<i32>,
}

/// For a program that sees `root` as everything there is.
pub fn wrap(bwrap: Option<&Path>, root: &Path, program: &Program) -> io::Result<Wrapped> {
    let absent = || io::Error::other("bwrap is not installed (its package is called bubblewrap)");
    // Inherited by bubblewrap alone: it closes this before the program starts.
    let said = File::from(memfd_create("said", MFdFlags::empty())?);
    let mut command = Command::new(bwrap.ok_or_else(absent)?);
    command.args(OWN).args(["--json-status-fd", &said.as_raw_fd().to_string()]);
    let id = BUILDER_ID.to_string();
    command.args(["--uid", &id, "--gid", &id]);
    command.arg("--bind").arg(root).arg("/");
    command.arg("--dev-bind").arg(root.join("dev")).arg("/dev");
    // Ours may be closed to the builder's id.
    command.current_dir("/");
    command.args(["--proc", "/proc", "--chdir", &program.folder, "--"]).args(&program.arguments);
    Ok(Wrapped { command, said })
}

impl Wrapped {
    /// How the program ended, from how bubblewrap ended.
    pub fn ending(&mut self, ending: Ending) -> io::Result<Ending> {
        let Ending::Exited(_) = ending else { return Ok(ending) };
        let mut text = String::new();
        self.said.rewind()?;
        self.said.read_to_string(&mut text)?;
        Ok(program_ending(&text))
    }
}

/// An exit code is only told of a program that was started.
fn program_ending(said: &str) -> Ending {
    let told = serde_json::Deserializer::from_str(said).into_iter::<Status>();
    match told.filter_map(|status| status.ok()?.exit_code).last() {
        Some(code) if code > SIGNALED => Ending::Signaled(code - SIGNALED),
        Some(code) => Ending::Exited(code),
        None => Ending::Fault("bubblewrap could not start the program".into()),
    }
}

/// What runs within bubblewrap. Not the bubblewrap outside, whose end would be the end of all others.
pub fn inside() -> Vec<Pid> {
    let ids = watch::processes_inside().into_iter().filter(|id| {
        let text = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        let seen_as = text.lines().find_map(|line| line.strip_prefix("NSpid:"));
        // One number for each world that sees it, ours first.
        seen_as.is_some_and(|numbers| numbers.split_whitespace().count() > 1)
    });
    ids.filter_map(|id| i32::try_from(id).ok()).map(Pid::from_raw).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_was_never_started_is_not_its_own_fault() {
        let started = "{ \"child-pid\": 7, \"pid-namespace\": 4026532179 }\n";
        assert!(matches!(program_ending(started), Ending::Fault(_)));
        assert!(matches!(program_ending(""), Ending::Fault(_)));
        let ended = |code: i32| program_ending(&format!("{started}{{ \"exit-code\": {code} }}\n"));
        assert_eq!(ended(0), Ending::Exited(0));
        assert_eq!(ended(11), Ending::Exited(11));
        assert_eq!(ended(137), Ending::Signaled(9));
    }
}
