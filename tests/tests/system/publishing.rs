//! A repository under its users' feet: back to an earlier publish, a longer life for the key, another key. dnf checks
//! every signature, that of the metadata included.

use std::time::Duration;

use coppice_kit::{Database, Member, distro, distro::CHROOT, member::fetch, until};
use coppice_runtime::Clock;
use serde_json::{Value, json};

use crate::{on_both_databases, repositories::Customer, usual};

on_both_databases!(
    snapshots_roll_backs_and_new_keys_are_installed_with_every_signature_checked,
    a_renewed_key_serves_clients_that_know_it_as_it_was_and_new_ones,
);

const PACKAGE: &str = "noarch-hello";
const YEAR_S: i64 = 365 * 86_400;

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

/// A client keeps the key as it first saw it, so the renewal must come long before the end that it knows.
fn a_renewed_key_serves_clients_that_know_it_as_it_was_and_new_ones(database: Database) {
    let Some((stack, _turn)) = usual(database) else { return };
    let alice = stack.member("alice");
    alice.copr(&["create", "tools", "--chroot", CHROOT]).ok();
    let build = alice.submits("tools", &distro::srpm(PACKAGE, stack.scratch()));
    alice.waits_for(build, &["succeeded"]);
    let customer = Customer::new(&stack, "alice", "tools");
    customer.enables_with("?repo_gpgcheck=1");
    customer.dnf(&["install", PACKAGE]).ok();
    let ends_on = || alice.get("project/key?ownername=alice&projectname=tools")["items"][0].clone();
    let first = ends_on();
    let end = Clock::default().now().plus_seconds(20 * YEAR_S);
    ordered(&alice, "project/key/renew", json!({ "expires_on": end }));
    let renewed = ends_on();
    assert_eq!(first["fingerprint"], renewed["fingerprint"]);
    assert!(renewed["expires_on"].as_u64() > first["expires_on"].as_u64(), "{renewed}");

    customer.dnf_after("+9y", &["reinstall", PACKAGE]).ok();
    // RPM takes what the key signed; only gpg, which dnf asks about the metadata, minds the old end.
    customer.dnf_after("+15y", &["reinstall", "--setopt=*.repo_gpgcheck=0", PACKAGE]).ok();
    customer.starts_anew();
    customer.dnf_after("+15y", &["install", PACKAGE]).ok();
    customer.starts_anew();
    let ended = customer.dnf_after("+21y", &["install", PACKAGE]);
    assert_ne!(ended.code, 0, "the clock of this test does nothing: {}", ended.out);
    stack.close();
}

fn snapshots_roll_backs_and_new_keys_are_installed_with_every_signature_checked(database: Database) {
    let Some((stack, _turn)) = usual(database) else { return };
    let alice = stack.member("alice");
    alice.copr(&["create", "tools", "--chroot", CHROOT]).ok();
    let source = distro::srpm(PACKAGE, stack.scratch());
    // One after the other: builds that end together are published together, as one snapshot.
    for _ in 0..2 {
        let build = alice.submits("tools", &source);
        alice.waits_for(build, &["succeeded"]);
    }
    // Each asks as a new customer, who knows no key yet.
    let of = "ownername=alice&projectname=tools";
    let list = || alice.get(&format!("project-chroot/snapshots?{of}&chrootname={CHROOT}"))["items"].clone();
    let newest = || list().as_array().unwrap().last().unwrap().clone();
    let served = || newest()["builds"].as_u64();
    let installs = |query: &str| {
        let customer = Customer::new(&stack, "alice", "tools");
        customer.starts_anew();
        customer.enables_with(query);
        customer.dnf(&["install", PACKAGE]).ok();
    };
    installs("?repo_gpgcheck=1");
    let with_one = list().as_array().unwrap().iter().find(|s| s["builds"] == 1).unwrap().clone();
    let number = &with_one["number"];
    installs(&format!("?repo_gpgcheck=1&snapshot={number}"));

    ordered(&alice, "project-chroot/roll-back", json!({ "chrootname": CHROOT, "snapshot": number }));
    assert_eq!(served(), Some(1));
    installs("?repo_gpgcheck=1");
    ordered(&alice, "project/key/renew", json!({}));
    installs("?repo_gpgcheck=1");

    let old = newest()["key"].clone();
    ordered(&alice, "project/key/rotate", json!({}));
    let new = newest()["key"].clone();
    assert_ne!(old, new);
    let keys = alice.get(&format!("project/key?{of}"))["items"].clone();
    for (index, fingerprint, role) in [(0, &new, "current"), (1, &old, "retired")] {
        assert_eq!((&keys[index]["fingerprint"], keys[index]["role"].as_str()), (fingerprint, Some(role)));
    }
    let (status, page) = fetch(&format!("{}/coprs/alice/tools/snapshots/{CHROOT}/", stack.url));
    assert!(status == 200 && page.contains(new.as_str().unwrap()) && page.contains("(current)"), "{page}");
    installs("?repo_gpgcheck=1");
    let later = alice.submits("tools", &source);
    alice.waits_for(later, &["succeeded"]);
    assert_eq!(served(), Some(2), "the new build stands beside the one that was brought back");
    installs("?repo_gpgcheck=1");
    assert_eq!(alice.get("publish-queue"), json!({ "items": [], "length": 0 }));
    stack.close();
}
