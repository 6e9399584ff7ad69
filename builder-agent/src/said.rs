//! Finding in the words of dnf, rpm and rpmbuild what a person needs to know.

use coppice_model::work::FailureCause;

use crate::ended::Ended;

pub fn missing(names: &[String]) -> Ended {
    let list = names.join(", ");
    Ended::failed(FailureCause::BuildRequires, format!("no repository has what the build requires: {list}"))
}

/// Lines below `error: Failed build dependencies:`, each a name and who needs it.
pub fn needed(output: &str) -> Vec<String> {
    let Some((_, after)) = output.rsplit_once("Failed build dependencies:") else { return Vec::new() };
    let lines = after.lines().skip(1).map_while(|line| line.strip_prefix('\t'));
    lines.filter_map(|line| Some(line.split_once(" is needed by ")?.0.to_owned())).collect()
}

/// Names in dnf's own words for "there is no such package".
pub fn absent(output: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for line in output.lines().map(str::trim) {
        let quoted = line.strip_prefix("No matching package to install: ");
        let plain = line.strip_prefix("No match for argument: ");
        let nothing = line.split_once("nothing provides ").map(|(_, rest)| rest);
        if let Some(name) = quoted.or(plain).or(nothing) {
            let name = name.trim_matches('\'').to_owned();
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
}

pub fn unreachable_repository(output: &str) -> Option<String> {
    let (_, after) = output.split_once("Failed to download metadata for repo '")?;
    Some(after.split('\'').next()?.to_owned())
}

pub fn problem(output: &str) -> String {
    let lines: Vec<&str> = output.lines().map(str::trim).collect();
    let at = lines.iter().position(|line| line.starts_with("Problem") || line.starts_with("Error:"));
    at.map_or_else(
        || error_line(output),
        |at| lines[at..].iter().take(4).copied().collect::<Vec<_>>().join(" "),
    )
}

/// The step that failed, as rpmbuild names it, or the last error.
pub fn build_sentence(output: &str) -> String {
    let bad_exit = output.lines().rev().find(|line| line.starts_with("error: Bad exit status"));
    let Some(line) = bad_exit else { return format!("the build failed: {}", error_line(output)) };
    let step = line.rsplit_once('(').map_or("rpmbuild", |(_, step)| step.trim_end_matches(')'));
    format!("the build failed in {step}: {line}")
}

/// The line that most likely says why.
pub fn error_line(output: &str) -> String {
    let lines = || output.lines().map(str::trim).filter(|line| !line.is_empty());
    let error = lines().rfind(|line| line.to_ascii_lowercase().starts_with("error:"));
    // What stands below `error:` explains it when the line itself ends with a colon.
    match error {
        Some(line) if line.ends_with(':') => {
            lines().skip_while(|l| *l != line).take(3).collect::<Vec<_>>().join(" ")
        }
        Some(line) => line.to_owned(),
        None => lines().next_back().unwrap_or("it said nothing").to_owned(),
    }
}
