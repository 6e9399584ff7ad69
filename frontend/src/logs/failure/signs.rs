//! What single lines of build tools mean.

use super::{Phase, Tool};

/// How much a line says about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// The tool says what is wrong.
    Cause(Tool),
    /// A tool says only that something below it failed.
    Sum(Tool),
}

/// Some word that every sign holds; most lines hold none of them and cost no more than this.
const WORDS: [&str; 16] = [
    "rror",
    "RROR",
    "***",
    "raceback",
    "ot found",
    "o match",
    "o provides",
    "undefined reference",
    "FAIL",
    "illed",
    "unpackaged",
    " needed by",
    "stopped",
    "conflicts",
    "provides",
    "ERR!",
];

/// Lines that say "error" and mean none.
const HARMLESS: [&str; 6] = ["0 errors", "0 error", "-Werror", "no error", "errors=0", "error: 0"];

pub fn sign(line: &str) -> Option<Sign> {
    if !WORDS.iter().any(|word| line.contains(word)) {
        return None;
    }
    let text = line.trim();
    // The shell's trace of what it runs.
    if text.starts_with("+ ") || text.starts_with("==>") {
        return None;
    }
    packages(text)
        .or_else(|| rpm(line, text))
        .or_else(|| languages(text))
        .or_else(|| compilers(text))
        .or_else(|| tests(text))
        .or_else(|| sums(text))
}

/// dnf and rpmbuild about packages that are missing.
fn packages(text: &str) -> Option<Sign> {
    let starts = [
        "No matching package to install",
        "No match for argument",
        "Unable to find a match",
        "Error: Unable to find a match",
        "Failed to download metadata for repo",
        "Error: Failed to download metadata",
    ];
    let holds = ["nothing provides ", " is needed by ", "none of the providers can be installed"];
    let is_one =
        starts.iter().any(|start| text.starts_with(start)) || holds.iter().any(|part| text.contains(part));
    (is_one || text.starts_with("Problem") && text.contains("conflict")).then_some(Sign::Cause(Tool::Dnf))
}

fn rpm(line: &str, text: &str) -> Option<Sign> {
    if text.contains("Bad exit status from") {
        return Some(Sign::Sum(Tool::Rpm));
    }
    let is_list = text.starts_with("error: Failed build dependencies");
    let is_one = text.contains("File not found: ")
        || text.starts_with("error: Installed (but unpackaged)")
        || text.contains("Directory not found: ")
        || text.starts_with("error: ") && (line.contains(".spec") || text.contains("%"));
    if is_list { Some(Sign::Cause(Tool::Dnf)) } else { is_one.then_some(Sign::Cause(Tool::Rpm)) }
}

fn languages(text: &str) -> Option<Sign> {
    let tool = if text.starts_with("error[E") {
        Tool::Cargo
    } else if text.starts_with("error: could not compile") {
        return Some(Sign::Sum(Tool::Cargo));
    } else if text.starts_with("error: rustc ") || text.starts_with("error: no matching package named") {
        Tool::Cargo
    } else if text.starts_with("Traceback (most recent call last)") || is_exception(text) {
        Tool::Python
    } else if text.starts_with("CMake Error") {
        Tool::Cmake
    } else if text.starts_with("configure: error:") {
        Tool::Configure
    } else if text.contains("meson.build:") && text.contains("ERROR:") {
        Tool::Meson
    } else if text.starts_with("npm ERR!") || text.starts_with("npm error") {
        Tool::Npm
    } else if text.starts_with("[ERROR]") || text.starts_with("BUILD FAILED") {
        Tool::Java
    } else {
        return None;
    };
    Some(Sign::Cause(tool))
}

/// `ModuleNotFoundError: No module named 'x'`, also with its module before it.
fn is_exception(text: &str) -> bool {
    let Some((name, _)) = text.split_once(':') else { return false };
    let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.');
    is_name && (name.ends_with("Error") || name.ends_with("Exception")) && name.len() > "Error".len()
}

fn compilers(text: &str) -> Option<Sign> {
    if HARMLESS.iter().any(|harmless| text.contains(harmless)) && !text.contains(": error: ") {
        return None;
    }
    let linker = text.contains("undefined reference to") || text.contains("/ld: cannot find ");
    if linker {
        return Some(Sign::Cause(Tool::Linker));
    }
    if text.starts_with("collect2: error") {
        return Some(Sign::Sum(Tool::Linker));
    }
    if text.contains(": error: ") || text.contains(": fatal error: ") || text.contains(": Error: ") {
        return Some(Sign::Cause(Tool::Compiler));
    }
    let shell = text.contains(": command not found")
        || text.contains(": No such file or directory") && text.starts_with("error");
    if shell || text.starts_with("Killed") || text.contains("Out of memory: Killed") {
        return Some(Sign::Cause(Tool::Shell));
    }
    let patch =
        text.starts_with("Hunk #") && text.contains("FAILED") || text.starts_with("error: patch failed");
    if patch {
        return Some(Sign::Cause(Tool::Patch));
    }
    (text.starts_with("error: ") || text.starts_with("ERROR: ") || text.starts_with("Error: "))
        .then_some(Sign::Cause(Tool::Other))
}

fn tests(text: &str) -> Option<Sign> {
    let is_one = text.starts_with("FAILED ")
        || text.starts_with("--- FAIL:")
        || text.starts_with("not ok ")
        || text.starts_with("FAIL: ")
        || text.contains("***Failed")
        || text.starts_with("test ") && text.ends_with(" ... FAILED");
    is_one.then_some(Sign::Cause(Tool::Tests))
}

fn sums(text: &str) -> Option<Sign> {
    if text.contains("make") && text.contains(": *** ") {
        let only_tells = text.contains("] Error ") || text.contains("Waiting for unfinished jobs");
        return Some(if only_tells { Sign::Sum(Tool::Make) } else { Sign::Cause(Tool::Make) });
    }
    if text.starts_with("ninja: error: ") {
        return Some(Sign::Cause(Tool::Ninja));
    }
    (text.starts_with("ninja: build stopped") || text.starts_with("FAILED: "))
        .then_some(Sign::Sum(Tool::Ninja))
}

/// The phase that a line begins.
pub fn begins(line: &str) -> Option<Phase> {
    if let Some(rest) = line.strip_prefix("Executing(") {
        return rest.split_once(')').and_then(|(name, _)| Phase::of_section(name));
    }
    if line.starts_with("Processing files: ") {
        return Some(Phase::Files);
    }
    let what = line.strip_prefix("==> ").or_else(|| line.strip_prefix("Start: "))?;
    let begins = |starts: &[&str]| starts.iter().any(|start| what.starts_with(start));
    if begins(&[
        "installing BuildRequires",
        "installing additional",
        "taking newer packages",
        "making the root",
        "build setup",
        "installing minimal",
        "chroot init",
    ]) {
        return Some(Phase::Dependencies);
    }
    begins(&["fetching ", "making the source package", "buildsrpm"]).then_some(Phase::Source)
}

/// The section in `error: Bad exit status from /var/tmp/rpm-tmp.x (%build)`.
pub fn named(line: &str) -> Option<Phase> {
    if !line.contains("Bad exit status from ") {
        return None;
    }
    let (_, section) = line.rsplit_once('(')?;
    Phase::of_section(section.trim_end().trim_end_matches(')'))
}
