//! The Mock runner with a real Mock, where `COPPICE_MOCK` names one.

use std::fs;

use coppice_model::{agent::AttemptOutcome, chroot::Runner, work::FailureCause};

use crate::{
    backend::Backend,
    machine::{Machine, offer, sample_task},
};

/// What Mock needs on hosts that are no RPM distribution, as an operator would write it.
const EXTRA: &str = "\
config_opts['package_manager'] = 'dnf4'
config_opts['use_bootstrap'] = False
config_opts['use_bootstrap_image'] = False
config_opts['isolation'] = 'simple'
config_opts['plugin_conf']['root_cache_enable'] = False
config_opts['plugin_conf']['yum_cache_enable'] = False
";

fn outcome_of(sample: &str) -> Option<(Backend, AttemptOutcome)> {
    let Ok(mock) = std::env::var("COPPICE_MOCK") else {
        eprintln!("SKIPPED: set COPPICE_MOCK to the program of a real Mock");
        return None;
    };
    let backend = Backend::start();
    let mut machine = Machine::new();
    let base = machine.work_dir().with_file_name("mock");
    let mut extra = EXTRA.to_owned();
    for (option, name) in [("basedir", "lib"), ("cache_topdir", "cache")] {
        let folder = base.join(name);
        fs::create_dir_all(&folder).unwrap();
        std::os::unix::fs::chown(&folder, Some(machine.account.uid), Some(machine.account.gid)).unwrap();
        extra.push_str(&format!("config_opts['{option}'] = '{}'\n", folder.display()));
    }
    fs::write(base.join("extra.cfg"), extra).unwrap();
    let extra = base.join("extra.cfg").display().to_string();
    machine.more_arguments = vec!["--mock".into(), mock, "--mock-extra".into(), extra];
    let mut work = sample_task(&backend, sample);
    work.environment.chroot.runner = Runner::Mock { config: None };
    offer(&backend, work);
    machine.run(&backend);
    let outcome = backend.outcome();
    Some((backend, outcome))
}

#[test]
fn mock_builds_a_library_and_says_what_it_was_built_with() {
    let Some((backend, outcome)) = outcome_of("libgreet") else { return };
    assert_eq!(outcome, AttemptOutcome::Succeeded, "{}", backend.log_text());
    let heard = backend.heard();
    for name in ["libgreet-1.0-1.mini12.x86_64.rpm", "build.log", "root.log", "configs.tar.gz"] {
        assert!(heard.files.contains_key(name), "{name} is not among {:?}", heard.files.keys());
    }
    assert!(heard.finish.as_ref().unwrap().buildroot.iter().any(|package| package.name == "gcc-12"));
}

#[test]
fn mocks_failures_have_the_same_causes_as_the_sandboxes() {
    for (sample, expected, words) in [
        ("broken", FailureCause::Build, "the build failed in %build"),
        ("missing-dep", FailureCause::BuildRequires, "nobody-provides-this-devel"),
    ] {
        let Some((backend, outcome)) = outcome_of(sample) else { return };
        assert!(
            matches!(&outcome, AttemptOutcome::Failed { cause, message }
            if *cause == expected && message.contains(words)),
            "{outcome:?} {}",
            backend.log_text()
        );
    }
}
