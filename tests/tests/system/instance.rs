//! One program runs it all: side by side, again and again, never as root, and it leaves nothing behind.

use std::{fs, process::Command};

use coppice_kit::{Database, Stack, StackOptions, distro, distro::CHROOT, member::run, stack::program};

use crate::{ONE, on_both_databases, usual};

on_both_databases!(
    two_instances_run_side_by_side,
    no_process_of_an_instance_is_root,
    a_second_start_on_the_same_folder_is_refused_with_the_address_of_the_first,
    the_demo_ends_with_what_the_installed_program_says_also_the_second_time,
    an_upgrade_keeps_projects_builds_and_keys,
);

fn two_instances_run_side_by_side(database: Database) {
    let _turn = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let options = StackOptions { with_chroot: false, agents: 1, ..StackOptions::on(database) };
    let (one, other) = (Stack::start(&options), Stack::start(&options));
    assert_ne!(one.url, other.url);
    let (alice, bob) = (one.member("alice"), other.member("bob"));
    assert_eq!(alice.get("auth-check")["name"], "alice");
    assert_eq!(bob.get("auth-check")["name"], "bob");
    let strangers = std::process::Command::new("curl")
        .args([
            "--silent",
            "--user",
            &format!("{}:{}", bob.login, bob.token),
            &format!("{}/api_3/auth-check", one.url),
        ])
        .output();
    let said = String::from_utf8(strangers.unwrap().stdout).unwrap();
    assert!(said.contains("Login invalid/expired"), "tokens of one open nothing at the other: {said}");
    one.close();
    other.close();
}

fn no_process_of_an_instance_is_root(database: Database) {
    let _turn = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let options = StackOptions { with_chroot: false, ..StackOptions::on(database) };
    let stack = Stack::start(&options);
    for service in Stack::services() {
        for pid in stack.pids_of(service) {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
            let uid = status.lines().find_map(|line| line.strip_prefix("Uid:")).unwrap();
            assert!(!uid.split_whitespace().any(|id| id == "0"), "{service} runs as {uid}");
        }
    }
    stack.close();
}

fn a_second_start_on_the_same_folder_is_refused_with_the_address_of_the_first(database: Database) {
    let _turn = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let options = StackOptions { with_chroot: false, ..StackOptions::on(database) };
    let stack = Stack::start(&options);
    let said = run(Command::new(program()).args(["up", "--port", "0", "--data"]).arg(stack.data())).fails(1);
    assert!(said.contains("already runs") && said.contains(&stack.url), "{said}");
    stack.close();
}

fn the_demo_ends_with_what_the_installed_program_says_also_the_second_time(database: Database) {
    let Some((stack, _turn)) = usual(database) else { return };
    for round in ["first", "second"] {
        let said = run(Command::new(program()).args(["demo", "--data"]).arg(stack.data())).ok();
        assert!(said.contains("Hello from Coppice"), "{round}: {said}");
        assert!(said.contains("login =") && said.contains("coppice stop"), "{round}: {said}");
    }
    stack.close();
}

fn an_upgrade_keeps_projects_builds_and_keys(database: Database) {
    let Some((stack, _turn)) = usual(database) else { return };
    let alice = stack.member("alice");
    alice.copr(&["create", "tools", "--chroot", CHROOT]).ok();
    let build = alice.submits("tools", &distro::srpm("noarch-hello", stack.scratch()));
    alice.waits_for(build, &["succeeded"]);
    let key = || coppice_kit::member::fetch(&format!("{}/alice/tools/pubkey.gpg", stack.results_url)).1;
    let before = key();
    for service in Stack::services() {
        stack.kill(service);
    }
    alice.waits_for(build, &["succeeded"]);
    let next = alice.submits("tools", &distro::srpm("noarch-hello", stack.scratch()));
    alice.waits_for(next, &["succeeded"]);
    assert_eq!(key(), before);
    stack.close_expecting(&["ended; starting it again"]);
}
