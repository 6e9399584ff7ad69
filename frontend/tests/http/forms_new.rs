//! Projects made in the browser.

use serde_json::json;

use crate::{
    forms_world::{assert_login, assert_refused, assert_taken, problem_at},
    support::{CHROOTS, Frontend},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_project_is_made_with_everything_that_was_typed_and_its_first_packages() {
    let frontend = Frontend::start().await;
    let alice = frontend.member("alice").await;
    let browser = frontend.browser("alice").await;
    let shown = browser.get("/coprs/alice/add/").await.text;
    for text in ["Fedora", "EPEL", "EOL soon", "value=\"epel-9-x86_64\"", "data-pick=\"-x86_64$\""] {
        assert!(shown.contains(text), "{text} is missing in {shown}");
    }
    assert!(
        !shown.contains("name=\"persistent\"") && !shown.contains("name=\"auto_prune\""),
        "only for admins"
    );
    let fields = [
        ("name", "garden"),
        ("chroots", CHROOTS[0]),
        ("chroots", CHROOTS[3]),
        ("description", "Small & fast"),
        ("instructions", "dnf install x"),
        ("homepage", "https://example.org/"),
        ("contact", "alice@example.org"),
        ("additional_repos", "https://example.org/a/\nhttps://example.org/b/?priority=3"),
        ("runtime_dependencies", "https://example.org/r/"),
        ("enable_net", "true"),
        ("unlisted_on_hp", "true"),
        ("repo_priority", "7"),
        ("delete_after_days", "30"),
        ("bootstrap", "on"),
        ("isolation", "simple"),
        ("key_algorithm", "ed25519"),
        ("packit_forge_projects_allowed", "https://github.com/a/b"),
        ("initial_pkgs", "https://example.com/hello-1-1.src.rpm"),
    ];
    let answer = browser.submit("/coprs/alice/add/", "/coprs/alice/new/", &fields).await;
    assert_taken(&answer, "/coprs/alice/garden/");
    let project = alice.get("/api_3/project?ownername=alice&projectname=garden").await.ok();
    for (key, value) in [
        ("description", json!("Small & fast")),
        ("homepage", json!("https://example.org/")),
        ("additional_repos", json!(["https://example.org/a/", "https://example.org/b/?priority=3"])),
        ("enable_net", json!(true)),
        ("unlisted_on_hp", json!(true)),
        ("follow_fedora_branching", json!(false)),
        ("auto_prune", json!(true)),
        ("repo_priority", json!(7)),
        ("bootstrap", json!("on")),
        ("isolation", json!("simple")),
        ("packit_forge_projects_allowed", json!(["github.com/a/b"])),
    ] {
        assert_eq!(project[key], value, "{key}");
    }
    assert_eq!(project["chroot_repos"].as_object().unwrap().len(), 2);
    let builds = alice.get("/api_3/build/list?ownername=alice&projectname=garden").await.ok();
    assert_eq!(builds["items"].as_array().unwrap().len(), 1, "{builds}");
    let next = browser.get("/coprs/alice/garden/").await.text;
    assert!(next.contains("alice/garden is there."), "{next}");
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_wrong_stands_at_its_field_and_what_was_typed_stays() {
    let frontend = Frontend::start().await;
    let alice = frontend.member("alice").await.with_project("taken").await;
    let browser = frontend.browser("alice").await;
    let submit = async |fields: &[(&str, &str)]| {
        browser.submit("/coprs/alice/add/", "/coprs/alice/new/", fields).await
    };
    let wrong = [
        ("name", "cli garden"),
        ("homepage", "htp://example.org"),
        ("contact", "me"),
        ("additional_repos", "htp://example.org/x/"),
        ("delete_after_days", "9999"),
        ("description", "kept <b>as it is</b>"),
        ("multilib", "true"),
        ("key_algorithm", "rsa4096"),
    ];
    let answer = submit(&wrong).await;
    assert_refused(
        &answer,
        &["name", "chroots", "homepage", "contact", "additional_repos", "delete_after_days"],
    );
    assert_eq!(problem_at(&answer, "chroots"), "Choose at least one chroot.");
    assert!(
        problem_at(&answer, "additional_repos").ends_with("Did you mean http://example.org/x/?"),
        "{}",
        answer.text
    );
    for kept in
        ["value=\"cli garden\"", "kept &lt;b&gt;as it is&lt;", "name=\"multilib\" value=\"true\" checked"]
    {
        assert!(answer.text.contains(kept), "{kept} is missing in {}", answer.text);
    }
    assert!(
        !answer.text.contains("name=\"follow_fedora_branching\" value=\"true\" checked"),
        "it was not checked"
    );
    let taken = submit(&[("name", "taken"), ("chroots", CHROOTS[0])]).await;
    assert_refused(&taken, &["name"]);
    assert!(taken.text.contains(&format!("value=\"{}\" checked", CHROOTS[0])), "the chroot stays chosen");
    // All or nothing: a package that cannot be built keeps the project from being made.
    let packages =
        submit(&[("name", "half"), ("chroots", CHROOTS[0]), ("initial_pkgs", "https://example.org/x.rpm")])
            .await;
    assert_refused(&packages, &["initial_pkgs"]);
    assert_eq!(alice.get("/api_3/project?ownername=alice&projectname=half").await.status, 404);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_make_projects_and_only_admins_make_persistent_ones() {
    let frontend = Frontend::start().await;
    let alice = frontend.member("alice").await;
    frontend.member("root").await;
    frontend.make_admin("root").await;
    frontend.group("tools", &["alice"]).await;
    let browser = frontend.browser("alice").await;
    assert!(browser.get("/coprs/alice/add/").await.text.contains("href=\"/coprs/g/tools/add/\""));
    let fields = [("name", "foo"), ("chroots", CHROOTS[0]), ("persistent", "true")];
    let answer = browser.submit("/coprs/g/tools/add/", "/coprs/g/tools/new/", &fields).await;
    assert_eq!(answer.status, 403, "{}", answer.text);
    let answer = browser.submit("/coprs/g/tools/add/", "/coprs/g/tools/new/", &fields[..2]).await;
    assert_taken(&answer, "/coprs/g/tools/foo/");
    alice.get("/api_3/project?ownername=@tools&projectname=foo").await.ok();
    let root = frontend.browser("root").await;
    let shown = root.get("/coprs/root/add/").await.text;
    assert!(
        shown.contains("name=\"persistent\"") && shown.contains("name=\"auto_prune\" value=\"true\" checked")
    );
    let answer = root.submit("/coprs/root/add/", "/coprs/root/new/", &fields).await;
    assert_taken(&answer, "/coprs/root/foo/");
    let project = alice.get("/api_3/project?ownername=root&projectname=foo").await.ok();
    assert_eq!((&project["persistent"], &project["auto_prune"]), (&json!(true), &json!(false)));
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_review_needs_a_name_only() {
    let frontend = Frontend::start().await;
    let alice = frontend.member("alice").await;
    let browser = frontend.browser("alice").await;
    let path = "/coprs/alice/new-fedora-review/";
    assert_refused(&browser.submit(path, path, &[("name", "")]).await, &["name"]);
    assert_taken(
        &browser.submit(path, path, &[("name", "review-hello")]).await,
        "/coprs/alice/review-hello/",
    );
    let project = alice.get("/api_3/project?ownername=alice&projectname=review-hello").await.ok();
    assert_eq!(project["unlisted_on_hp"], true);
    assert_eq!(project["chroot_repos"].as_object().unwrap().keys().collect::<Vec<_>>(), [CHROOTS[2]]);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_makes_projects_of_others() {
    let frontend = Frontend::start().await;
    frontend.member("alice").await;
    frontend.member("eve").await;
    frontend.group("tools", &["alice"]).await;
    let (visitor, eve) = (frontend.visitor(), frontend.browser("eve").await);
    let fields = [("name", "foo"), ("chroots", CHROOTS[0])];
    for (shown, action) in [
        ("/coprs/alice/add", "/coprs/alice/new/"),
        ("/coprs/g/tools/add", "/coprs/g/tools/new/"),
        ("/coprs/alice/new-fedora-review", "/coprs/alice/new-fedora-review/"),
    ] {
        assert_login(&visitor.get(shown).await, shown);
        assert_eq!(eve.get(shown).await.status, 403);
        assert_eq!(eve.submit("/coprs/eve/add/", action, &fields).await.status, 403, "{action}");
        assert_eq!(eve.forge(action, &fields).await.status, 403, "{action}");
        assert_eq!(visitor.forge(action, &fields).await.status, 403, "{action}");
    }
    assert_eq!(eve.get("/coprs/nobody/add/").await.status, 404);
    assert_eq!(eve.get("/coprs/g/nobody/add/").await.status, 404);
    assert_eq!(frontend.get("/api_3/project/list").await.ok()["items"], json!([]));
    frontend.close().await;
}
