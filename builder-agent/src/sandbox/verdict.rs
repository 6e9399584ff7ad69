//! What the output of dnf, rpm and rpmbuild means: whose fault, in one sentence.

use coppice_model::work::FailureCause;

use super::step::Ending;
use crate::{
    ended::Ended,
    said::{absent, build_sentence, error_line, missing, needed, problem, unreachable_repository},
};

/// rpmbuild's code for requirements that are not met; older versions say it for dynamic ones only.
const MISSING: i32 = 11;
/// Ending of the file that lists dynamic requirements; rpmbuild names it when it wrote it.
const DYNAMIC_LIST: &str = ".buildreqs.nosrc.rpm";

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    Done,
    /// Packages that the spec file requires are not installed.
    Static(Vec<String>),
    /// `%generate_buildrequires` asked for packages that are not installed.
    Dynamic,
}

pub fn rpmbuild(ending: &Ending, output: &str) -> Result<Next, Ended> {
    if ending.succeeded() {
        return Ok(Next::Done);
    }
    if *ending == Ending::Exited(MISSING) && output.contains(DYNAMIC_LIST) {
        return Ok(Next::Dynamic);
    }
    let missing = needed(output);
    if matches!(ending, Ending::Exited(_)) && !missing.is_empty() {
        return Ok(Next::Static(missing));
    }
    Err(ended(ending, FailureCause::Build, || build_sentence(output)))
}

pub fn source_make(ending: &Ending, output: &str) -> Ended {
    ended(ending, FailureCause::SourceMake, || {
        format!("the source package could not be made: {}", error_line(output))
    })
}

/// Installing what dnf chose.
pub fn install(ending: &Ending, output: &str) -> Result<(), Ended> {
    if ending.succeeded() {
        return Ok(());
    }
    Err(ended(ending, FailureCause::BuildRequires, || {
        format!("packages could not be installed: {}", error_line(output))
    }))
}

/// Choosing and downloading packages. `ours` says of a repository's id whether we answer for it.
pub fn dnf(ending: &Ending, output: &str, ours: impl Fn(&str) -> bool) -> Result<(), Ended> {
    if ending.succeeded() {
        return Ok(());
    }
    let absent = absent(output);
    if let Some(id) = unreachable_repository(output) {
        let sentence = format!("repository {id} cannot be reached: {}", error_line(output));
        let fault = Ended::broken(&sentence);
        return Err(if ours(&id) { fault } else { Ended::failed(FailureCause::BuildRequires, sentence) });
    }
    if !absent.is_empty() {
        return Err(missing(&absent));
    }
    if output.contains("Error downloading packages") || output.contains("Curl error") {
        return Err(Ended::broken(format!("packages cannot be downloaded: {}", error_line(output))));
    }
    Err(ended(ending, FailureCause::BuildRequires, || {
        format!("dnf cannot install what the build requires: {}", problem(output))
    }))
}

fn ended(ending: &Ending, cause: FailureCause, sentence: impl Fn() -> String) -> Ended {
    match ending {
        Ending::Exited(_) => Ended::failed(cause, sentence()),
        Ending::Signaled(signal) => {
            Ended::failed(cause, format!("{} (killed by signal {signal})", sentence()))
        }
        Ending::Limit(limit) => Ended::failed(FailureCause::Limit, limit),
        Ending::Fault(fault) => Ended::broken(format!("the sandbox failed: {fault}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAILED: Ending = Ending::Exited(1);

    fn failure(ended: Ended) -> (FailureCause, String) {
        match ended {
            Ended::Failed { cause, message } => (cause, message),
            other => panic!("not a failure: {other:?}"),
        }
    }

    #[test]
    fn a_failed_build_names_its_step() {
        let output = "+ exit 3\nerror: Bad exit status from /var/tmp/rpm-tmp.x (%build)\n\nRPM build errors:\n    Bad exit status\n";
        let (cause, message) = failure(rpmbuild(&FAILED, output).unwrap_err());
        assert_eq!(cause, FailureCause::Build);
        assert_eq!(
            message,
            "the build failed in %build: error: Bad exit status from /var/tmp/rpm-tmp.x (%build)"
        );
    }

    #[test]
    fn missing_requirements_are_listed() {
        let output = "error: Failed build dependencies:\n\ta-devel is needed by x-1-1.noarch\n\tb >= 2 is needed by x-1-1.noarch\n";
        assert_eq!(rpmbuild(&FAILED, output), Ok(Next::Static(vec!["a-devel".into(), "b >= 2".into()])));
        assert!(matches!(rpmbuild(&Ending::Exited(11), output), Ok(Next::Static(_))));
        let dynamic = format!("Wrote: /builddir/build/SRPMS/x-1-1.buildreqs.nosrc.rpm\n{output}");
        assert_eq!(rpmbuild(&Ending::Exited(11), &dynamic), Ok(Next::Dynamic));
    }

    #[test]
    fn packages_that_nobody_has_are_named_whatever_dnf_calls_it() {
        for output in [
            "No matching package to install: 'a-devel'\nNot all dependencies satisfied\nError: Some packages could not be found.",
            "No match for argument: a-devel\nError: Unable to find a match: a-devel",
        ] {
            let (cause, message) = failure(dnf(&FAILED, output, |_| true).unwrap_err());
            assert_eq!(cause, FailureCause::BuildRequires);
            assert_eq!(message, "no repository has what the build requires: a-devel");
        }
    }

    #[test]
    fn our_unreachable_repository_is_our_fault_and_a_strangers_is_not() {
        let output = "Errors during downloading metadata for repository 'base':\n  - Curl error (7): no\nError: Failed to download metadata for repo 'base': Cannot download repomd.xml";
        assert!(matches!(dnf(&FAILED, output, |id| id == "base"), Err(Ended::Broken(_))));
        let (cause, message) = failure(dnf(&FAILED, output, |_| false).unwrap_err());
        assert_eq!(cause, FailureCause::BuildRequires);
        assert!(message.contains("repository base cannot be reached"), "{message}");
    }

    #[test]
    fn a_limit_and_a_fault_win_over_what_was_printed() {
        let limit = Ending::Limit("the build took more than 10 MB of memory".into());
        assert_eq!(failure(rpmbuild(&limit, "").unwrap_err()).0, FailureCause::Limit);
        let fault = Ending::Fault("no mounts".into());
        assert!(matches!(rpmbuild(&fault, ""), Err(Ended::Broken(_))));
    }
}
