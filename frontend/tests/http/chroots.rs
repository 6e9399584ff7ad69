//! What a project sets for a chroot (contract section 9).

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, CHROOTS, Frontend, Member, send};

const COMPS: &str = "<?xml version=\"1.0\"?>\n<comps><group><id>tools</id></group></comps>\n";

fn path(verb: &str) -> String {
    let query = format!("ownername=alice&projectname=foo&chrootname={}", CHROOTS[0]);
    match verb {
        "edit" => format!("/api_3/project-chroot/edit/alice/foo/{}?{query}", CHROOTS[0]),
        _ => format!("/api_3/project-chroot?{query}"),
    }
}

/// As python-copr sends it: always multipart, the fields in a part named `json`, the file before it.
async fn edit(member: &Member<'_>, fields: &Value, comps: Option<(&str, &str)>) -> Answer {
    let boundary = "ba6f5aedfe6e4239bc7ab3ec4acb8e09";
    let mut body = String::new();
    if let Some((name, content)) = comps {
        body += &format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"upload_comps\"; filename=\"{name}\"\r\n\
             Content-Type: application/text\r\n\r\n{content}\r\n"
        );
    }
    body += &format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"json\"; filename=\"json\"\r\n\
         Content-Type: application/json\r\n\r\n{fields}\r\n--{boundary}--\r\n"
    );
    let kind = format!("multipart/form-data; boundary={boundary}");
    send(member.request(Method::PUT, &path("edit")).header("content-type", kind).body(body)).await
}

fn nothing() -> Value {
    json!({
        "additional_repos": null, "additional_packages": null, "additional_modules": null, "delete_comps": false,
        "with_opts": null, "without_opts": null, "bootstrap": null, "bootstrap_image": null, "isolation": null,
        "reset_fields": null
    })
}

fn with(changes: Value) -> Value {
    let mut all = nothing();
    for (key, value) in changes.as_object().unwrap() {
        all[key] = value.clone();
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chroot_is_edited_cleared_and_reset_to_what_it_was() {
    let frontend = Frontend::start().await;
    let alice = frontend.member("alice").await.with_project("foo").await;
    let fresh = frontend.get(&path("get")).await.ok();
    let changes = with(json!({
        "additional_repos": "https://example.com/a/", "additional_packages": "gcc make",
        "additional_modules": "a:b,!c:d", "with_opts": "x", "without_opts": "tests", "isolation": "simple",
        "bootstrap": "image", "bootstrap_image": "registry.example.com/base:43"
    }));
    let mut expected = fresh.clone();
    for (key, value) in [
        ("additional_repos", json!(["https://example.com/a/"])),
        ("additional_packages", json!(["gcc", "make"])),
        ("additional_modules", json!(["a:b", "!c:d"])),
        ("with_opts", json!(["x"])),
        ("without_opts", json!(["tests"])),
        ("isolation", json!("simple")),
    ] {
        expected[key] = value;
    }
    assert_eq!(edit(&alice, &changes, None).await.ok(), expected);
    assert_eq!(edit(&alice, &nothing(), None).await.ok(), expected, "null leaves everything");
    let config =
        frontend.get(&path("get").replace("project-chroot?", "project-chroot/build-config?")).await.ok();
    assert_eq!(config["additional_packages"], json!(["gcc", "make"]));

    let named = edit(&alice, &nothing(), Some(("groups.xml", COMPS))).await.ok();
    assert_eq!(named["comps_name"], "groups.xml");
    assert_eq!(frontend.uploads(), 0, "the upload is not kept");
    let dropped =
        edit(&alice, &with(json!({ "delete_comps": true, "additional_repos": "" })), None).await.ok();
    assert_eq!((&dropped["comps_name"], &dropped["additional_repos"]), (&Value::Null, &json!([])));

    let all = [
        "additional_packages",
        "additional_modules",
        "with_opts",
        "without_opts",
        "isolation",
        "bootstrap",
        "bootstrap_image",
    ];
    assert_eq!(edit(&alice, &with(json!({ "reset_fields": all })), None).await.ok(), fresh);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_chroot_cannot_be_is_refused_and_nothing_changes() {
    let frontend = Frontend::start().await;
    let (alice, bob) =
        (frontend.member("alice").await.with_project("foo").await, frontend.member("bob").await);
    let fresh = frontend.get(&path("get")).await.ok();
    let reset = format!(
        "Trying to reset an invalid attribute: bogus\nSee `copr-cli get-chroot alice/foo/{}' for all the possible attributes",
        CHROOTS[0]
    );
    for (changes, text) in [
        (json!({ "reset_fields": ["bogus"] }), reset.as_str()),
        (
            json!({ "additional_modules": "bad" }),
            "module_toggle: Module name 'bad' must consist of two parts separated with colon, e.g. module:stream",
        ),
        (
            json!({ "additional_packages": "--installroot=/" }),
            "buildroot_pkgs: '--installroot=/' cannot be used: it begins with '-' or holds a control character",
        ),
        (json!({ "isolation": "bogus" }), "isolation: Not a valid choice."),
        (json!({ "bootstrap_image": "-x y" }), "bootstrap_image: Not the name of a container image."),
    ] {
        assert_eq!(edit(&alice, &with(changes), None).await.error(), (400, text.to_owned()));
    }
    let no_comps = edit(&alice, &nothing(), Some(("a.xml", "Name: hello"))).await.error();
    assert_eq!(no_comps, (400, "comps: The file holds no <comps> element, so dnf could not read it.".into()));
    let refused = edit(&bob, &with(json!({ "with_opts": "x" })), None).await.error();
    assert_eq!(refused, (403, "Only owners and admins may update their projects.".into()));
    assert_eq!(frontend.get(&path("get")).await.ok(), fresh);
    assert_eq!(frontend.uploads(), 0);
    frontend.close().await;
}
