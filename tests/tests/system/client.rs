//! Every command of the unmodified copr-cli that this service answers.

use coppice_kit::{Database, distro, distro::CHROOT};
use serde_json::json;

use crate::{on_both_databases, usual};

on_both_databases!(copr_cli_works_unchanged);

fn copr_cli_works_unchanged(database: Database) {
    let Some((stack, _turn)) = usual(database) else { return };
    let alice = stack.member("alice");
    let bob = stack.member("bob");
    assert_eq!(alice.copr(&["whoami"]).ok().trim(), "alice");
    assert!(alice.copr(&["list-chroots"]).ok().contains(CHROOT));

    let made = alice.copr(&["create", "tools", "--chroot", CHROOT, "--description", "Our tools"]).ok();
    assert!(made.contains(&format!("{}/coprs/alice/tools/", stack.url)), "{made}");
    let again = alice.copr(&["create", "tools", "--chroot", CHROOT]).fails(1);
    assert!(again.contains("You already have a project named 'tools'."), "{again}");
    let wrong = alice.copr(&["create", "other", "--chroot", "wrong"]).fails(1);
    assert!(wrong.contains("'wrong' is not a valid choice for this field"), "{wrong}");
    assert!(alice.copr(&["list"]).ok().contains("Our tools"));
    assert!(alice.copr(&["get", "tools"]).ok().contains(CHROOT));
    alice.copr(&["modify", "tools", "--description", "Other words", "--enable-net", "off"]).ok();
    assert_eq!(alice.get("project?ownername=alice&projectname=tools")["description"], "Other words");
    let refused = bob.copr(&["modify", "alice/tools", "--description", "x"]).fails(7);
    assert!(refused.contains("Only owners and admins may update their projects."), "{refused}");
    assert!(alice.copr(&["get-chroot", &format!("tools/{CHROOT}")]).ok().contains(CHROOT));
    let config = alice.copr(&["mock-config", "alice/tools", CHROOT]).ok();
    assert!(config.contains(&format!("{}/alice/tools/{CHROOT}/", stack.results_url)), "{config}");

    builds(&stack, &alice, &bob);
    alice.copr(&["regenerate-repos", "tools"]).ok();
    bob.copr(&["delete", "alice/tools"]).fails(7);
    alice.copr(&["delete", "tools"]).ok();
    assert!(alice.copr(&["get", "tools"]).fails(1).contains("Project alice/tools does not exist."));
    stack.close();
}

fn builds(stack: &coppice_kit::Stack, alice: &coppice_kit::Member, bob: &coppice_kit::Member) {
    let source = distro::srpm("noarch-hello", stack.scratch());
    let path = source.display().to_string();
    assert!(bob.copr(&["build", "alice/tools", &path]).fails(7).contains("bob"));
    assert!(alice.copr(&["build", "nothing", &path]).fails(1).contains("does not exist"));
    let wrong_dir = alice.copr(&["build", "tools:bogus", &path]).fails(1);
    assert!(wrong_dir.contains("Please use directory format"), "{wrong_dir}");

    let build = alice.submits("tools", &source);
    let id = build.to_string();
    let watched = alice.copr(&["watch-build", &id]).ok();
    assert!(watched.contains("succeeded"), "{watched}");
    assert_eq!(alice.copr(&["status", &id]).ok().trim(), "succeeded");
    assert!(alice.copr(&["list-builds", "tools"]).ok().contains("noarch-hello"));
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

    let endless = alice.submits("tools", &distro::srpm("never-ends", stack.scratch()));
    alice.waits_for(endless, &["running"]);
    let running = alice.copr(&["delete-build", &endless.to_string()]).fails(1);
    assert!(running.contains("are still running"), "{running}");
    assert!(alice.copr(&["cancel", &endless.to_string()]).ok().contains("canceled"));
    assert_eq!(alice.copr(&["watch-build", &endless.to_string()]).code, 4);
    alice.copr(&["delete-build", &id]).ok();
    assert!(alice.copr(&["status", &id]).fails(1).contains(&format!("Build {id} does not exist.")));

    let (status, body) = alice.asks("GET", "no/such/thing", None);
    assert_eq!((status, body), (404, json!({ "error": "Such API endpoint doesn't exist" })));
}
