//! Why a build failed, read from its log: the phase, the first lines that say it, and nothing that is guessed.

mod signs;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

pub use signs::{Sign, begins, sign};

use super::clean::clean;

/// Lines that a failure shows at most.
const MOST_LINES: usize = 14;
/// Lines shown before the first error, and after it.
const BEFORE: usize = 2;
const AFTER: usize = 3;
/// When no rule fits, so many of the last lines are shown.
const LAST: usize = 10;

/// Where in the making of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    Source,
    Dependencies,
    Prep,
    Requires,
    Conf,
    Build,
    Install,
    Check,
    Files,
}

impl Phase {
    fn of_section(name: &str) -> Option<Self> {
        Some(match name {
            "%prep" => Self::Prep,
            "%generate_buildrequires" => Self::Requires,
            "%conf" => Self::Conf,
            "%build" => Self::Build,
            "%install" => Self::Install,
            "%check" => Self::Check,
            _ => return None,
        })
    }

    /// As people know it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Source => "the source phase",
            Self::Dependencies => "dependency resolution",
            Self::Prep => "%prep",
            Self::Requires => "%generate_buildrequires",
            Self::Conf => "%conf",
            Self::Build => "%build",
            Self::Install => "%install",
            Self::Check => "%check",
            Self::Files => "%files",
        }
    }
}

/// Who said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tool {
    Cargo,
    Cmake,
    Compiler,
    Configure,
    Dnf,
    Java,
    Linker,
    Make,
    Meson,
    Ninja,
    Npm,
    Patch,
    Python,
    Rpm,
    Shell,
    Tests,
    Other,
}

impl Tool {
    /// What happened, after "In %build,"; nothing when the line itself is all that is known.
    fn does(self) -> Option<&'static str> {
        Some(match self {
            Self::Cargo => "cargo stops",
            Self::Cmake => "CMake stops",
            Self::Compiler => "the compiler stops",
            Self::Configure => "the configure script stops",
            Self::Dnf => "a required package is missing",
            Self::Java => "the Java build stops",
            Self::Linker => "the linker stops",
            Self::Make => "make stops",
            Self::Meson => "Meson stops",
            Self::Ninja => "Ninja stops",
            Self::Npm => "npm stops",
            Self::Patch => "a patch does not apply",
            Self::Python => "Python stops",
            Self::Rpm => "rpmbuild stops",
            Self::Shell => "a command cannot be run",
            Self::Tests => "a test fails",
            Self::Other => return None,
        })
    }
}

/// A line of the log as a page shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub n: u64,
    pub text: String,
    pub is_error: bool,
}

/// What a log says about the end of its build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub phase: Option<Phase>,
    pub tool: Option<Tool>,
    /// The line to open the log at.
    pub first: Option<u64>,
    /// Whether a rule found them; otherwise they are only the last ones.
    pub is_known: bool,
    pub lines: Vec<Line>,
}

impl Failure {
    /// The line that most likely says why.
    pub fn cause(&self) -> Option<&Line> {
        self.lines.iter().find(|line| Some(line.n) == self.first)
    }

    /// `In %build, the compiler stops.` Nothing is claimed that no rule found.
    pub fn sentence(&self) -> String {
        match (self.phase, self.tool.and_then(Tool::does)) {
            (Some(phase), Some(does)) => format!("In {}, {does}.", phase.name()),
            (Some(phase), None) => format!("It stops in {}.", phase.name()),
            (None, Some(does)) => format!("It ends because {does}."),
            (None, None) if self.is_known => "The log names an error.".to_owned(),
            (None, None) => "The log names no error that is known here. Its last lines:".to_owned(),
        }
    }
}

/// A line as it was printed; most are never shown, so that nothing is worked out for them.
#[derive(Debug, Clone, Default)]
struct Raw {
    n: u64,
    bytes: Vec<u8>,
    is_error: bool,
}

impl Raw {
    fn shown(&self) -> Line {
        Line { n: self.n, text: clean(&self.bytes), is_error: self.is_error }
    }
}

/// Reads a log line by line and remembers a bounded number of lines.
#[derive(Debug, Default)]
pub struct Reader {
    phase: Option<Phase>,
    /// rpmbuild has said in which section it stopped, or lists the errors once more.
    is_over: bool,
    tool: Option<Tool>,
    first: Option<u64>,
    /// Whether the first line is a cause or only a sum.
    is_cause: bool,
    found: Vec<Raw>,
    follow: usize,
    recent: VecDeque<Raw>,
}

impl Reader {
    /// `sign` is what [`sign`] says of the line.
    pub fn line(&mut self, n: u64, bytes: &[u8], text: &str, sign: Option<Sign>) {
        if let Some(next) = begins(text) {
            self.begin(next);
        }
        if bytes.trim_ascii().is_empty() || text.starts_with("==> ") {
            return;
        }
        let is_error = sign.is_some();
        if !self.is_over && (is_error || self.follow > 0 || text.starts_with("RPM build errors:")) {
            self.take(Raw { n, bytes: bytes.to_vec(), is_error }, text, sign);
        }
        self.remember(n, bytes, is_error);
    }

    fn remember(&mut self, n: u64, bytes: &[u8], is_error: bool) {
        let full = self.recent.len() == LAST;
        let mut raw = if full { self.recent.pop_front().unwrap_or_default() } else { Raw::default() };
        raw.bytes.clear();
        raw.bytes.extend_from_slice(bytes);
        (raw.n, raw.is_error) = (n, is_error);
        self.recent.push_back(raw);
    }

    fn begin(&mut self, next: Phase) {
        // What went before went well, or rpmbuild asked only for packages.
        if !self.is_over || next == Phase::Dependencies {
            let recent = std::mem::take(&mut self.recent);
            *self = Self { phase: Some(next), recent, ..Self::default() };
        }
    }

    fn take(&mut self, line: Raw, text: &str, sign: Option<Sign>) {
        if text.starts_with("RPM build errors:") {
            self.is_over = true;
            return;
        }
        let Some(sign) = sign else { return self.follow(line) };
        let (tool, is_cause) = match sign {
            Sign::Cause(tool) => (tool, true),
            Sign::Sum(tool) => (tool, false),
        };
        if self.first.is_none() || is_cause && !self.is_cause {
            (self.first, self.tool, self.is_cause) = (Some(line.n), Some(tool), is_cause);
            self.found = self.recent.iter().skip(self.recent.len().saturating_sub(BEFORE)).cloned().collect();
            self.follow = AFTER;
        }
        let ending = signs::named(text);
        if self.found.len() < MOST_LINES - 1 || ending.is_some() {
            self.found.push(line);
        }
        if let Some(phase) = ending {
            (self.phase, self.is_over) = (Some(phase), true);
        } else if tool == Tool::Dnf {
            self.phase = Some(Phase::Dependencies);
        } else if text.contains("unpackaged") || text.contains("File not found: ") {
            self.phase = Some(Phase::Files);
        }
    }

    /// What stands right below the first error explains it.
    fn follow(&mut self, line: Raw) {
        self.follow -= 1;
        if self.found.len() < MOST_LINES - 1 {
            self.found.push(line);
        }
    }

    /// Of a build that failed.
    pub fn failure(&self) -> Failure {
        let is_known = self.first.is_some();
        let lines: Vec<Line> = if is_known {
            self.found.iter().map(Raw::shown).collect()
        } else {
            self.recent.iter().map(Raw::shown).collect()
        };
        let first = self.first.or_else(|| lines.first().map(|line| line.n));
        Failure { phase: self.phase, tool: self.tool, first, is_known, lines }
    }
}
