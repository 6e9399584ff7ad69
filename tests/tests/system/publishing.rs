//! A repository under its users' feet: back to an earlier publish, a longer life for the key, another key. dnf checks
//! every signature, that of the metadata included.

use std::time::Duration;

use coppice_kit::{Database, Member, distro, distro::CHROOT, until};
use serde_json::{Value, json};

use crate::{on_both_databases, repositories::Customer, usual};

on_both_databases!(snapshots_roll_backs_and_new_keys_are_installed_with_every_signature_checked);

const PACKAGE: &str = "noarch-hello";

/// Orders something for alice's project and waits until it is done.
fn ordered(alice: &Member, path: &str, extra: Value) {
    let mut body = json!({ "ownername": "alice", "projectname": "tools" });
    for (key, value) in extra.as_object().unwrap() {
        body[key] = value.clone();
    }
    let (status, answer) = alice.asks("POST", path, Some(&body));
    assert_eq!(status, 200, "{answer}");
    until(&format!("{path} is done"), Duration::from_secs(60), || {
        let actions = alice.get("project/actions?ownername=alice&projectname=tools");
        let own =
            actions["items"].as_array()?.iter().find(|action| action["id"] == answer["action"])?.clone();
        assert_ne!(own["state"], "failure", "{own}");
        (own["state"] == "success").then_some(())
    });
}

fn snapshots_roll_backs_and_new_keys_are_installed_with_every_signature_checked(database: Database) {
    let Some((stack, _turn)) = usual(database) else { return };
    let alice = stack.member("alice");
    alice.copr(&["create", "tools", "--chroot", CHROOT]).ok();
    let source = distro::srpm(PACKAGE, stack.scratch());
    let builds = [alice.submits("tools", &source), alice.submits("tools", &source)];
    for build in builds {
        alice.waits_for(build, &["succeeded"]);
    }
    // Each asks as a new customer, who knows no key yet.
    let repository = format!("{}/alice/tools/{CHROOT}", stack.results_url);
    let list = || -> Value {
        let (status, text) = coppice_kit::member::fetch(&format!("{repository}/snapshots/index.json"));
        assert_eq!(status, 200, "{text}");
        serde_json::from_str(&text).unwrap()
    };
    let served = || list()["snapshots"].as_array().unwrap().last().unwrap()["builds"].as_u64();
    let installs = |query: &str| {
        let customer = Customer::new(&stack, "alice", "tools");
        customer.starts_anew();
        customer.enables_with(query);
        customer.dnf(&["install", PACKAGE]).ok();
    };
    installs("?repo_gpgcheck=1");
    let with_one = list()["snapshots"].as_array().unwrap().iter().find(|s| s["builds"] == 1).unwrap().clone();
    let number = &with_one["number"];
    installs(&format!("?repo_gpgcheck=1&snapshot={number}"));

    ordered(&alice, "project-chroot/roll-back", json!({ "chrootname": CHROOT, "snapshot": number }));
    assert_eq!(served(), Some(1));
    installs("?repo_gpgcheck=1");
    ordered(&alice, "project/key/renew", json!({}));
    installs("?repo_gpgcheck=1");

    let old = list()["snapshots"].as_array().unwrap().last().unwrap()["key"].clone();
    ordered(&alice, "project/key/rotate", json!({}));
    let new = list()["snapshots"].as_array().unwrap().last().unwrap()["key"].clone();
    assert_ne!(old, new);
    installs("?repo_gpgcheck=1");
    let later = alice.submits("tools", &source);
    alice.waits_for(later, &["succeeded"]);
    assert_eq!(served(), Some(2), "the new build stands beside the one that was brought back");
    installs("?repo_gpgcheck=1");
    stack.close();
}
