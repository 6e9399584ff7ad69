//! What Mock's exit codes and logs mean. The codes alone do not tell a package's fault from a
//! repository's, so the state log says how far Mock came.

use coppice_model::work::FailureCause;

use crate::{ended::Ended, said};

/// Mock's exit codes.
mod code {
    pub const SOMETHING: i32 = 1;
    pub const BUILD: i32 = 10;
    pub const TIMEOUT: i32 = 11;
    pub const DEPENDENCIES: i32 = 30;
    pub const SOURCE_PACKAGE: i32 = 40;
}

/// How far a call came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reached {
    Nothing,
    Root,
    Dependencies,
    Build,
}

fn reached(state_log: &str) -> Reached {
    let has = |words: &str| state_log.lines().any(|line| line.contains(words));
    match () {
        () if has("Start: rpmbuild") => Reached::Build,
        () if has("Start: build phase") => Reached::Dependencies,
        () if has("Finish: chroot init") => Reached::Root,
        () => Reached::Nothing,
    }
}

pub fn rebuild(code: Option<i32>, state_log: &str, logs: &[&str]) -> Result<(), Ended> {
    judge(code, state_log, logs, FailureCause::Build)
}

pub fn buildsrpm(code: Option<i32>, state_log: &str, logs: &[&str]) -> Result<(), Ended> {
    judge(code, state_log, logs, FailureCause::SourceMake)
}

/// For calls that leave no state log.
pub fn source_make(code: Option<i32>, output: &str) -> Result<(), Ended> {
    judge(code, "Finish: chroot init\nStart: rpmbuild", &[output], FailureCause::SourceMake)
}

fn judge(code: Option<i32>, state_log: &str, logs: &[&str], cause: FailureCause) -> Result<(), Ended> {
    let Some(code) = code else { return Err(Ended::broken("mock was killed")) };
    let text = logs.concat();
    match (code, reached(state_log)) {
        (0, _) => Ok(()),
        (code::TIMEOUT, _) => {
            Err(Ended::failed(FailureCause::Timeout, "mock ended the build: it took too long"))
        }
        (code::SOURCE_PACKAGE, _) => {
            Err(Ended::failed(cause, sentence("the source package cannot be installed", &text)))
        }
        (code::DEPENDENCIES, _) => Err(dependencies(&text)),
        (code::SOMETHING | code::BUILD, Reached::Build) => Err(Ended::failed(cause, build(cause, &text))),
        (code::SOMETHING | code::BUILD, Reached::Dependencies) => Err(dependencies(&text)),
        _ => Err(Ended::broken(sentence(&format!("mock ended with {code}"), &text))),
    }
}

/// Mock ends alike for a package that nobody has and for a repository that nobody reaches.
fn dependencies(text: &str) -> Ended {
    if let Some(id) = said::unreachable_repository(text) {
        return Ended::broken(sentence(&format!("repository {id} cannot be reached"), text));
    }
    let absent = said::absent(text);
    if absent.is_empty() {
        let what = "the packages that the build requires cannot be installed";
        return Ended::failed(FailureCause::BuildRequires, format!("{what}: {}", said::problem(text)));
    }
    said::missing(&absent)
}

fn build(cause: FailureCause, text: &str) -> String {
    if cause == FailureCause::SourceMake {
        return sentence("the source package could not be made", text);
    }
    said::build_sentence(text)
}

fn sentence(what: &str, text: &str) -> String {
    format!("{what}: {}", said::error_line(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "2026-01-01 - Start: chroot init\n2026-01-01 - Finish: chroot init\n";
    const DEPENDENCIES: &str = "Finish: chroot init\nStart: build phase for x.src.rpm\n";
    const BUILD: &str =
        "Finish: chroot init\nStart: build phase\nStart: rpmbuild x.src.rpm\nFinish: rpmbuild\n";

    fn cause(code: i32, state: &str, text: &str) -> Option<FailureCause> {
        match rebuild(Some(code), state, &[text]).unwrap_err() {
            Ended::Failed { cause, .. } => Some(cause),
            Ended::Broken(_) => None,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_exit_code_has_one_meaning_together_with_how_far_mock_came() {
        let missing = "Error: \nNo matching package to install: 'a-devel'\n";
        let unreachable = "Error: Failed to download metadata for repo 'base': no\n";
        for (code, state, text, expected) in [
            (1, BUILD, "error: Bad exit status from x (%build)", Some(FailureCause::Build)),
            (10, BUILD, "", Some(FailureCause::Build)),
            (1, DEPENDENCIES, missing, Some(FailureCause::BuildRequires)),
            (30, DEPENDENCIES, missing, Some(FailureCause::BuildRequires)),
            (30, DEPENDENCIES, unreachable, None),
            (1, ROOT, "", None),
            (1, "", "", None),
            (11, BUILD, "", Some(FailureCause::Timeout)),
            (40, DEPENDENCIES, "", Some(FailureCause::Build)),
            (3, "", "", None),
            (5, "", "", None),
            (6, "", "", None),
            (20, ROOT, "", None),
            (50, "", "", None),
            (60, "", "", None),
            (70, "", "", None),
            (143, BUILD, "", None),
        ] {
            assert_eq!(cause(code, state, text), expected, "{code} {state} {text}");
        }
        assert_eq!(rebuild(Some(0), BUILD, &[""]), Ok(()));
        assert!(matches!(rebuild(None, BUILD, &[""]), Err(Ended::Broken(_))));
    }

    #[test]
    fn a_source_package_that_cannot_be_made_is_the_sources_fault() {
        let refused = buildsrpm(Some(1), BUILD, &["error: Bad source: x.tar.gz: No such file"]).unwrap_err();
        assert!(
            matches!(&refused, Ended::Failed { cause: FailureCause::SourceMake, message }
            if message.contains("Bad source")),
            "{refused:?}"
        );
    }
}
