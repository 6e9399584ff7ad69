//! Any process may be killed at any instant: every build still ends in exactly one final state.

use std::process::Command;

use coppice_kit::{Database, Stack, StackOptions, distro, distro::CHROOT};

use crate::{on_both_databases, repositories::Customer, stack, usual};

on_both_databases!(
    a_build_ends_right_whichever_service_is_killed_in_its_middle,
    a_lost_builder_is_another_attempt_and_no_failure,
    a_flushed_redis_loses_no_build,
);

/// What the supervisor logs about a service that a test killed.
const KILLED: &[&str] = &["ended; starting it again"];

fn a_build_ends_right_whichever_service_is_killed_in_its_middle(database: Database) {
    let Some((stack, _turn)) = usual(database) else { return };
    let alice = stack.member("alice");
    alice.copr(&["create", "tools", "--chroot", CHROOT]).ok();
    let source = distro::srpm("libgreet", stack.scratch());
    for service in Stack::services() {
        // One kill right after the submit, one while it builds.
        let early = alice.submits("tools", &source);
        stack.kill(service);
        alice.waits_for(early, &["succeeded"]);
        let late = alice.submits("tools", &source);
        alice.waits_for(late, &["running", "succeeded"]);
        stack.kill(service);
        let ended = alice.waits_for(late, &["succeeded"]);
        assert!(ended["ended_on"].is_i64(), "{service}: {ended}");
    }
    let customer = Customer::new(&stack, "alice", "tools");
    assert!(customer.sees().contains(&"libgreet.x86_64".to_owned()));
    stack.close_expecting(KILLED);
}

fn a_lost_builder_is_another_attempt_and_no_failure(database: Database) {
    let options = StackOptions { lease_s: 3, ..StackOptions::on(database) };
    let Some((stack, _turn)) = stack(&options) else { return };
    let alice = stack.member("alice");
    alice.copr(&["create", "tools", "--chroot", CHROOT]).ok();
    let build = alice.submits("tools", &distro::srpm("never-ends", stack.scratch()));
    alice.waits_for(build, &["running"]);
    let work = stack.data().join("agents").display().to_string();
    let killed =
        Command::new("pkill").args(["-KILL", "-f", &format!("builder-agent.*{work}")]).status().unwrap();
    assert!(killed.success(), "there was an agent to kill");
    coppice_kit::until("a second attempt runs", std::time::Duration::from_secs(60), || {
        let chroots = alice.chroots(build);
        (chroots[0]["attempt"].as_i64() >= Some(2) && chroots[0]["state"] == "running").then_some(())
    });
    alice.copr(&["cancel", &build.to_string()]).ok();
    // The waiting builder was killed too.
    stack.close_expecting(&["a machine ended before it took a task"]);
}

fn a_flushed_redis_loses_no_build(database: Database) {
    let Some((stack, _turn)) = usual(database) else { return };
    let alice = stack.member("alice");
    alice.copr(&["create", "tools", "--chroot", CHROOT]).ok();
    let source = distro::srpm("libgreet", stack.scratch());
    let builds: Vec<i64> = (0..4).map(|_| alice.submits("tools", &source)).collect();
    let socket = stack.data().join("run/redis.sock");
    let flushed = Command::new("redis-cli").arg("-s").arg(&socket).arg("FLUSHALL").status().unwrap();
    assert!(flushed.success());
    for build in builds {
        alice.waits_for(build, &["succeeded"]);
    }
    stack.close();
}
