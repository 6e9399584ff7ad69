//! The arrows of the house: who may depend on whom (docs/architecture.md). Read from the manifests.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeMap, fs, path::Path};

use toml::{Table, Value};

/// Every crate, with the crates of ours that it may depend on.
const ARROWS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("runtime", &["model"]),
    ("frontend/store", &["model"]),
    ("frontend", &["kerberos", "model", "runtime", "store"]),
    ("kerberos", &[]),
    ("backend", &["model", "runtime"]),
    ("distgit", &["model", "runtime"]),
    ("keygen", &["model", "runtime"]),
    ("builder-agent", &["model"]),
    (
        "launcher",
        &["model", "runtime", "frontend", "backend", "distgit", "keygen", "builder-agent", "minidistro"],
    ),
    // Its bench drives the publisher and the signer without the services around them, and fills databases.
    ("tests", &["backend", "kit", "model", "runtime", "store", "minidistro"]),
    ("tests/kit", &["model", "runtime", "store", "minidistro"]),
    ("tests/minidistro", &[]),
];

/// Libraries that only some may use; what stands behind them stays replaceable.
const BORDERS: &[(&str, &[&str])] = &[
    ("diesel", &["frontend/store"]),
    ("diesel_migrations", &["frontend/store"]),
    ("gpgme", &["keygen"]),
    ("redis", &["runtime"]),
    ("tera", &["frontend", "builder-agent"]),
    ("rpmrepo_metadata", &["backend", "tests/minidistro"]),
    ("oauth2", &["frontend"]),
    ("openidconnect", &["frontend"]),
    ("jiff", &["frontend"]),
];

fn manifests() -> BTreeMap<String, Table> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let read = |path: &Path| fs::read_to_string(path).unwrap().parse::<Table>().unwrap();
    let workspace = read(&root.join("Cargo.toml"));
    let members = workspace["workspace"]["members"].as_array().unwrap();
    members
        .iter()
        .filter_map(Value::as_str)
        .map(|member| (member.to_owned(), read(&root.join(member).join("Cargo.toml"))))
        .collect()
}

/// What a crate is linked with; test-only dependencies may borrow more.
fn dependencies(manifest: &Table) -> Vec<String> {
    ["dependencies", "build-dependencies"]
        .iter()
        .filter_map(|section| manifest.get(*section)?.as_table())
        .flat_map(|table| table.keys().cloned())
        .collect()
}

#[test]
fn every_crate_depends_only_on_what_is_below_it() {
    let manifests = manifests();
    let known: Vec<&str> = ARROWS.iter().map(|(member, _)| *member).collect();
    for (member, manifest) in &manifests {
        let (_, allowed) = ARROWS
            .iter()
            .find(|(name, _)| name == member)
            .unwrap_or_else(|| panic!("{member} is new: give it its place in ARROWS"));
        for dependency in dependencies(manifest) {
            let Some(ours) = dependency.strip_prefix("coppice-") else { continue };
            assert!(allowed.contains(&ours), "{member} must not depend on {ours}");
        }
    }
    assert_eq!(known.len(), manifests.len(), "a crate went away: take it out of ARROWS");
}

#[test]
fn guarded_libraries_stay_behind_their_borders() {
    for (member, manifest) in manifests() {
        for dependency in dependencies(&manifest) {
            if let Some((_, allowed)) = BORDERS.iter().find(|(name, _)| *name == dependency) {
                assert!(allowed.contains(&member.as_str()), "{member} must not use {dependency}");
            }
        }
    }
}

#[test]
fn versions_stand_in_the_workspace_manifest_alone() {
    for (member, manifest) in manifests() {
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let Some(table) = manifest.get(section).and_then(Value::as_table) else { continue };
            for (name, value) in table {
                let inherited = value.get("workspace").and_then(Value::as_bool) == Some(true);
                assert!(inherited, "{member}: {name} must say `workspace = true`");
            }
        }
    }
}

#[test]
fn every_crate_obeys_the_lints_of_the_workspace() {
    for (member, manifest) in manifests() {
        let lints = manifest.get("lints").and_then(|lints| lints.get("workspace")).and_then(Value::as_bool);
        assert_eq!(lints, Some(true), "{member} must say `[lints] workspace = true`");
    }
}
