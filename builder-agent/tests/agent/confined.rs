//! What bubblewrap keeps a build from, seen from within and from the host.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
};

use coppice_model::agent::AttemptOutcome;
use nix::sys::signal::Signal;

use crate::{
    backend::Backend,
    machine::{Machine, cannot_build, offer_script, processes_running, until},
};

/// Names of the programs above a process, its parent first.
fn ancestors(id: u32) -> Vec<String> {
    let mut names = Vec::new();
    let mut id = parent(id);
    while let Some(above) = id.filter(|id| *id > 1) {
        names.push(fs::read_to_string(format!("/proc/{above}/comm")).unwrap_or_default().trim().to_owned());
        id = parent(above);
    }
    names
}

fn parent(id: u32) -> Option<u32> {
    let text = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    text.lines().find_map(|line| line.strip_prefix("PPid:")?.trim().parse().ok())
}

#[test]
fn a_build_runs_in_bubblewrap_without_any_right() {
    if cannot_build() {
        return;
    }
    let machine = Machine::new();
    // Folders that are closed to the builder's id must not keep the builder from its root.
    fs::set_permissions(machine.work_dir(), fs::Permissions::from_mode(0o700)).unwrap();
    let secret = machine.folder_of_its_user("secret");
    let script = "echo ids $(id -u):$(id -g) $(uname -n); grep -E '^(Cap|NoNewPrivs)' /proc/self/status
        echo first $(tr '\\0' ' ' < /proc/1/cmdline | cut -d' ' -f1); echo seen $(cat /proc/[0-9]*/comm)
        tail -n +3 /proc/net/dev | sed 's/^ */net /'; ls @SECRET@ && echo REACHED; ls -l /proc/self/fd
        echo mine > /tmp/mine && echo all said; sleep 43217";
    let backend = Backend::start();
    offer_script(&backend, "confined", &script.replace("@SECRET@", &secret.display().to_string()), |_| ());
    let agent = machine.start(&backend);
    backend.until("it tells", 120, |heard| String::from_utf8_lossy(&heard.log).contains("\nall said\n"));
    let sleeping = processes_running("sleep 43217");
    let [id] = sleeping.as_slice() else { panic!("{sleeping:?}") };

    let above = ancestors(*id);
    let wrapping = above.iter().filter(|name| *name == "bwrap").count();
    assert_eq!(wrapping, 2, "bubblewrap and its process 1 are not above the build: {above:?}");
    let seen_as = fs::metadata(format!("/proc/{id}")).unwrap().uid();
    let agents = fs::metadata(format!("/proc/{}", agent.id())).unwrap().uid();
    let said = backend.log_text();
    if has_subordinate_ids(&machine) {
        assert!(seen_as != agents && seen_as != 0 && seen_as != 1000, "{seen_as}, the agent {agents}");
    }

    assert!(said.contains("\nids 1000:1000 builder\n"), "{said}");
    assert_eq!(said.matches(":\t0000000000000000\n").count(), 5, "{said}");
    assert!(said.contains("\nNoNewPrivs:\t1\n"), "{said}");
    assert!(said.lines().any(|line| line.starts_with("first ") && line.ends_with("bwrap")), "{said}");
    let seen = said.lines().find_map(|line| line.strip_prefix("seen ")).unwrap();
    assert!(seen.starts_with("bwrap ") && !seen.contains("coppice") && !seen.contains("unshare"), "{seen}");
    let interfaces: Vec<&str> = said.lines().filter(|line| line.starts_with("net ")).collect();
    assert!(interfaces.len() == 1 && interfaces[0].starts_with("net lo:"), "{interfaces:?}");
    assert!(!said.contains("\nREACHED"), "{said}");
    assert!(!said.contains("memfd"), "{said}");

    agent.signal(Signal::SIGTERM);
    agent.output();
    until("the build is gone", 10, || processes_running("sleep 43217").is_empty());
}

fn has_subordinate_ids(machine: &Machine) -> bool {
    let user = nix::unistd::User::from_uid(machine.account.uid.into()).unwrap();
    let text = fs::read_to_string("/etc/subuid").unwrap_or_default();
    user.is_some_and(|user| text.lines().any(|line| line.starts_with(&format!("{}:", user.name))))
}

#[test]
fn without_bubblewrap_nothing_is_built_and_the_machine_is_blamed() {
    if cannot_build() {
        return;
    }
    let backend = Backend::start();
    offer_script(&backend, "bare", "echo BUILT", |_| ());
    let mut machine = Machine::new();
    machine.more_arguments = ["--bwrap", "/nowhere/bwrap"].map(str::to_owned).into();
    machine.run(&backend);
    let outcome = backend.outcome();
    let AttemptOutcome::Broken { message } = &outcome else { panic!("{outcome:?}") };
    assert!(message.contains("bwrap is not installed"), "{message}");
    assert!(!backend.log_text().contains("\nBUILT"), "{}", backend.log_text());
}

#[test]
fn a_bubblewrap_that_fails_is_the_machines_fault_and_says_why() {
    if cannot_build() {
        return;
    }
    let backend = Backend::start();
    offer_script(&backend, "failing", "true", |_| ());
    let mut machine = Machine::new();
    let wrong = machine.folder_of_its_user("bin").join("bwrap");
    fs::write(&wrong, "#!/bin/sh\necho 'bwrap: no luck today' >&2\nexit 1\n").unwrap();
    fs::set_permissions(&wrong, fs::Permissions::from_mode(0o755)).unwrap();
    machine.more_arguments = vec!["--bwrap".into(), wrong.display().to_string()];
    machine.run(&backend);
    let outcome = backend.outcome();
    let AttemptOutcome::Broken { message } = &outcome else { panic!("{outcome:?}") };
    assert!(message.ends_with("bwrap: no luck today"), "{message}");
}
