//! The main job: a library goes in, a program that needs it goes in, a user installs the program.

use std::process::Command;

use coppice_kit::{Database, distro, distro::CHROOT, member};

use crate::{on_both_databases, repositories::Customer, usual};

on_both_databases!(a_program_is_built_on_a_library_and_installed_with_its_signature_checked);

fn a_program_is_built_on_a_library_and_installed_with_its_signature_checked(database: Database) {
    let Some((stack, _turn)) = usual(database) else { return };
    let alice = stack.member("alice");
    alice.copr(&["create", "tools", "--chroot", CHROOT]).ok();

    let library = distro::srpm("libgreet", stack.scratch());
    let said = alice.copr(&["build", "tools", &library.display().to_string()]).ok();
    assert!(said.contains("succeeded"), "{said}");
    let program = distro::srpm("greet", stack.scratch());
    let build = alice.submits("tools", &program);
    let seen = alice.waits_for(build, &["succeeded"]);
    assert_eq!(seen["source_package"]["name"], "greet");

    // Succeeded means installable: no waiting between the state and dnf.
    let customer = Customer::new(&stack, "alice", "tools");
    assert_eq!(customer.installs_and_runs("greet"), "Hello from Coppice");

    let packages = alice.get(&format!("build/built-packages/{build}"));
    let names: Vec<&str> = packages[CHROOT]["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["name"].as_str().unwrap())
        .collect();
    assert!(names.contains(&"greet"), "{packages}");
    assert!(packages[CHROOT]["packages"][0]["epoch"].is_null(), "{packages}");
    the_source_is_in_distgit(&stack, build);
    the_build_can_be_repeated(&alice, build);
    stack.close();
}

/// Stock git clones what was built.
fn the_source_is_in_distgit(stack: &coppice_kit::Stack, _build: i64) {
    let config = std::fs::read_to_string(stack.data().join("etc/frontend.toml")).unwrap();
    let url = config.parse::<toml::Table>().unwrap()["distgit_url"].as_str().unwrap().to_owned();
    let clone = stack.scratch().join("clone");
    let git = Command::new("git")
        .args(["clone", "--quiet", &format!("{url}/git/alice/tools/greet")])
        .arg(&clone)
        .status();
    assert!(git.unwrap().success());
    assert!(clone.join("greet.spec").is_file() && clone.join("sources").is_file());
}

/// The record of a build: buildroot, configuration, logs.
fn the_build_can_be_repeated(alice: &coppice_kit::Member, build: i64) {
    let chroots = alice.chroots(build);
    let folder = chroots[0]["result_url"].as_str().unwrap();
    for file in [
        "builder-live.log.gz",
        "backend.log.gz",
        "build.log.gz",
        "root.log.gz",
        "results.json",
        "buildroot.json",
        "success",
        "greet.spec",
    ] {
        let (status, _) = member::fetch(&format!("{folder}{file}"));
        assert_eq!(status, 200, "{folder}{file}");
    }
    let (_, buildroot) = member::fetch(&format!("{folder}buildroot.json"));
    assert!(buildroot.contains("libgreet-devel"), "the buildroot names what was installed: {buildroot}");
    let (_, log) = member::fetch(&format!("{folder}builder-live.log"));
    assert!(log.contains("greet"), "a finished log opens in a browser: {log}");
}
