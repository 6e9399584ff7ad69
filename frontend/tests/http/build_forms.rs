//! The forms of new builds, as browsers post them; what came of it is asked from the API.

use coppice_model::UnixTime;
use coppice_store::{StoreError, groups, users};
use reqwest::{
    Method, StatusCode,
    multipart::{Form, Part},
};
use serde_json::{Value, json};

use crate::{
    browser::{Browser, form_token},
    support::{Answer, CHROOTS, Frontend, Member},
};

/// A user with a project for all chroots.
pub async fn alice_with_foo(frontend: &Frontend) -> Member<'_> {
    let alice = frontend.member("alice").await;
    alice.post("/api_3/project/add/alice", &json!({ "name": "foo", "chroots": CHROOTS })).await.ok();
    alice
}

/// A group with one member, and its project `bar`.
pub async fn group_with_bar(frontend: &Frontend, member: &Member<'_>) {
    let name = member.name.clone();
    let made = frontend.store().write(move |tx| {
        let group = groups::insert(tx, &"@crew".parse().unwrap(), UnixTime(1))?;
        let user = users::find_by_name(tx, &name)?.unwrap();
        groups::insert_member(tx, &group, user.id)
    });
    made.await.map_err(|error: StoreError| error).unwrap();
    member.post("/api_3/project/add/@crew", &json!({ "name": "bar", "chroots": [CHROOTS[0]] })).await.ok();
}

/// Where a taken form leads on.
#[track_caller]
pub fn leads_to(answer: &Answer) -> String {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    answer.header("location").to_owned()
}

/// A form that came back has this at the field of that name.
#[track_caller]
pub fn stands_at(answer: &Answer, field: &str, text: &str) {
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
    let place = format!("id=\"f-{field}-err\">");
    let (_, rest) =
        answer.text.split_once(&place).unwrap_or_else(|| panic!("nothing at {field}: {}", answer.text));
    let said = rest.split('<').next().unwrap();
    assert!(said.contains(text), "at {field}: {said}");
}

async fn built(alice: &Member<'_>, leads: &str) -> Value {
    let id = leads.trim_end_matches('/').rsplit('/').next().unwrap();
    alice.get(&format!("/api_3/build/{id}")).await.ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn builds_from_addresses_have_the_options_that_were_chosen() {
    let frontend = Frontend::start().await;
    let alice = alice_with_foo(&frontend).await;
    let browser = frontend.browser("alice").await;
    let page = browser.get("/coprs/alice/foo/add_build/").await.text;
    for name in CHROOTS {
        assert!(page.contains(&format!("name=\"chroots\" value=\"{name}\">")), "{name} is offered\n{page}");
    }
    assert!(page.contains("EOL soon") && page.matches("<h1").count() == 1, "{page}");
    let fields = [
        ("pkgs", "https://example.com/a-1-1.src.rpm"),
        ("chroots", CHROOTS[0]),
        ("chroots", CHROOTS[3]),
        ("project_dirname", "foo:custom:next"),
        ("timeout", "600"),
        ("background", "true"),
        ("enable_net", "true"),
        ("bootstrap", "on"),
        ("isolation", "simple"),
        ("after_build_id", ""),
    ];
    let leads = leads_to(
        &browser.submit("/coprs/alice/foo/add_build/", "/coprs/alice/foo/new_build/", &fields).await,
    );
    let build = built(&alice, &leads).await;
    assert_eq!(leads, format!("/coprs/alice/foo/build/{}/", build["id"]));
    assert_eq!(build["chroots"], json!([CHROOTS[0], CHROOTS[3]]));
    assert_eq!(
        (&build["project_dirname"], &build["is_background"]),
        (&json!("foo:custom:next"), &json!(true))
    );
    let config = alice.get(&format!("/api_3/build/source-build-config/{}", build["id"])).await.ok();
    assert_eq!(config["timeout"], 600);
    let config =
        alice.get(&format!("/api_3/build-chroot/build-config/{}/{}", build["id"], CHROOTS[0])).await.ok();
    assert_eq!((&config["enable_net"], &config["bootstrap"]), (&json!(true), &json!("on")));
    let said = browser.get(&leads).await.text;
    assert!(said.contains(&format!("Build {} was submitted.", build["id"])), "{said}");
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_addresses_are_several_builds_for_all_chroots() {
    let frontend = Frontend::start().await;
    let alice = alice_with_foo(&frontend).await;
    let browser = frontend.browser("alice").await;
    let form = "/coprs/alice/foo/add_build/";
    let two =
        [("pkgs", "https://example.com/a.src.rpm\r\nhttps://example.com/b.spec\r\n"), ("enable_net", "")];
    assert_eq!(
        leads_to(&browser.submit(form, "/coprs/alice/foo/new_build/", &two).await),
        "/coprs/alice/foo/builds/"
    );
    let list = alice.get("/api_3/build/list?ownername=alice&projectname=foo").await.ok();
    let first = list["items"][1]["id"].to_string();
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
    let shown = browser.get(&format!("{form}?after_build_id={first}")).await.text;
    assert!(shown.contains(&format!("value=\"{first}\"")), "{shown}");
    let after = [("pkgs", "https://example.com/c.src.rpm"), ("after_build_id", first.as_str())];
    leads_to(&browser.submit(form, "/coprs/alice/foo/new_build/", &after).await);
    frontend.close().await;
}

type Sent = (&'static str, Vec<(&'static str, &'static str)>, Value);

/// What a browser sends for each kind, and what becomes of it.
fn methods() -> [Sent; 5] {
    [
        (
            "scm",
            vec![
                ("clone_url", "https://example.com/tool.git"),
                ("committish", "main"),
                ("scm_type", "git"),
                ("subdirectory", ""),
                ("spec", "tool.spec"),
                ("source_build_method", "tito"),
            ],
            json!({ "clone_url": "https://example.com/tool.git", "committish": "main", "spec": "tool.spec", "source_build_method": "tito" }),
        ),
        (
            "distgit",
            vec![("package_name", "zlib"), ("distgit", "fedora"), ("namespace", ""), ("committish", "f43")],
            json!({ "clone_url": "https://src.fedoraproject.org/rpms/zlib", "distgit": "fedora", "committish": "f43" }),
        ),
        (
            "pypi",
            vec![
                ("pypi_package_name", "six"),
                ("pypi_package_version", ""),
                ("spec_generator", "pyp2rpm"),
                ("spec_template", "fedora"),
                ("python_versions", "3 2"),
            ],
            json!({ "pypi_package_name": "six", "pypi_package_version": null, "spec_generator": "pyp2rpm",
                "spec_template": "fedora", "python_versions": ["3", "2"] }),
        ),
        ("rubygems", vec![("gem_name", "rake")], json!({ "gem_name": "rake" })),
        (
            "custom",
            vec![
                ("script", "#!/bin/sh\r\necho hi"),
                ("chroot", CHROOTS[0]),
                ("builddeps", "git make"),
                ("resultdir", "out"),
                ("repos", ""),
            ],
            json!({ "script": "#!/bin/sh\necho hi\n", "chroot": CHROOTS[0], "builddeps": "git make", "resultdir": "out" }),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_source_is_built_as_it_was_described() {
    let frontend = Frontend::start().await;
    let alice = alice_with_foo(&frontend).await;
    let browser = frontend.browser("alice").await;
    for (kind, fields, expected) in methods() {
        let (form, action) =
            (format!("/coprs/alice/foo/add_build_{kind}/"), format!("/coprs/alice/foo/new_build_{kind}/"));
        let page = browser.get(&form).await.text;
        for (name, _) in &fields {
            assert!(page.contains(&format!("name=\"{name}\"")), "{kind} has a field {name}");
        }
        let leads = leads_to(&browser.submit(&form, &action, &fields).await);
        let id = built(&alice, &leads).await["id"].clone();
        let config = alice.get(&format!("/api_3/build/source-build-config/{id}")).await.ok();
        assert_eq!(config["source_type"], kind);
        for (key, value) in expected.as_object().unwrap() {
            assert_eq!(&config["source_dict"][key], value, "{kind} {key}");
        }
    }
    frontend.close().await;
}

async fn upload(
    browser: &Browser<'_>,
    action: &str,
    file: Option<&str>,
    more: &[(&'static str, &str)],
) -> Answer {
    let token = form_token(&browser.get("/coprs/alice/foo/add_build_upload/").await.text);
    let mut form = Form::new().text("csrf_token", token);
    for (name, value) in more {
        form = form.text(*name, (*value).to_owned());
    }
    // Browsers send an empty part when no file was chosen.
    let part = Part::bytes(b"a file".to_vec()).file_name(file.unwrap_or_default().to_owned());
    form = form.part("pkgs", part);
    browser.send(browser.request(Method::POST, action).multipart(form)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_uploaded_file_is_kept_only_with_its_build() {
    let frontend = Frontend::start().await;
    let alice = alice_with_foo(&frontend).await;
    let browser = frontend.browser("alice").await;
    let action = "/coprs/alice/foo/new_build_upload/";
    let leads = leads_to(&upload(&browser, action, Some("hello.src.rpm"), &[("chroots", CHROOTS[1])]).await);
    let build = built(&alice, &leads).await;
    assert_eq!((&build["state"], &build["chroots"]), (&json!("importing"), &json!([CHROOTS[1]])));
    assert_eq!(frontend.uploads(), 1);
    let refused = upload(&browser, action, Some("hello.tar.gz"), &[("timeout", "77")]).await;
    stands_at(&refused, "pkgs", "You can upload only");
    assert!(refused.text.contains("value=\"77\""), "{}", refused.text);
    stands_at(&upload(&browser, action, None, &[]).await, "pkgs", "No file was chosen.");
    assert_eq!(frontend.uploads(), 1);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_stands_at_its_field_and_what_was_typed_stays() {
    let frontend = Frontend::start().await;
    let alice = alice_with_foo(&frontend).await;
    let browser = frontend.browser("alice").await;
    let fields = [
        ("pkgs", "ftp://\"><script>alert(1)</script>"),
        ("chroots", CHROOTS[2]),
        ("timeout", "999999"),
        ("after_build_id", "4711"),
        ("bootstrap", "sometimes"),
    ];
    let back = browser.submit("/coprs/alice/foo/add_build/", "/coprs/alice/foo/new_build/", &fields).await;
    stands_at(&back, "pkgs", "valid URL");
    stands_at(&back, "timeout", "between 0 and 108000");
    stands_at(&back, "after_build_id", "Build 4711 not found");
    stands_at(&back, "bootstrap", "Not a valid choice.");
    assert!(!back.text.contains("<script>alert") && back.text.contains("&lt;script&gt;"), "{}", back.text);
    assert!(back.text.contains(&format!("value=\"{}\" checked", CHROOTS[2])), "{}", back.text);
    let wrong = [("clone_url", "here"), ("spec", "../x.spec"), ("scm_type", "svn"), ("timeout", "much")];
    let back = browser
        .submit("/coprs/alice/foo/add_build_scm/", "/coprs/alice/foo/new_build_scm/", &wrong[..3])
        .await;
    stands_at(&back, "clone_url", "URL");
    stands_at(&back, "spec", "..");
    assert!(back.text.contains("<option value=\"svn\" selected>"), "{}", back.text);
    let back =
        browser.submit("/coprs/alice/foo/add_build_scm/", "/coprs/alice/foo/new_build_scm/", &wrong).await;
    stands_at(&back, "timeout", "integer");
    let dir = [("pkgs", "https://example.com/a.src.rpm"), ("project_dirname", "other:custom:x")];
    let back = browser.submit("/coprs/alice/foo/add_build/", "/coprs/alice/foo/new_build/", &dir).await;
    assert_eq!(back.status, 400);
    assert!(
        back.text.contains("role=\"alert\"") && back.text.contains("value=\"other:custom:x\""),
        "{}",
        back.text
    );
    let list = alice.get("/api_3/build/list?ownername=alice&projectname=foo").await.ok();
    assert_eq!(list["items"], json!([]));
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_builders_see_and_post_the_form() {
    let frontend = Frontend::start().await;
    let alice = alice_with_foo(&frontend).await;
    group_with_bar(&frontend, &alice).await;
    frontend.member("mallory").await;
    let (visitor, mallory) = (frontend.visitor(), frontend.browser("mallory").await);
    let form = "/coprs/alice/foo/add_build_scm/";
    let away = visitor.get(form).await;
    assert_eq!(away.status, 302);
    assert_eq!(away.header("location"), "/login/?next=%2Fcoprs%2Falice%2Ffoo%2Fadd_build_scm");
    let refused = mallory.get(form).await;
    assert_eq!(refused.status, 403);
    assert!(refused.text.contains("You are no builder of alice/foo."), "{}", refused.text);
    let link = [("pkgs", "https://example.com/a.src.rpm")];
    // A token of his own does not help: the form is of a project that is not his.
    frontend.member("bob").await.with_project("own").await;
    let bob = frontend.browser("bob").await;
    let posted = bob.submit("/coprs/bob/own/add_build/", "/coprs/alice/foo/new_build/", &link).await;
    assert_eq!(posted.status, 403, "{}", posted.text);
    let browser = frontend.browser("alice").await;
    assert_eq!(browser.forge("/coprs/alice/foo/new_build/", &link).await.status, 403);
    assert_eq!(visitor.forge("/coprs/alice/foo/new_build/", &link).await.status, 403);
    let group = "/coprs/g/crew/bar/";
    let leads = browser.submit(&format!("{group}add_build/"), &format!("{group}new_build/"), &link).await;
    assert_eq!(built(&alice, &leads_to(&leads)).await["ownername"], "@crew");
    assert_eq!(browser.get("/coprs/alice/nope/add_build/").await.status, 404);
    frontend.close().await;
}
