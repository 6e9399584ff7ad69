//! Every command of the unmodified copr-cli, by the list that it prints itself.

use std::{collections::BTreeSet, time::Duration};

use coppice_kit::{Database, Member, Stack, distro, distro::CHROOT, member::fetch, until};
use serde_json::json;

use crate::{on_both_databases, repositories::Customer, usual};

on_both_databases!(every_command_of_copr_cli_works_unchanged);

fn every_command_of_copr_cli_works_unchanged(database: Database) {
    let Some((stack, _turn)) = usual(database) else { return };
    let (alice, bob) = (stack.member("alice"), stack.member("bob"));
    projects_and_builds(&stack, &alice, &bob);
    packages_chroots_roles_and_tokens(&stack, &alice, &bob);
    let known = commands(&alice.copr(&["--help"]).ok());
    let ran: BTreeSet<String> = alice.succeeded_with().union(&bob.succeeded_with()).cloned().collect();
    let missing: Vec<_> = known.difference(&ran).collect();
    assert!(
        known.len() > 40 && missing.is_empty(),
        "of {} commands these never succeeded: {missing:?}",
        known.len()
    );
    stack.close();
}

/// What the client can do, by its own help: `{list,create,…}`.
fn commands(help: &str) -> BTreeSet<String> {
    let (_, list) = help.split_once('{').unwrap();
    list.split_once('}').unwrap().0.split(',').map(|name| name.trim().to_owned()).collect()
}

fn projects_and_builds(stack: &Stack, alice: &Member, bob: &Member) {
    assert_eq!(alice.copr(&["whoami"]).ok().trim(), "alice");
    assert!(alice.copr(&["list-chroots"]).ok().contains(CHROOT));

    let made = alice.copr(&["create", "things", "--chroot", CHROOT, "--description", "Our tools"]).ok();
    assert!(made.contains(&format!("{}/coprs/alice/things/", stack.url)), "{made}");
    let again = alice.copr(&["create", "things", "--chroot", CHROOT]).fails(1);
    assert!(again.contains("You already have a project named 'things'."), "{again}");
    let wrong = alice.copr(&["create", "other", "--chroot", "wrong"]).fails(1);
    assert!(wrong.contains("'wrong' is not a valid choice for this field"), "{wrong}");
    assert!(alice.copr(&["list"]).ok().contains("Our tools"));
    assert!(alice.copr(&["get", "things"]).ok().contains(CHROOT));
    alice.copr(&["modify", "things", "--description", "Other words", "--enable-net", "off"]).ok();
    assert_eq!(alice.get("project?ownername=alice&projectname=things")["description"], "Other words");
    let refused = bob.copr(&["modify", "alice/things", "--description", "x"]).fails(7);
    assert!(refused.contains("Only owners and admins may update their projects."), "{refused}");
    assert!(alice.copr(&["get-chroot", &format!("things/{CHROOT}")]).ok().contains(CHROOT));
    let config = alice.copr(&["mock-config", "alice/things", CHROOT]).ok();
    assert!(config.contains(&format!("{}/alice/things/{CHROOT}/", stack.results_url)), "{config}");

    builds(stack, alice, bob);
    finished_package(stack, alice);
    alice.copr(&["regenerate-repos", "things"]).ok();
    bob.copr(&["delete", "alice/things"]).fails(7);
    alice.copr(&["delete", "things"]).ok();
    assert!(alice.copr(&["get", "things"]).fails(1).contains("Project alice/things does not exist."));
}

fn builds(stack: &Stack, alice: &Member, bob: &Member) {
    let source = distro::srpm("noarch-hello", stack.scratch());
    let path = source.display().to_string();
    assert!(bob.copr(&["build", "alice/things", &path]).fails(7).contains("bob"));
    assert!(alice.copr(&["build", "nothing", &path]).fails(1).contains("does not exist"));
    let wrong_dir = alice.copr(&["build", "things:bogus", &path]).fails(1);
    assert!(wrong_dir.contains("Please use directory format"), "{wrong_dir}");

    let build = alice.submits("things", &source);
    let id = build.to_string();
    let watched = alice.copr(&["watch-build", &id]).ok();
    assert!(watched.contains("succeeded"), "{watched}");
    assert_eq!(alice.copr(&["status", &id]).ok().trim(), "succeeded");
    assert!(alice.copr(&["list-builds", "things"]).ok().contains("noarch-hello"));
    alice.copr(&["download-build", &id, "--dest", "down"]).ok();
    let folder = alice.home().join("down").join(CHROOT);
    let files: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(files.iter().any(|file| file.ends_with(".noarch.rpm")), "{files:?}");
    assert!(files.iter().any(|file| file.ends_with(".src.rpm")), "{files:?}");
    assert!(files.iter().any(|file| file.ends_with(".log.gz")), "{files:?}");
    assert!(alice.copr(&["cancel", &id]).fails(1).contains(&format!("Cannot cancel build {id}")));

    let endless = alice.submits("things", &distro::srpm("never-ends", stack.scratch()));
    alice.waits_for(endless, &["running"]);
    let running = alice.copr(&["delete-build", &endless.to_string()]).fails(1);
    assert!(running.contains("are still running"), "{running}");
    assert!(alice.copr(&["cancel", &endless.to_string()]).ok().contains("canceled"));
    assert_eq!(alice.copr(&["watch-build", &endless.to_string()]).code, 4);
    alice.copr(&["delete-build", &id]).ok();
    assert!(alice.copr(&["status", &id]).fails(1).contains(&format!("Build {id} does not exist.")));

    let (status, body) = alice.asks("GET", "no/such/thing", None);
    assert_eq!((status, &body["error"]), (404, &json!("Such API endpoint doesn't exist")));
}

/// Built elsewhere, and only published here.
fn finished_package(stack: &Stack, alice: &Member) {
    let source = distro::srpm("noarch-hello", stack.scratch());
    let top = stack.scratch().join("elsewhere");
    let rebuilt = std::process::Command::new("rpmbuild")
        .args(["--rebuild", "--nodeps", "--define", &format!("_topdir {}", top.display())])
        .arg(&source)
        .output()
        .unwrap();
    assert!(rebuilt.status.success(), "{}", String::from_utf8_lossy(&rebuilt.stderr));
    let made = std::fs::read_dir(top.join("RPMS/noarch")).unwrap().next().unwrap().unwrap().path();
    let said = alice.copr(&["uploadrpm", "things", &made.display().to_string(), "--chroot", CHROOT]).ok();
    assert!(said.contains("succeeded"), "{said}");
    let build = alice.get("build/list?ownername=alice&projectname=things&limit=1")["items"][0].clone();
    assert_eq!(
        (&build["state"], &build["source_package"]["name"]),
        (&json!("succeeded"), &json!("noarch-hello"))
    );
    let refused = alice.copr(&["uploadrpm", "things", &source.display().to_string(), "--nowait"]).fails(1);
    assert!(refused.contains("finished .rpm files"), "{refused}");
}

fn packages_chroots_roles_and_tokens(stack: &Stack, alice: &Member, bob: &Member) {
    alice.copr(&["create", "tools", "--chroot", CHROOT]).ok();
    packages(alice);
    chroots(stack, alice);
    roles(stack, alice, bob);
    forks(stack, bob);
    groups(stack, alice, bob);
    let secret = alice.copr_answering(&["new-webhook-secret", "tools"], "y\n").ok();
    assert!(secret.contains("Generated new token: "), "{secret}");
    alice.copr(&["new-api-token"]).ok();
    assert_eq!(alice.asks("GET", "auth-check", None).0, 401, "the old token works no more");
    alice.copr(&["modify", "tools", "--description", "with the new token"]).ok();
}

fn packages(alice: &Member) {
    let script = alice.home().join("script.sh");
    std::fs::write(&script, "#!/bin/sh\necho hi\n").unwrap();
    let script = script.display().to_string();
    for (kind, arguments) in [
        ("pypi", &["--packagename", "six", "--pythonversions", "3"][..]),
        (
            "scm",
            &[
                "--clone-url",
                "https://example.com/tool.git",
                "--spec",
                "tool.spec",
                "--webhook-rebuild",
                "on",
            ],
        ),
        ("distgit", &[]),
        ("rubygems", &["--gem", "rake"]),
        ("custom", &["--script", &script, "--script-chroot", CHROOT, "--max-builds", "5"]),
    ] {
        let (add, name) = (format!("add-package-{kind}"), format!("a-{kind}"));
        let said = alice.copr(&[&[&add, "tools", "--name", &name], arguments].concat()).ok();
        assert!(said.contains("Create or edit operation was successful."), "{said}");
        assert!(alice.copr(&["get-package", "tools", "--name", &name]).ok().contains(&format!("\"{kind}\"")));
        let edit = format!("edit-package-{kind}");
        alice.copr(&[&[&edit, "tools", "--name", &name], arguments].concat()).ok();
    }
    let again = alice.copr(&["add-package-rubygems", "tools", "--name", "a-scm", "--gem", "x"]).fails(1);
    assert!(again.contains("Package a-scm already exists in copr alice/tools."), "{again}");
    alice.copr(&["edit-package-rubygems", "tools", "--name", "a-rubygems", "--gem", "minitest"]).ok();
    let names = alice.copr(&["list-package-names", "tools"]).ok();
    assert_eq!(names.split_whitespace().count(), 5, "{names}");
    assert!(alice.copr(&["list-packages", "tools", "--with-latest-build"]).ok().contains("minitest"));

    let failed = alice.copr(&["build-package", "tools", "--name", "a-rubygems"]);
    assert_eq!(failed.code, 4, "{failed:?}");
    let latest = alice.copr(&["get-package", "tools", "--name", "a-rubygems", "--with-latest-build"]).ok();
    assert!(latest.contains("cannot make sources by the method rubygems yet"), "{latest}");
    let monitor = alice.copr(&["monitor", "tools"]).ok();
    assert!(monitor.contains("a-rubygems") && monitor.contains("failed"), "{monitor}");
    for build in [
        &["buildgem", "tools", "--gem", "rake", "--nowait"][..],
        &["buildpypi", "tools", "--packagename", "six", "--nowait"],
        &["buildscm", "tools", "--clone-url", "https://example.com/tool.git", "--nowait"],
        &["build-distgit", "tools", "--name", "zlib", "--nowait"],
        &["buildcustom", "tools", "--script", &script, "--nowait"],
        &["build-package", "tools", "--name", "a-scm", "--nowait"],
    ] {
        assert!(alice.copr(build).ok().contains("Created builds: "), "{build:?}");
    }
    alice.copr(&["reset-package", "tools", "--name", "a-custom"]).ok();
    let unset = alice.copr(&["build-package", "tools", "--name", "a-custom", "--nowait"]).fails(1);
    assert!(unset.contains("doesn't have the default source method set"), "{unset}");
    alice.copr(&["delete-package", "tools", "--name", "a-custom"]).ok();
    let gone = alice.copr(&["get-package", "tools", "--name", "a-custom"]).fails(1);
    assert!(gone.contains("No package with name a-custom in copr tools"), "{gone}");
}

fn chroots(stack: &Stack, alice: &Member) {
    let place = format!("tools/{CHROOT}");
    alice.copr(&["edit-chroot", &place, "--packages", "gcc make", "--rpmbuild-with", "x"]).ok();
    let told = alice.copr(&["get-chroot", &place]).ok();
    assert!(told.contains("\"gcc\"") && told.contains("\"x\""), "{told}");
    alice.copr(&["edit-chroot", &place, "--reset", "additional_packages"]).ok();
    assert!(!alice.copr(&["get-chroot", &place]).ok().contains("gcc"));
    let comps =
        "<?xml version=\"1.0\"?>\n<comps><group><id>tools</id><name>Our tools</name></group></comps>\n";
    std::fs::write(alice.home().join("groups.xml"), comps).unwrap();
    alice.copr(&["edit-chroot", &place, "--upload-comps", "groups.xml"]).ok();
    let repomd = format!("{}/alice/tools/{CHROOT}/repodata/repomd.xml", stack.results_url);
    until("the repository carries the groups", Duration::from_secs(30), || {
        fetch(&repomd).1.contains("type=\"group\"").then_some(())
    });
}

fn roles(stack: &Stack, alice: &Member, bob: &Member) {
    let source = distro::srpm("noarch-hello", stack.scratch()).display().to_string();
    bob.copr(&["request-permissions", "alice/tools", "--builder"]).ok();
    assert!(alice.copr(&["list-permissions", "tools"]).ok().contains("builder: request"));
    assert!(bob.copr(&["list-permissions", "alice/tools"]).fails(7).contains("missing admin rights"));
    bob.copr(&["build", "alice/tools", &source, "--nowait"]).fails(7);
    alice.copr(&["edit-permissions", "tools", "--builder", "bob"]).ok();
    assert!(bob.copr(&["build", "alice/tools", &source]).ok().contains("succeeded"));
}

/// The copy is installed with every signature checked, by a key of its own.
fn forks(stack: &Stack, bob: &Member) {
    let said = bob.copr(&["fork", "alice/tools", "bob/mine"]).ok();
    assert!(said.contains("Forking project alice/tools for you into bob/mine."), "{said}");
    let unsure = bob.copr(&["fork", "alice/tools", "bob/mine"]).fails(1);
    assert!(unsure.contains("Please use --confirm if you really want to do this"), "{unsure}");
    assert!(bob.copr(&["list-package-names", "mine"]).ok().contains("a-rubygems"));
    until("the fork is done", Duration::from_secs(60), || {
        let actions = bob.get("project/actions?ownername=bob&projectname=mine");
        let all = actions["items"].as_array()?.clone();
        assert!(all.iter().all(|action| action["state"] != "failure"), "{actions}");
        all.iter().all(|action| action["state"] == "success").then_some(())
    });
    assert!(bob.copr(&["list-builds", "mine"]).ok().contains("forked"));
    let customer = Customer::new(stack, "bob", "mine");
    customer.starts_anew();
    customer.enables_with("?repo_gpgcheck=1");
    customer.dnf(&["install", "noarch-hello"]).ok();
    let key = |project: &str| fetch(&format!("{}/{project}/pubkey.gpg", stack.results_url)).1;
    assert_ne!(key("alice/tools"), key("bob/mine"));
}

/// What a group owns is its members'.
fn groups(stack: &Stack, alice: &Member, bob: &Member) {
    stack.manage(&["group-add", "team"]);
    stack.manage(&["group-member", "team", "alice"]);
    let made = alice.copr(&["create", "@team/shared", "--chroot", CHROOT]).ok();
    assert!(made.contains("/coprs/g/team/shared/"), "{made}");
    let refused = bob.copr(&["modify", "@team/shared", "--description", "x"]).fails(7);
    assert!(refused.contains("Only owners and admins may update their projects."), "{refused}");
    stack.manage(&["group-member", "team", "bob"]);
    bob.copr(&["modify", "@team/shared", "--description", "ours"]).ok();
    assert!(bob.copr(&["list", "@team"]).ok().contains("ours"));
}
