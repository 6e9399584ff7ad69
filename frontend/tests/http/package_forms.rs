//! The forms of packages, as browsers post them; what came of it is asked from the API.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{
    build_forms::{alice_with_foo, group_with_bar, leads_to, stands_at},
    support::{CHROOTS, Frontend, Member},
};

const FOO: &str = "/coprs/alice/foo/";

async fn package(alice: &Member<'_>, name: &str) -> Value {
    let query = [("ownername", "alice"), ("projectname", "foo"), ("packagename", name)];
    let query = url_query(&query);
    alice.get(&format!("/api_3/package/?{query}")).await.ok()
}

fn url_query(pairs: &[(&str, &str)]) -> String {
    pairs
        .iter()
        .map(|(name, value)| format!("{name}={}", value.replace('+', "%2B")))
        .collect::<Vec<_>>()
        .join("&")
}

async fn builds(alice: &Member<'_>) -> Vec<Value> {
    let list = alice.get("/api_3/build/list?ownername=alice&projectname=foo").await.ok();
    list["items"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_is_added_edited_and_takes_another_source() {
    let frontend = Frontend::start().await;
    let alice = alice_with_foo(&frontend).await;
    let browser = frontend.browser("alice").await;
    let shown = browser.get(&format!("{FOO}package/add/")).await.text;
    assert!(shown.contains(&format!("action=\"{FOO}package/new/scm/\"")), "{shown}");
    let scm = [
        ("package_name", "lib+x"),
        ("clone_url", "https://example.com/libx.git"),
        ("committish", "main"),
        ("scm_type", "git"),
        ("source_build_method", "rpkg"),
        ("webhook_rebuild", "true"),
        ("max_builds", "7"),
        ("timeout", ""),
        ("chroot_denylist", "epel-*"),
    ];
    let added = browser.submit(&format!("{FOO}package/add/"), &format!("{FOO}package/new/scm/"), &scm).await;
    assert_eq!(leads_to(&added), format!("{FOO}package/lib+x/"));
    let known = package(&alice, "lib+x").await;
    assert_eq!((&known["source_type"], &known["auto_rebuild"]), (&json!("scm"), &json!(true)));
    assert_eq!(known["source_dict"]["committish"], "main");
    let edit = format!("{FOO}package/lib+x/edit/");
    let shown = browser.get(&edit).await.text;
    for value in ["https://example.com/libx.git", "main", "7", "epel-*"] {
        assert!(shown.contains(&format!("value=\"{value}\"")), "{value} is filled in\n{shown}");
    }
    assert!(shown.contains("name=\"webhook_rebuild\" value=\"true\" checked"), "{shown}");
    // A box that is not checked is not sent, and what is blank is to be gone.
    let cleared = [
        ("clone_url", "https://example.com/new.git"),
        ("committish", ""),
        ("max_builds", ""),
        ("chroot_denylist", ""),
    ];
    assert_eq!(leads_to(&browser.submit(&edit, &edit, &cleared).await), format!("{FOO}package/lib+x/"));
    let known = package(&alice, "lib+x").await;
    assert_eq!((&known["auto_rebuild"], &known["source_dict"]["committish"]), (&json!(false), &json!("")));
    let shown = browser.get(&edit).await.text;
    assert!(shown.contains("https://example.com/new.git") && !shown.contains("epel-*\""), "{shown}");
    assert!(shown.contains("name=\"max_builds\"") && !shown.contains("value=\"7\""), "{shown}");
    let gem = format!("{edit}rubygems/");
    leads_to(&browser.submit(&gem, &gem, &[("gem_name", "rake"), ("max_builds", "3")]).await);
    let known = package(&alice, "lib+x").await;
    assert_eq!(
        (&known["source_type"], &known["source_dict"]),
        (&json!("rubygems"), &json!({ "gem_name": "rake" }))
    );
    frontend.close().await;
}

/// As a browser reads it.
fn unescaped(html: &str) -> String {
    let entities =
        [("&lt;", "<"), ("&gt;", ">"), ("&#39;", "'"), ("&#x27;", "'"), ("&#x2F;", "/"), ("&amp;", "&")];
    entities.iter().fold(html.to_owned(), |text, (entity, plain)| text.replace(entity, plain))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_comes_back_into_its_form_as_it_was_sent() {
    let frontend = Frontend::start().await;
    let alice = alice_with_foo(&frontend).await;
    let browser = frontend.browser("alice").await;
    let kinds: [(&str, &[(&str, &str)]); 4] = [
        (
            "distgit",
            &[
                ("package_name", "zlib"),
                ("distgit", "centos"),
                ("namespace", "forks/alice/rpms"),
                ("committish", "c9s"),
            ],
        ),
        (
            "pypi",
            &[
                ("package_name", "python-six"),
                ("pypi_package_name", "six"),
                ("pypi_package_version", "1.16"),
                ("python_versions", "3 2"),
            ],
        ),
        ("rubygems", &[("package_name", "rubygem-rake"), ("gem_name", "rake")]),
        (
            "custom",
            &[
                ("package_name", "scripted"),
                ("script", "#!/bin/sh\necho '<b>'"),
                ("chroot", CHROOTS[0]),
                ("builddeps", "git"),
                ("resultdir", "out"),
            ],
        ),
    ];
    for (kind, fields) in kinds {
        let (form, action) = (format!("{FOO}package/add/{kind}/"), format!("{FOO}package/new/{kind}/"));
        let leads = leads_to(&browser.submit(&form, &action, fields).await);
        let name = fields[0].1;
        assert_eq!(package(&alice, name).await["source_type"], kind);
        let shown = unescaped(&browser.get(&format!("{leads}edit/")).await.text);
        assert!(shown.contains(&format!("action=\"{leads}edit/{kind}/\"")), "{kind}\n{shown}");
        for (field, value) in &fields[usize::from(kind != "distgit")..] {
            let found = [format!("value=\"{value}\""), format!(">{value}")];
            assert!(found.iter().any(|text| shown.contains(text)), "{kind}: {field} is {value}\n{shown}");
        }
    }
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_package_stands_at_its_field() {
    let frontend = Frontend::start().await;
    let alice = alice_with_foo(&frontend).await;
    let browser = frontend.browser("alice").await;
    let (form, action) = (format!("{FOO}package/add/"), format!("{FOO}package/new/scm/"));
    let wrong = [
        ("package_name", "<img src=x onerror=alert(1)>"),
        ("clone_url", "nowhere"),
        ("max_builds", "-1"),
        ("chroot_denylist", "plan9-*"),
    ];
    let back = browser.submit(&form, &action, &wrong).await;
    stands_at(&back, "package_name", "package name");
    stands_at(&back, "clone_url", "URL");
    stands_at(&back, "max_builds", "between 0 and 100");
    stands_at(&back, "chroot_denylist", "no chroot matched");
    assert!(!back.text.contains("<img src=x") && back.text.contains("value=\"plan9-*\""), "{}", back.text);
    let good = [("package_name", "a"), ("clone_url", "https://example.com/a.git")];
    leads_to(&browser.submit(&form, &action, &good).await);
    let twice = browser.submit(&form, &action, &good).await;
    assert_eq!(twice.status, StatusCode::BAD_REQUEST);
    assert!(twice.text.contains("Package a already exists in copr alice/foo."), "{}", twice.text);
    let edit = format!("{FOO}package/a/edit/scm/");
    let back = browser.submit(&edit, &edit, &[("clone_url", ""), ("timeout", "soon")]).await;
    stands_at(&back, "timeout", "integer");
    assert!(back.text.contains("value=\"soon\""), "{}", back.text);
    stands_at(&browser.submit(&edit, &edit, &[("clone_url", "")]).await, "clone_url", "URL");
    assert_eq!(package(&alice, "a").await["source_dict"]["clone_url"], "https://example.com/a.git");
    frontend.close().await;
}

async fn with_packages(alice: &Member<'_>, names: &[&str]) {
    for name in names {
        let body = json!({ "clone_url": format!("https://example.com/{name}.git"), "chroot_denylist": "epel-*", "timeout": 900 });
        alice.post(&format!("/api_3/package/add/alice/foo/{name}/scm"), &body).await.ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_is_rebuilt_without_what_its_denylist_names() {
    let frontend = Frontend::start().await;
    let alice = alice_with_foo(&frontend).await;
    with_packages(&alice, &["tool"]).await;
    let browser = frontend.browser("alice").await;
    let form = format!("{FOO}package/tool/rebuild/");
    let shown = browser.get(&form).await.text;
    assert!(shown.contains("value=\"900\"") && shown.contains("<code>epel-*</code>"), "{shown}");
    leads_to(&browser.submit(&form, &form, &[("timeout", "900"), ("enable_net", "")]).await);
    leads_to(&browser.submit(&form, &form, &[("chroots", CHROOTS[3])]).await);
    let made = builds(&alice).await;
    assert_eq!(
        (made[1]["chroots"].as_array().unwrap().len(), &made[0]["chroots"]),
        (3, &json!([CHROOTS[3]]))
    );
    stands_at(&browser.submit(&form, &form, &[("timeout", "-5")]).await, "timeout", "between");
    let body = json!({ "ownername": "alice", "projectname": "foo", "package_name": "tool" });
    alice.post("/api_3/package/reset", &body).await.ok();
    let refused = browser.submit(&form, &form, &[]).await;
    assert_eq!(refused.status, 400);
    assert!(
        refused.text.contains("default source method set") && refused.text.contains("None is set"),
        "{}",
        refused.text
    );
    assert_eq!(browser.get(&format!("{FOO}package/nope/rebuild/")).await.status, 404);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn those_that_are_checked_are_rebuilt_together() {
    let frontend = Frontend::start().await;
    let alice = alice_with_foo(&frontend).await;
    let browser = frontend.browser("alice").await;
    let form = format!("{FOO}packages/rebuild-all/");
    assert!(browser.get(&form).await.text.contains("No package yet"));
    with_packages(&alice, &["aa", "bb", "cc"]).await;
    let body = json!({ "ownername": "alice", "projectname": "foo", "package_name": "bb" });
    alice.post("/api_3/package/reset", &body).await.ok();
    let shown = browser.get(&form).await.text;
    assert!(shown.contains("2 of 3 have a source"), "{shown}");
    assert!(shown.contains("value=\"aa\" aria-label=\"Rebuild aa\" checked"), "{shown}");
    assert!(shown.contains("value=\"bb\" aria-label=\"Rebuild bb\" disabled"), "{shown}");
    let two = [("packages", "aa"), ("packages", "cc"), ("chroots", CHROOTS[0]), ("background", "true")];
    assert_eq!(leads_to(&browser.submit(&form, &form, &two).await), format!("{FOO}builds/"));
    let made = builds(&alice).await;
    assert_eq!(made.len(), 2);
    assert!(
        made.iter().all(|build| build["is_background"] == true && build["chroots"] == json!([CHROOTS[0]]))
    );
    stands_at(&browser.submit(&form, &form, &[("timeout", "1")]).await, "packages", "Choose at least one");
    // One that cannot be built keeps all from being built.
    let mixed = browser.submit(&form, &form, &[("packages", "cc"), ("packages", "bb")]).await;
    assert_eq!(mixed.status, 400);
    assert!(mixed.text.contains("value=\"cc\" aria-label=\"Rebuild cc\" checked"), "{}", mixed.text);
    assert!(mixed.text.contains("value=\"aa\" aria-label=\"Rebuild aa\">"), "{}", mixed.text);
    assert_eq!(builds(&alice).await.len(), 2);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_goes_after_a_look_at_what_goes_with_it() {
    let frontend = Frontend::start().await;
    let alice = alice_with_foo(&frontend).await;
    with_packages(&alice, &["tool"]).await;
    let body = json!({ "ownername": "alice", "projectname": "foo", "package_name": "tool" });
    let build = alice.post("/api_3/package/build", &body).await.ok()["id"].to_string();
    let browser = frontend.browser("alice").await;
    let id = package(&alice, "tool").await["id"].to_string();
    let (edit, delete) = (format!("{FOO}package/tool/edit/"), format!("{FOO}package/{id}/delete"));
    let asked = browser.submit(&edit, &delete, &[]).await;
    assert_eq!(asked.status, 200);
    assert!(
        asked.text.contains("its settings and 1 build go")
            && asked.text.contains("1 of its builds still run"),
        "{}",
        asked.text
    );
    let running = browser.submit(&edit, &delete, &[("confirm", "yes")]).await;
    assert_eq!(running.status, 400);
    alice.send(reqwest::Method::PUT, &format!("/api_3/build/cancel/{build}"), &json!({})).await.ok();
    assert!(browser.submit(&edit, &delete, &[]).await.text.contains("name=\"confirm\" value=\"yes\""));
    assert_eq!(browser.forge(&delete, &[("confirm", "yes")]).await.status, 403);
    let gone = browser.submit(&edit, &delete, &[("confirm", "yes")]).await;
    assert_eq!(leads_to(&gone), format!("{FOO}packages/"));
    assert_eq!(
        alice.get("/api_3/package/?ownername=alice&projectname=foo&packagename=tool").await.status,
        404
    );
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn packages_are_for_builders_of_their_own_project() {
    let frontend = Frontend::start().await;
    let alice = alice_with_foo(&frontend).await;
    with_packages(&alice, &["tool"]).await;
    group_with_bar(&frontend, &alice).await;
    frontend.member("mallory").await.with_project("own").await;
    let (visitor, mallory) = (frontend.visitor(), frontend.browser("mallory").await);
    let id = package(&alice, "tool").await["id"].to_string();
    for page in [
        "package/add",
        "package/add/pypi",
        "package/tool/edit",
        "package/tool/edit/pypi",
        "package/tool/rebuild",
        "packages/rebuild-all",
    ] {
        let away = visitor.get(&format!("{FOO}{page}/")).await;
        assert_eq!(
            (away.status.as_u16(), away.header("location").starts_with("/login/?next=%2Fcoprs%2Falice")),
            (302, true),
            "{page}"
        );
        assert_eq!(mallory.get(&format!("{FOO}{page}/")).await.status, 403, "{page}");
    }
    let token = "/coprs/mallory/own/package/add/";
    let fields = [
        ("package_name", "x"),
        ("clone_url", "https://example.com/x.git"),
        ("packages", "tool"),
        ("confirm", "yes"),
    ];
    for action in [
        "package/new/scm",
        "package/tool/edit/scm",
        "package/tool/rebuild",
        "packages/rebuild-all",
        &format!("package/{id}/delete"),
    ] {
        assert_eq!(mallory.submit(token, &format!("{FOO}{action}/"), &fields).await.status, 403, "{action}");
        assert_eq!(mallory.forge(&format!("{FOO}{action}/"), &fields).await.status, 403, "{action}");
    }
    assert_eq!(package(&alice, "tool").await["source_dict"]["clone_url"], "https://example.com/tool.git");
    // A package of another project is not there, whatever its number.
    assert_eq!(
        mallory.submit(token, &format!("/coprs/mallory/own/package/{id}/delete"), &fields).await.status,
        404
    );
    let browser = frontend.browser("alice").await;
    let group = "/coprs/g/crew/bar/package/";
    let added = browser.submit(&format!("{group}add/"), &format!("{group}new/scm/"), &fields).await;
    assert_eq!(leads_to(&added), format!("{group}x/"));
    let known = alice.get("/api_3/package/?ownername=@crew&projectname=bar&packagename=x").await.ok();
    assert_eq!(known["source_type"], "scm");
    frontend.close().await;
}
