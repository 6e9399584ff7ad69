//! The conversation with the backend, also when that goes away or changes its mind.

use std::{
    fs,
    time::{Duration, Instant},
};

use coppice_model::agent::AttemptOutcome;
use nix::sys::signal::Signal;

use crate::{
    backend::{Backend, TICKET},
    machine::{Machine, cannot_build, offer_script, processes_with, until},
};

#[test]
fn a_machine_without_work_enrolls_says_what_it_is_and_goes() {
    let backend = Backend::start();
    Machine::new().run(&backend);
    let heard = backend.heard();
    let facts = &heard.enrolled.as_ref().unwrap().facts;
    assert_eq!(facts.arch, std::env::consts::ARCH);
    assert!(facts.cpus > 0 && facts.memory_mb > 0 && !facts.agent.is_empty());
}

#[test]
fn the_ticket_is_gone_from_the_agents_environment_and_command_line() {
    if cannot_build() {
        return;
    }
    let backend = Backend::start();
    offer_script(&backend, "look", "sleep 97531", |_| ());
    let agent = Machine::new().start(&backend);
    until("the build runs", 120, || processes_with("sleep 97531") > 0);
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let own = entry.file_name().to_string_lossy() == std::process::id().to_string();
        for name in ["environ", "cmdline"] {
            let content = fs::read(entry.path().join(name)).unwrap_or_default();
            let shown = String::from_utf8_lossy(&content).contains(TICKET);
            assert!(own || !shown, "{}/{name}", entry.path().display());
        }
    }
    drop(agent);
}

#[test]
fn a_backend_that_was_away_and_forgot_gets_the_whole_log_and_the_results() {
    if cannot_build() {
        return;
    }
    let mut backend = Backend::start();
    let script = "for i in $(seq 60); do echo line $i; sleep 0.1; done";
    offer_script(&backend, "patient", script, |_| ());
    let machine = Machine::new();
    let agent = machine.start(&backend);
    backend.until("it builds", 120, |heard| String::from_utf8_lossy(&heard.log).contains("line 5\n"));
    backend.go_away();
    let away = Instant::now();
    until("the backend was away for some seconds", 10, || away.elapsed() > Duration::from_secs(4));
    backend.forget_log(500);
    backend.come_back();
    assert!(agent.output().status.success());
    let log = backend.log_text();
    assert_eq!(backend.outcome(), AttemptOutcome::Succeeded, "{log}");
    let printed: Vec<&str> = log.lines().filter(|line| line.starts_with("line ")).collect();
    let expected: Vec<String> = (1..=60).map(|number| format!("line {number}")).collect();
    assert_eq!(printed, expected);
    assert!(
        backend.heard().files.contains_key("patient-1.0-1.noarch.rpm")
            || backend.heard().files.contains_key("build.log")
    );
}

#[test]
fn a_silent_build_still_gives_signs_of_life() {
    if cannot_build() {
        return;
    }
    let backend = Backend::start();
    offer_script(&backend, "silent", "sleep 12", |_| ());
    Machine::new().run(&backend);
    let heard = backend.heard();
    let pauses = heard.log_calls.windows(2).map(|two| two[1] - two[0]);
    let longest = pauses.max().unwrap();
    assert!(longest < Duration::from_secs(10), "{longest:?}");
    assert!(heard.pieces.iter().any(|(_, length)| *length == 0), "no heartbeat was sent");
}

#[test]
fn a_closed_attempt_is_dropped_without_a_word() {
    if cannot_build() {
        return;
    }
    let backend = Backend::start();
    offer_script(&backend, "late", "echo begun; sleep 86420", |_| ());
    let agent = Machine::new().start(&backend);
    backend.until("it builds", 120, |heard| String::from_utf8_lossy(&heard.log).contains("begun\n"));
    backend.close_attempt();
    assert!(agent.output().status.success());
    assert!(backend.heard().finish.is_none());
    assert_eq!(processes_with("sleep 86420"), 0);
}

#[test]
fn a_terminated_agent_takes_its_build_along_and_a_killed_one_too() {
    if cannot_build() {
        return;
    }
    for (signal, number) in [(Signal::SIGTERM, "75310"), (Signal::SIGKILL, "75311")] {
        let backend = Backend::start();
        offer_script(&backend, "orphan", &format!("sleep {number}"), |_| ());
        let machine = Machine::new();
        let agent = machine.start(&backend);
        let sleeping = format!("sleep {number}");
        until("the build runs", 120, || processes_with(&sleeping) > 0);
        agent.signal(signal);
        assert!(!agent.output().status.success());
        until("the build is gone", 10, || processes_with(&sleeping) == 0);
        let left = fs::read_dir(machine.work_dir()).unwrap().count();
        assert!(signal == Signal::SIGKILL || left == 0, "{left} folders were left");
    }
}
