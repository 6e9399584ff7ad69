//! Packages and builds whose sources a builder makes, in the words of real clients (contract sections 10.7 and 12).

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{CHROOTS, Frontend, Member};

fn add(name: &str, kind: &str) -> String {
    format!("/api_3/package/add/alice/foo/{name}/{kind}?ownername=alice&projectname=foo&package_name={name}")
}

fn edit(name: &str, kind: &str) -> String {
    format!("/api_3/package/edit/alice/foo/{name}/{kind}")
}

/// What copr-cli sends with every package.
fn with_settings(mut body: Value) -> Value {
    for key in ["max_builds", "timeout", "chroot_denylist", "webhook_rebuild"] {
        if body.get(key).is_none() {
            body[key] = Value::Null;
        }
    }
    body
}

fn of_foo(name: &str) -> Value {
    json!({ "ownername": "alice", "projectname": "foo", "package_name": name })
}

/// The sources of the recorded exchanges, and how they are told back.
fn sources() -> [(&'static str, Value, Value); 5] {
    [
        (
            "pypi",
            json!({ "pypi_package_name": "six", "pypi_package_version": null, "spec_generator": "pyp2spec",
                "spec_template": null, "python_versions": [3] }),
            json!({ "pypi_package_name": "six", "pypi_package_version": null, "spec_generator": "pyp2spec",
                "spec_template": "", "python_versions": ["3"] }),
        ),
        (
            "scm",
            json!({ "clone_url": "https://example.com/tool.git", "committish": "main", "subdirectory": "rpm",
                "spec": "tool.spec", "scm_type": "git", "source_build_method": "tito" }),
            json!({ "type": "git", "clone_url": "https://example.com/tool.git", "subdirectory": "rpm",
                "committish": "main", "spec": "tool.spec", "source_build_method": "tito" }),
        ),
        (
            "distgit",
            json!({ "package_name": "zlib", "distgit": null, "namespace": null, "committish": null }),
            json!({ "clone_url": "https://src.fedoraproject.org/rpms/zlib", "distgit": "fedora" }),
        ),
        ("rubygems", json!({ "gem_name": "rake" }), json!({ "gem_name": "rake" })),
        (
            "custom",
            json!({ "script": "#!/bin/sh\necho hi", "script_chroot": CHROOTS[0],
                "script_builddeps": ["git", "make"], "script_resultdir": "out", "script_repos": null }),
            json!({ "script": "#!/bin/sh\necho hi\n", "chroot": CHROOTS[0], "builddeps": "git make",
                "resultdir": "out", "repos": "" }),
        ),
    ]
}

async fn foo(frontend: &Frontend) -> Member<'_> {
    let alice = frontend.member("alice").await;
    let body = json!({ "name": "foo", "chroots": CHROOTS });
    alice.post("/api_3/project/add/alice", &body).await.ok();
    alice
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_is_kept_listed_edited_reset_and_deleted() {
    let frontend = Frontend::start().await;
    let alice = foo(&frontend).await;
    for (kind, body, dict) in sources() {
        let name = format!("pkg-{kind}");
        let added = alice.post(&add(&name, kind), &with_settings(body)).await.ok();
        let expected = json!({
            "id": added["id"], "name": name, "ownername": "alice", "projectname": "foo", "source_type": kind,
            "source_dict": dict, "auto_rebuild": false, "builds": { "latest": null, "latest_succeeded": null }
        });
        assert_eq!(added, expected);
        let read = format!(
            "/api_3/package?ownername=alice&projectname=foo&packagename={name}&with_latest_build=False"
        );
        assert_eq!(frontend.get(&read).await.ok(), expected);
    }
    let list = frontend.get("/api_3/package/list?ownername=alice&projectname=foo&limit=1000").await.ok();
    let names: Vec<&str> =
        list["items"].as_array().unwrap().iter().map(|p| p["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["pkg-pypi", "pkg-scm", "pkg-distgit", "pkg-rubygems", "pkg-custom"]);

    let newer = with_settings(json!({ "pypi_package_name": "six", "pypi_package_version": "1.17.0",
        "spec_generator": "pyp2spec", "spec_template": null, "python_versions": null, "webhook_rebuild": true }));
    let edited = alice.post(&edit("pkg-pypi", "pypi"), &newer).await.ok();
    let dict = json!({ "pypi_package_name": "six", "pypi_package_version": "1.17.0", "spec_generator": "pyp2spec",
        "spec_template": "", "python_versions": ["3"] });
    assert_eq!((&edited["source_dict"], &edited["auto_rebuild"]), (&dict, &json!(true)));
    let kept = alice.post("/api_3/package/edit/alice/foo/pkg-pypi/", &with_settings(json!({}))).await.ok();
    assert_eq!((&kept["source_dict"], &kept["auto_rebuild"]), (&dict, &json!(true)), "nothing was given");
    let other = alice.post(&edit("pkg-pypi", "rubygems"), &json!({ "gem_name": "six" })).await.ok();
    assert_eq!(
        (&other["source_type"], &other["source_dict"]),
        (&json!("rubygems"), &json!({ "gem_name": "six" }))
    );

    let reset = alice.send(Method::PUT, "/api_3/package/reset", &of_foo("pkg-custom")).await.ok();
    assert_eq!((&reset["source_type"], &reset["source_dict"]), (&json!("unset"), &json!({})));
    let unset = alice.post("/api_3/package/build", &of_foo("pkg-custom")).await.error();
    let text = "Package 'Unset default source for package pkg-custom' doesn't have the default source method set, \
                but it is required for the rebuild request.  Please configure some source  method first";
    assert_eq!(unset, (400, text.into()));
    alice.send(Method::DELETE, "/api_3/package/delete", &of_foo("pkg-custom")).await.ok();
    let gone = alice.send(Method::DELETE, "/api_3/package/delete", &of_foo("pkg-custom")).await.error();
    assert_eq!(gone, (404, "No package with name pkg-custom in copr foo".into()));
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn builds_of_every_type_are_pending_and_name_their_source() {
    let frontend = Frontend::start().await;
    let alice = foo(&frontend).await;
    for (kind, mut body, mut dict) in sources() {
        for (key, value) in [
            ("chroot", "script_chroot"),
            ("builddeps", "script_builddeps"),
            ("resultdir", "script_resultdir"),
        ] {
            if let Some(value) = body.get(value).cloned() {
                body[key] = value;
            }
        }
        for (key, value) in
            [("ownername", json!("alice")), ("projectname", json!("foo")), ("timeout", json!("50"))]
        {
            body[key] = value;
        }
        let build = alice.post(&format!("/api_3/build/create/{kind}"), &body).await.ok();
        assert_eq!((build["state"].as_str(), &build["chroots"]), (Some("pending"), &json!([])));
        assert_eq!(build["source_package"], json!({ "name": null, "url": null, "version": null }));
        let config = frontend.get(&format!("/api_3/build/source-build-config/{}", build["id"])).await.ok();
        if kind == "scm" {
            dict["srpm_build_method"] = "tito".into();
        }
        assert_eq!((config["source_type"].as_str(), &config["source_dict"]), (Some(kind), &dict));
        assert_eq!(config["timeout"], 50);
    }
    alice
        .post(
            &add("six", "pypi"),
            &with_settings(json!({ "pypi_package_name": "six", "chroot_denylist": "epel-*, *-i386" })),
        )
        .await
        .ok();
    let build = alice.post("/api_3/package/build", &of_foo("six")).await.ok();
    assert_eq!(build["chroots"], json!([CHROOTS[0], CHROOTS[2]]), "all that are enabled but the denied ones");
    assert_eq!(build["source_package"]["name"], "six");
    let read = "/api_3/package?ownername=alice&projectname=foo&packagename=six&with_latest_build=True&with_latest_succeeded_build=True";
    let package = frontend.get(read).await.ok();
    assert_eq!(
        (&package["builds"]["latest"]["id"], &package["builds"]["latest_succeeded"]),
        (&build["id"], &Value::Null)
    );
    let running = alice.send(Method::DELETE, "/api_3/package/delete", &of_foo("six")).await.error();
    assert_eq!(running, (400, format!("Build(s) {} are still running.\n", build["id"])));
    alice.send(Method::PUT, &format!("/api_3/build/cancel/{}", build["id"]), &json!({})).await.ok();
    alice.send(Method::DELETE, "/api_3/package/delete", &of_foo("six")).await.ok();
    assert_eq!(frontend.get(&format!("/api_3/build/{}", build["id"])).await.error().0, 404);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_answered_in_the_words_of_the_contract() {
    let frontend = Frontend::start().await;
    let (alice, gem) = (foo(&frontend).await, json!({ "gem_name": "rake" }));
    alice.post(&add("rake", "rubygems"), &gem).await.ok();
    for (path, body, status, text) in [
        (add("rake", "rubygems"), gem.clone(), 409, "Package rake already exists in copr alice/foo."),
        (
            add("bad%20name!", "rubygems"),
            gem.clone(),
            400,
            "package_name: Please enter a valid package name in ^[-+_.a-zA-Z0-9]+$",
        ),
        (add("x", "nosuchtype"), json!({}), 400, "Unsupported package source type nosuchtype"),
        (add("x", "rubygems"), json!({}), 400, "gem_name: This field is required."),
        (
            add("x", "scm"),
            json!({ "clone_url": "nonsense", "spec": "x.txt" }),
            400,
            "clone_url: Invalid URL.\nspec: RPM spec file must end with .spec",
        ),
        (
            add("x", "scm"),
            json!({ "clone_url": "https://e.com/x", "subdirectory": "../x" }),
            400,
            "subdirectory: It must lie in the repository: leave out '..'.",
        ),
        (
            add("x", "distgit"),
            json!({ "package_name": "x", "distgit": "nosuch" }),
            400,
            "distgit: Not a valid choice. There are: fedora, centos, centos-stream.",
        ),
        (
            add("x", "custom"),
            json!({ "script": "x".repeat(5_000), "script_chroot": "zzz-1-x86_64" }),
            400,
            "script: The script may have 4096 bytes at most.\nchroot: 'zzz-1-x86_64' is not a valid choice for this field.",
        ),
        (
            add("x", "rubygems"),
            json!({ "gem_name": "x", "max_builds": "101" }),
            400,
            "max_builds: Number must be between 0 and 100.",
        ),
        (
            add("x", "rubygems"),
            json!({ "gem_name": "x", "chroot_denylist": "zzz-*" }),
            400,
            "chroot_denylist: no chroot matched by pattern \"zzz-*\"",
        ),
        (edit("nope", "rubygems"), gem.clone(), 404, "Package nope does not exists in copr alice/foo."),
        (
            "/api_3/build/create/rubygems".into(),
            json!({ "ownername": "alice", "projectname": "foo" }),
            400,
            "Bad request parameters: {'gem_name': ['This field is required.']}",
        ),
    ] {
        assert_eq!(alice.post(&path, &body).await.error(), (status, text.to_owned()), "{path}");
    }
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_read_packages_and_change_none() {
    let frontend = Frontend::start().await;
    let (alice, bob) = (foo(&frontend).await, frontend.member("bob").await);
    let gem = json!({ "gem_name": "rake" });
    alice.post(&add("rake", "rubygems"), &gem).await.ok();
    let refused = bob.post(&add("a", "rubygems"), &gem).await.error();
    assert_eq!(refused, (403, "You are not allowed to add or edit packages in this copr.".into()));
    let id = frontend.get("/api_3/package?ownername=alice&projectname=foo&packagename=rake").await.ok()["id"]
        .clone();
    let refused = bob.send(Method::DELETE, "/api_3/package/delete", &of_foo("rake")).await.error();
    assert_eq!(refused, (403, format!("You are not allowed to delete package `{id}`.")));
    let missing =
        frontend.get("/api_3/package?ownername=alice&projectname=foo&packagename=nosuch").await.error();
    assert_eq!(missing, (404, "No package with name nosuch in copr foo".into()));
    frontend.close().await;
}
