//! `.repo` files and the document for dnf5 (contract sections 15 and 16).

use base64::{Engine, prelude::BASE64_STANDARD};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    peers::Peers,
    support::{CHROOTS, Frontend, Member, RESULTS, until},
};

/// A project with all chroots, multilib, and one dependency of each kind.
async fn foo(frontend: &Frontend) -> Member<'_> {
    let alice = frontend.member("alice").await.with_project("dep").await;
    let body = json!({
        "name": "foo", "chroots": CHROOTS, "multilib": true, "module_hotfixes": true, "repo_priority": "7",
        "delete_after_days": "10",
        "runtime_dependencies": ["copr://alice/dep", "http://ext.example/$chroot/"]
    });
    alice.post("/api_3/project/add/alice", &body).await.ok();
    // A circle of dependencies must end.
    let back = json!({ "runtime_dependencies": "copr://alice/foo" });
    alice.send(Method::PUT, "/api_3/project/edit/alice/dep", &back).await.ok();
    alice
}

#[tokio::test(flavor = "multi_thread")]
async fn dnf4_gets_a_file_that_begins_with_the_section() {
    let frontend = Frontend::start().await;
    foo(&frontend).await;
    let path = "/coprs/alice/foo/repo/fedora-43/dnf.repo?arch=x86_64";
    let answer = frontend.get(path).await;
    assert_eq!(answer.header("content-disposition"), "filename=alice-foo.repo");
    assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    let sections: Vec<&str> = answer.text.lines().filter(|line| line.starts_with('[')).collect();
    let expected = [
        "[copr:copr.example:alice:foo]",
        "[copr:copr.example:alice:foo:ml]",
        "[coprdep:copr.example:alice:dep]",
        "[coprdep:http_ext_example_chroot]",
    ];
    assert_eq!(sections, expected);
    assert_eq!(answer.text.lines().next(), Some(expected[0]));
    for line in [
        format!("baseurl={RESULTS}/alice/foo/fedora-$releasever-$basearch/"),
        format!("baseurl={RESULTS}/alice/foo/fedora-$releasever-i386/"),
        format!("gpgkey={RESULTS}/alice/dep/pubkey.gpg"),
        "baseurl=http://ext.example/fedora-43-x86_64/".into(),
        "module_hotfixes=1".into(),
        "priority=7".into(),
        "cost=1100".into(),
    ] {
        assert!(answer.text.lines().any(|have| have == line), "{line} is missing in\n{}", answer.text);
    }
    for same in
        ["/coprs/alice/foo/repo/fedora-43/", "/coprs/alice/foo/repo/fedora-43/alice-foo-fedora-43.repo"]
    {
        let text = frontend.get(same).await.text;
        assert!(text.starts_with(expected[0]) && !text.contains(":ml]"), "{same}\n{text}");
    }
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_chroot_names_the_others_in_a_header() {
    let frontend = Frontend::start().await;
    foo(&frontend).await;
    for path in ["/coprs/alice/foo/repo/nosuch-1/dnf.repo", "/coprs/alice/foo/repo/epel-9/?arch=s390x"] {
        let answer = frontend.get(path).await;
        assert_eq!(answer.status, 404);
        let header = BASE64_STANDARD.decode(answer.header("copr-error-data")).unwrap();
        let data: Value = serde_json::from_slice(&header).unwrap();
        assert_eq!(data, json!({ "available chroots": CHROOTS }));
    }
    for path in ["/coprs/alice/nosuch/repo/fedora-43/x.repo", "/coprs/alice/foo:pr:1/repo/fedora-43/x.repo"] {
        let answer = frontend.get(path).await;
        assert_eq!((answer.status.as_u16(), answer.header("copr-error-data")), (404, ""), "{path}");
    }
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn directories_have_their_own_file_once_a_build_named_them() {
    let frontend = Frontend::start().await;
    let alice = foo(&frontend).await;
    let body = json!({
        "ownername": "alice", "projectname": "foo", "project_dirname": "foo:pr:12",
        "pkgs": ["https://example.com/a.src.rpm"]
    });
    alice.post("/api_3/build/create/url", &body).await.ok();
    let answer = frontend.get("/coprs/alice/foo:pr:12/repo/fedora-43/x.repo").await;
    assert_eq!(answer.header("content-disposition"), "filename=alice-foo:pr:12.repo");
    assert!(
        answer.text.starts_with(
            "[copr:copr.example:alice:foo:pr:12]\nname=Copr repo for foo:pr:12 owned by alice\n"
        )
    );
    assert!(answer.text.contains(&format!("gpgkey={RESULTS}/alice/foo:pr:12/pubkey.gpg\n")));
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dnf5_gets_the_whole_project_whatever_release_it_names() {
    let frontend = Frontend::start().await;
    foo(&frontend).await;
    let own = json!({ "module_hotfixes": "1", "priority": 7 });
    let multilib = json!({ "i386": { "opts": { "cost": "1100", "module_hotfixes": "1", "priority": 7 } } });
    let expected = json!({
        "results_url": RESULTS,
        "repos": {
            "fedora-43": { "arch": { "x86_64": { "opts": own, "multilib": multilib }, "i386": { "opts": own } } },
            "fedora-rawhide": { "arch": { "x86_64": { "opts": own } } },
            "epel-9": { "arch": { "x86_64": { "opts": own } } }
        },
        "directories": { "foo": {} },
        "dependencies": [
            { "opts": { "id": "coprdep:copr.example:alice:dep", "name": "Copr copr.example/alice/foo runtime dependency #1 - alice/dep" },
              "type": "copr", "data": { "owner": "alice", "projectname": "dep" } },
            { "opts": { "id": "coprdep:http_ext_example_chroot", "name": "Copr copr.example/alice/foo external runtime dependency #2 - http_ext_example_chroot" },
              "type": "external_baseurl", "data": { "pattern": "http://ext.example/$chroot/" } }
        ]
    });
    for path in ["/api_3/rpmrepo/alice/foo/fedora-43/", "/api_3/rpmrepo/alice/foo/nonsense"] {
        let mut document = frontend.get(path).await.ok();
        let days = document.as_object_mut().unwrap().remove("delete_after_days").unwrap();
        assert!([9, 10].contains(&days.as_i64().unwrap()), "{days}");
        assert_eq!(document, expected, "{path}");
    }
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checked_metadata_comes_by_a_snapshot_and_a_number_pins_one() {
    let frontend = Frontend::start().await;
    foo(&frontend).await;
    let path = "/coprs/alice/foo/repo/fedora-43/x.repo";
    let own = format!("{RESULTS}/alice/foo/fedora-$releasever-$basearch/");
    let checked = frontend.get(&format!("{path}?repo_gpgcheck=1")).await.text;
    assert!(checked.contains(&format!("#baseurl={own}\nmirrorlist={own}mirrorlist\n")), "{checked}");
    assert_eq!(checked.matches("repo_gpgcheck=1").count(), 2, "ours and the dependency of this server");
    assert_eq!(checked.matches("\nbaseurl=").count(), 1, "the foreign dependency");
    let pinned = frontend.get(&format!("{path}?snapshot=7&repo_gpgcheck=1")).await.text;
    assert!(pinned.contains(&format!("\nbaseurl={own}snapshots/7/\n")), "{pinned}");
    assert_eq!(frontend.get(&format!("{path}?snapshot=x")).await.status, 404);
    frontend.close().await;
}

const KEYS: &str = "/api_3/project/key?ownername=alice&projectname=foo";
const SNAPSHOTS: &str =
    "/api_3/project-chroot/snapshots?ownername=alice&projectname=foo&chrootname=fedora-43-x86_64";
const PAGE: &str = "/coprs/alice/foo/snapshots/fedora-43-x86_64/";

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_snapshots_are_shown_as_the_other_services_tell_them() {
    let peers = Peers::with_all();
    let frontend = Frontend::start_with(|config| peers.are_told_to(config)).await;
    foo(&frontend).await;
    let keys = frontend.get(KEYS).await.ok();
    assert_eq!(keys["items"][0]["algorithm"], "ed25519");
    assert_eq!(
        (&keys["items"][1]["role"], &keys["items"][1]["expires_on"]),
        (&"retired".into(), &Value::Null)
    );
    let waiting = frontend.get("/api_3/publish-queue?ownername=alice&projectname=foo").await;
    let expected = json!({ "length": 2, "items": [{
        "place": 2, "repository": "alice/foo:pr:7/fedora-43-x86_64", "requests": 3, "since": 9, "is_failing": true
    }] });
    assert_eq!(waiting.ok(), expected);
    assert!(!waiting.text.contains("/srv"), "paths of the host are for operators");
    let snapshots = frontend.get(SNAPSHOTS).await.ok();
    assert_eq!(snapshots["current"], 8);
    let newest = &snapshots["items"][1];
    assert_eq!((&newest["number"], &newest["restored_from"]), (&8.into(), &7.into()));
    assert_eq!(newest["url"], format!("{RESULTS}/alice/foo/fedora-43-x86_64/snapshots/8/"));
    let page = frontend.get(PAGE).await.text;
    for shown in ["8 (current), brings back 7", "?snapshot=7", &"B".repeat(40), "2030-03-17"] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    assert!(frontend.get("/coprs/alice/foo/").await.text.contains(PAGE));
    frontend.close().await;
    peers.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_first_publish_there_is_no_key_and_no_snapshot_and_a_silent_service_is_named() {
    let peers = Peers::start(Value::Null, Value::Null);
    let frontend = Frontend::start_with(|config| peers.are_told_to(config)).await;
    foo(&frontend).await;
    assert_eq!(frontend.get(KEYS).await.error(), (404, "The key of alice/foo is not made yet.".into()));
    assert_eq!(frontend.get(SNAPSHOTS).await.ok()["items"], json!([]));
    let page = frontend.get(PAGE).await.text;
    assert!(page.contains("Nothing was published yet") && page.contains("key is not made yet"), "{page}");
    let missing = frontend.get("/coprs/alice/foo/snapshots/nosuch-1-x86_64/").await;
    assert_eq!(missing.status, 404);
    peers.close().await;
    // A connection may outlive the server for a moment.
    let ask = async || Some(frontend.get(KEYS).await).filter(|answer| answer.status == 503);
    let silent = until("keygen is silent", ask).await;
    assert!(silent.json()["error"].as_str().unwrap().contains("keygen does not answer"), "{}", silent.text);
    assert_eq!(frontend.get(PAGE).await.status, 503);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kind_of_key_is_chosen_with_the_project() {
    let frontend = Frontend::start().await;
    let alice = frontend.member("alice").await;
    let with = |name: &str, kind: &str| json!({ "name": name, "chroots": ["fedora-43-x86_64"], "key_algorithm": kind });
    let made = alice.post("/api_3/project/add/alice", &with("small", "ed25519")).await.ok();
    assert!(made["warnings"][0].as_str().unwrap().contains("EL 8"), "{made}");
    let usual = alice.post("/api_3/project/add/alice", &with("usual", "rsa4096")).await.ok();
    assert_eq!(usual["warnings"], Value::Null, "Copr's answer, and nothing else");
    let (status, said) = alice.post("/api_3/project/add/alice", &with("old", "rsa1024")).await.error();
    assert!(status == 400 && said.contains("key_algorithm") && said.contains("ed25519"), "{said}");
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_earlier_publishes_are_ordered_by_the_owner_only() {
    let frontend = Frontend::start().await;
    let alice = foo(&frontend).await;
    let bob = frontend.member("bob").await;
    let of = json!({ "ownername": "alice", "projectname": "foo" });
    let with = |key: &str, value: Value| {
        let mut body = of.clone();
        body[key] = value;
        body
    };
    let mut back = with("chrootname", "fedora-43-x86_64".into());
    back["snapshot"] = 3.into();
    let calls = [
        ("/api_3/project-chroot/roll-back", back.clone(), "roll_back"),
        ("/api_3/project/key/renew", of.clone(), "renew_key"),
        ("/api_3/project/key/rotate", with("algorithm", "ed25519".into()), "rotate_key"),
    ];
    for (path, body, kind) in &calls {
        assert_eq!(bob.post(path, body).await.status, 403, "{kind}");
        let action = alice.post(path, body).await.ok()["action"].clone();
        let listed = frontend.get("/api_3/project/actions?ownername=alice&projectname=foo").await.ok();
        assert_eq!((&listed["items"][0]["id"], &listed["items"][0]["kind"]), (&action, &Value::from(*kind)));
    }
    let rotate = &calls[2];
    let warned = alice.post(rotate.0, &rotate.1).await.ok();
    assert!(warned["warnings"][0].as_str().unwrap().contains("EL 8"), "{warned}");
    back["chrootname"] = "nosuch-1-x86_64".into();
    let refused = [
        ("/api_3/project-chroot/roll-back", back, 404, "nosuch"),
        ("/api_3/project-chroot/roll-back", of.clone(), 400, "chrootname"),
        ("/api_3/project/key/renew", with("expires_on", 1.into()), 400, "in the future"),
        ("/api_3/project/key/rotate", with("algorithm", "rsa1024".into()), 400, "rsa1024"),
    ];
    for (path, body, status, why) in refused {
        let (got, said) = alice.post(path, &body).await.error();
        assert!(got == status && said.contains(why), "{path}: {got} {said}");
    }
    frontend.close().await;
}
