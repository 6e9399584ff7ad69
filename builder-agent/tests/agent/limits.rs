//! Builds that never end or take too much.

use std::time::{Duration, Instant};

use coppice_model::{agent::AttemptOutcome, work::FailureCause};

use crate::{
    backend::Backend,
    machine::{Machine, cannot_build, offer, offer_script, processes_with, sample_task, until},
};

fn failure(backend: &Backend) -> (FailureCause, String) {
    match backend.outcome() {
        AttemptOutcome::Failed { cause, message } => (cause, message),
        other => panic!("{other:?}: {}", backend.log_text()),
    }
}

#[test]
fn a_build_that_never_ends_times_out_and_nothing_of_it_stays() {
    if cannot_build() {
        return;
    }
    let warm = Backend::start();
    offer_script(&warm, "warm", "true", |_| ());
    Machine::new().run(&warm);
    let backend = Backend::start();
    let script = "sleep 98761 & perl -MPOSIX -e 'POSIX::setsid(); exec qw(sleep 98762)' & \
         (trap '' INT TERM HUP; sleep 98763; true) & sleep 98764";
    offer_script(&backend, "forever", script, |work| work.limits.timeout_s = 6);
    let machine = Machine::new();
    let agent = machine.start(&backend);
    until("the build sleeps", 60, || processes_with("sleep 9876") >= 4);
    assert!(agent.output().status.success());
    let (cause, message) = failure(&backend);
    assert_eq!(cause, FailureCause::Timeout);
    assert!(message.contains("time limit of 6 s"), "{message}");
    assert_eq!(processes_with("sleep 9876"), 0);
    assert_eq!(std::fs::read_dir(machine.work_dir()).unwrap().count(), 0);
}

#[test]
fn a_cancel_interrupts_the_sample_that_never_ends() {
    if cannot_build() {
        return;
    }
    let backend = Backend::start();
    offer(&backend, sample_task(&backend, "never-ends"));
    let agent = Machine::new().start(&backend);
    backend.until("it sleeps", 120, |heard| {
        String::from_utf8_lossy(&heard.log).contains("sleeping until killed")
    });
    let asked = Instant::now();
    backend.cancel();
    assert!(agent.output().status.success());
    assert_eq!(backend.outcome(), AttemptOutcome::Canceled);
    // The next heartbeat carries the wish; the interrupt ends the build without the grace.
    assert!(asked.elapsed() < Duration::from_secs(14), "{:?}", asked.elapsed());
}

#[test]
fn a_gigabyte_of_output_is_cut_and_does_not_stop_the_build() {
    if cannot_build() {
        return;
    }
    let backend = Backend::start();
    let mut work = sample_task(&backend, "chatty");
    work.limits.log_bytes = 1 << 20;
    offer(&backend, work);
    Machine::new().run(&backend);
    assert_eq!(backend.outcome(), AttemptOutcome::Succeeded);
    let log = backend.log_text();
    assert!(log.len() <= 1 << 20, "{}", log.len());
    let (_, ending) = log.split_once("==> succeeded\n==> after ").expect("the agent has the last word");
    assert!(log.contains("==> the log was cut here") && ending.lines().count() == 1, "{ending}");
    assert!(backend.heard().files["build.log"].len() <= 1 << 20);
}

#[test]
fn a_memory_hog_is_ended_with_the_limit_named() {
    if cannot_build() {
        return;
    }
    let backend = Backend::start();
    let script = "perl -e '$x = \"y\" x 900_000_000; sleep 100'";
    offer_script(&backend, "hog", script, |work| work.limits.memory_mb = 300);
    Machine::new().run(&backend);
    let expected = "the build took more than 300 MB of memory";
    assert_eq!(failure(&backend), (FailureCause::Limit, expected.to_owned()));
}

#[test]
fn too_many_processes_are_ended_with_the_limit_named() {
    if cannot_build() {
        return;
    }
    let backend = Backend::start();
    let script = "for i in $(seq 100); do sleep 100 & done; sleep 100";
    offer_script(&backend, "crowd", script, |work| work.limits.processes = 60);
    Machine::new().run(&backend);
    let expected = "the build ran more than 60 processes at once";
    assert_eq!(failure(&backend), (FailureCause::Limit, expected.to_owned()));
}

#[test]
fn packages_above_the_quota_are_a_limit_and_are_not_sent() {
    if cannot_build() {
        return;
    }
    let backend = Backend::start();
    let text = crate::machine::spec("huge", "head -c 3000000 /dev/urandom > big").replace(
        "%install\n%files\n",
        "%install\ninstall -D -m 644 big %{buildroot}/usr/share/big\n%files\n/usr/share/big\n",
    );
    let mut work = crate::machine::build_task(&backend, "huge", &[("huge.spec", text.as_bytes())]);
    work.limits.result_bytes = 1_000_000;
    offer(&backend, work);
    Machine::new().run(&backend);
    assert_eq!(failure(&backend).0, FailureCause::Limit);
    assert!(!backend.heard().files.keys().any(|name| name.ends_with("noarch.rpm")));
}
