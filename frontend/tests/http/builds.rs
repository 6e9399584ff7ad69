//! Builds as copr-cli submits, reads, cancels and deletes them (recorded exchanges 037 to 042, 055 to 058).

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{CHROOTS, Frontend, Member, RESULTS, send};

/// The options as copr-cli sends them.
fn options(chroots: Value, timeout: Value) -> Value {
    json!({
        "ownername": "user001", "projectname": "demo", "project_dirname": "demo", "timeout": timeout,
        "chroots": chroots, "background": false, "isolation": "unchanged"
    })
}

async fn demo(frontend: &Frontend) -> Member<'_> {
    let user = frontend.member("user001").await;
    let body = json!({ "name": "demo", "chroots": [CHROOTS[0], CHROOTS[2], CHROOTS[3]] });
    user.post("/api_3/project/add/user001", &body).await.ok();
    user
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checked_address_becomes_a_pending_build() {
    let frontend = Frontend::start().await;
    let user = demo(&frontend).await;
    let checked = user.post("/api_3/build/check-before-build", &options(Value::Null, Value::Null)).await.ok();
    assert_eq!(checked, json!({ "message": "It should be safe to submit a build like this" }));
    let mut body = options(Value::Null, Value::Null);
    body["pkgs"] = json!(["https://example.com/foo-1-1.src.rpm"]);
    body["progress_callback"] = Value::Null;
    let list = user.post("/api_3/build/create/url", &body).await.ok();
    assert_eq!(list["meta"], json!({"limit": null, "offset": null, "order": null, "order_type": null}));
    let build = &list["items"][0];
    let id = build["id"].as_i64().unwrap();
    for (key, value) in [
        ("chroots", json!([])),
        ("ended_on", Value::Null),
        ("is_background", json!(false)),
        ("ownername", json!("user001")),
        ("project_dirname", json!("demo")),
        ("projectname", json!("demo")),
        ("repo_url", json!(format!("{RESULTS}/user001/demo"))),
        ("started_on", Value::Null),
        ("state", json!("pending")),
        ("submitter", json!("user001")),
        (
            "source_package",
            json!({"name": null, "url": "https://example.com/foo-1-1.src.rpm", "version": null}),
        ),
    ] {
        assert_eq!(build[key], value, "{key}");
    }
    assert_eq!(&frontend.get(&format!("/api_3/build/{id}/")).await.ok(), build);
    let source = frontend.get(&format!("/api_3/build/source-chroot/{id}")).await.ok();
    assert_eq!(source, json!({ "state": "pending", "result_url": null }));
    let config = frontend.get(&format!("/api_3/build/source-build-config/{id}")).await.ok();
    let expected = json!({
        "source_type": "link", "source_dict": {"url": "https://example.com/foo-1-1.src.rpm"},
        "memory_limit": 2048, "timeout": 18000, "is_background": false
    });
    assert_eq!(config, expected);
    assert_eq!(frontend.get(&format!("/api_3/build/built-packages/{id}")).await.ok(), json!({}));
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn options_come_as_text_and_patterns() {
    let frontend = Frontend::start().await;
    let user = demo(&frontend).await;
    let mut body = options(json!(["fedora-*"]), json!("3600"));
    body["background"] = json!(true);
    body["pkgs"] = json!(["https://example.com/a-1-1.src.rpm", "https://example.com/b-1-1.spec"]);
    let list = user.post("/api_3/build/create/url", &body).await.ok();
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
    let build = &list["items"][0];
    assert_eq!(
        (&build["chroots"], &build["is_background"]),
        (&json!([CHROOTS[0], CHROOTS[2]]), &json!(true))
    );
    let config = frontend.get(&format!("/api_3/build/source-build-config/{}", build["id"])).await.ok();
    assert_eq!(config["timeout"], 3600);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_check_refuses_what_the_submission_would() {
    let frontend = Frontend::start().await;
    let user = demo(&frontend).await;
    let check = "/api_3/build/check-before-build";
    let mut body = options(Value::Null, Value::Null);
    body["projectname"] = json!("nope");
    assert_eq!(user.post(check, &body).await.error(), (404, "Project user001/nope does not exist.".into()));
    let mut body = options(Value::Null, Value::Null);
    body["project_dirname"] = json!("demo:bogus");
    let refused = user.post(check, &body).await.error();
    assert!(
        refused.0 == 400 && refused.1.contains("Please use directory format demo:custom:"),
        "{refused:?}"
    );
    let refused = user.post(check, &options(json!(["bogus"]), Value::Null)).await.error();
    assert!(refused.1.contains("'bogus' is not a valid choice"), "{refused:?}");
    let list = frontend.get("/api_3/build/list?ownername=user001&projectname=demo").await.ok();
    assert_eq!(list["items"], json!([]));
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_newest_first_and_filter_before_they_cut() {
    let frontend = Frontend::start().await;
    let user = demo(&frontend).await;
    let ids = [user.submits("demo").await, user.submits("demo").await, user.submits("demo").await];
    send(user.request(Method::PUT, &format!("/api_3/build/cancel/{}", ids[2]))).await.ok();
    let list = |query: &str| format!("/api_3/build/list?ownername=user001&projectname=demo{query}");
    let read = async |query: &str| -> Vec<i64> {
        let list = frontend.get(&list(query)).await.ok();
        list["items"].as_array().unwrap().iter().map(|item| item["id"].as_i64().unwrap()).collect()
    };
    assert_eq!(read("&limit=1000").await, [ids[2], ids[1], ids[0]]);
    assert_eq!(read("&limit=1000&offset=1000").await, [0; 0]);
    assert_eq!(read("&status=pending&limit=1").await, [ids[1]]);
    assert_eq!(read("&status=canceled").await, [ids[2]]);
    assert_eq!(read("&status=bogus").await, [0; 0]);
    assert_eq!(read("&packagename=nosuch").await, [0; 0]);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_is_canceled_once_and_then_deleted() {
    let frontend = Frontend::start().await;
    let user = demo(&frontend).await;
    let id = user.submits("demo").await;
    let list = json!({ "builds": [id] });
    let running = user.send(Method::DELETE, "/api_3/build/delete/list", &list).await.error();
    assert_eq!(running, (400, format!("Build(s) {id} are still running.\n")));
    let cancel = || user.request(Method::PUT, &format!("/api_3/build/cancel/{id}"));
    assert_eq!(send(cancel()).await.ok()["state"], "canceled");
    assert_eq!(send(cancel()).await.error(), (409, format!("Cannot cancel build {id}")));
    let unknown = user.post("/api_3/build/delete/list", &json!({ "builds": [id, 998, 999] })).await.error();
    assert_eq!(unknown, (400, "Build(s) 998, 999 don't exist.\n".into()));
    let deleted = user.send(Method::DELETE, "/api_3/build/delete/list", &list).await.ok();
    assert_eq!(deleted, list);
    assert_eq!(frontend.get(&format!("/api_3/build/{id}")).await.error().0, 404);
    let single = user.submits("demo").await;
    send(user.request(Method::PUT, &format!("/api_3/build/cancel/{single}"))).await.ok();
    let deleted = send(user.request(Method::DELETE, &format!("/api_3/build/delete/{single}"))).await.ok();
    assert_eq!(deleted["id"], single);
    let missing = user.post("/api_3/build/delete/list", &json!({ "build_ids": [1] })).await.error();
    assert_eq!(missing.0, 400);
    frontend.close().await;
}
