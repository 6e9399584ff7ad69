//! Tokens with a name, and what every client gets beyond Copr: validators, limits, repeated requests, problem details.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{CHROOTS, Frontend, send};

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_made_shown_and_revoked() {
    let frontend = Frontend::start().await;
    let alice = frontend.member("alice").await.with_project("foo").await;
    let wish = json!({ "name": " ci of foo ", "scope": "build", "project": "alice/foo", "days": 7 });
    let new = alice.post("/api_3/tokens", &wish).await.ok();
    assert_eq!(
        (&new["name"], &new["scope"], &new["project"]),
        (&json!("ci of foo"), &json!("build"), &json!("alice/foo"))
    );
    let robot = frontend.request(Method::GET, "/api_3/auth-check");
    let (login, token) = (new["api_login"].as_str().unwrap(), new["api_token"].as_str().unwrap());
    assert_eq!(send(robot.basic_auth(login, Some(token))).await.ok()["name"], "alice");

    let all = alice.get("/api_3/tokens").await.ok();
    let names: Vec<&Value> = all["items"].as_array().unwrap().iter().map(|item| &item["name"]).collect();
    assert_eq!(names, [&Value::Null, &json!("ci of foo")]);
    assert!(!all.to_string().contains(token), "secrets are told once");
    let one = &all["items"][1];
    assert_eq!(one["expires_on"].as_i64().unwrap() - one["created_on"].as_i64().unwrap(), 7 * 86_400);

    for (wish, field) in [
        (json!({ "name": "ci of foo" }), "name"),
        (json!({ "name": "" }), "name"),
        (json!({ "name": "x", "scope": "all" }), "scope"),
        (json!({ "name": "x", "project": "foo" }), "project"),
        (json!({ "name": "x", "days": 0 }), "days"),
    ] {
        let answer = alice.post("/api_3/tokens", &wish).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["problems"][0]["field"]),
            (400, &json!(field)),
            "{wish}"
        );
    }
    assert_eq!(alice.post("/api_3/tokens", &json!({ "name": "x", "project": "alice/no" })).await.status, 404);

    let path = format!("/api_3/tokens/{}", new["id"]);
    let bob = frontend.member("bob").await;
    assert_eq!(bob.send(Method::DELETE, &path, &json!({})).await.status, 404, "not his");
    alice.send(Method::DELETE, &path, &json!({})).await.ok();
    let robot = frontend.request(Method::GET, "/api_3/auth-check");
    assert_eq!(send(robot.basic_auth(login, Some(token))).await.status, 401);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn renewing_the_classic_token_leaves_those_with_names() {
    let frontend = Frontend::start().await;
    let alice = frontend.member("alice").await;
    let robot = alice.with_token("robot", json!({ "scope": "read" })).await;
    let new = alice.post("/api_3/api-token", &json!({})).await.ok();
    assert_eq!(alice.get("/api_3/auth-check").await.status, 401);
    assert_eq!(robot.get("/api_3/auth-check").await.status, 200);
    let answer =
        robot.post("/api_3/project/add/alice", &json!({ "name": "x", "chroots": [CHROOTS[0]] })).await;
    let text = "This is a 'read' token: use one with the scope 'admin' that reaches here.";
    assert_eq!(answer.error(), (403, text.into()));
    assert!(new["api_login"].is_string());
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_polls_gets_nothing_new_in_few_bytes() {
    let frontend = Frontend::start().await;
    let alice = frontend.member("alice").await.with_project("foo").await;
    let id = alice.submits("foo").await;
    let path = format!("/api_3/build/{id}");
    let first = frontend.get(&path).await;
    let tag = first.header("etag").to_owned();
    let ask = |tag: &str| send(frontend.request(Method::GET, &path).header("if-none-match", tag));
    let again = ask(&format!("\"other\", {tag}")).await;
    assert_eq!((again.status.as_u16(), again.text.as_str(), again.header("etag")), (304, "", tag.as_str()));
    assert_eq!(ask("\"other\"").await.status, 200);
    assert_eq!(ask("rubbish").await.status, 200);
    alice.send(Method::PUT, &format!("/api_3/build/cancel/{id}"), &json!({})).await.ok();
    let changed = ask(&tag).await;
    assert_eq!((changed.status.as_u16(), changed.json()["state"].clone()), (200, json!("canceled")));
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_request_does_nothing_twice() {
    let frontend = Frontend::start().await;
    let alice = frontend.member("alice").await.with_project("foo").await;
    let submit = |key: &str, project: &str| {
        let body =
            json!({ "ownername": "alice", "projectname": project, "pkgs": ["https://e.com/a-1-1.src.rpm"] });
        send(
            alice.request(Method::POST, "/api_3/build/create/url").header("idempotency-key", key).json(&body),
        )
    };
    let first = submit("k1", "foo").await;
    let again = submit("k1", "foo").await;
    assert_eq!((first.ok(), again.header("idempotency-replayed")), (again.ok(), "true"));
    assert_ne!(submit("k2", "foo").await.ok(), first.ok());
    assert_eq!(submit("k3", "nope").await.status, 404);
    assert_eq!(submit("k3", "foo").await.status, 200, "a mistake keeps no key");
    let elsewhere = alice.request(Method::POST, "/api_3/project/add/alice").header("idempotency-key", "k1");
    let elsewhere = send(elsewhere.json(&json!({ "name": "x", "chroots": [CHROOTS[0]] }))).await;
    assert_eq!(elsewhere.status, 422);
    assert_eq!(submit("with blanks in it", "foo").await.status, 400);
    let bob = frontend.member("bob").await.with_project("foo").await;
    let body = json!({ "ownername": "bob", "projectname": "foo", "pkgs": ["https://e.com/a-1-1.src.rpm"] });
    let other =
        bob.request(Method::POST, "/api_3/build/create/url").header("idempotency-key", "k1").json(&body);
    assert_eq!(send(other).await.ok()["items"][0]["ownername"], "bob", "keys are everybody's own");
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_with_one_key_are_one() {
    let frontend = Frontend::start().await;
    let alice = frontend.member("alice").await.with_project("foo").await;
    let body = json!({ "ownername": "alice", "projectname": "foo", "pkgs": ["https://e.com/a-1-1.src.rpm"] });
    let ask = || {
        send(
            alice.request(Method::POST, "/api_3/build/create/url").header("idempotency-key", "k").json(&body),
        )
    };
    let answers = futures_util::future::join_all((0..8).map(|_| ask())).await;
    assert!(answers.iter().all(|answer| [200, 409].contains(&answer.status.as_u16())));
    let list = frontend.get("/api_3/build/list?ownername=alice&projectname=foo").await.ok();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_too_often_is_told_when_to_come_back() {
    let frontend = Frontend::start_with(|config| {
        config.http.token_requests_per_minute = 5;
        config.http.address_requests_per_minute = 3;
    })
    .await;
    let (alice, bob) = (frontend.member("alice").await, frontend.member("bob").await);
    for _ in 0..5 {
        alice.get("/api_3/auth-check").await.ok();
    }
    let held = alice.get("/api_3/auth-check").await;
    let wait: u64 = held.header("retry-after").parse().unwrap();
    assert!(held.status == 429 && (1..=12).contains(&wait), "{held:?}");
    assert_eq!(held.json()["title"], "Too Many Requests");
    bob.get("/api_3/auth-check").await.ok();
    // Guessing tokens counts for the address, whatever login is named.
    for guess in 0..3 {
        let wrong = frontend.request(Method::GET, "/api_3/auth-check").basic_auth(guess, Some("x"));
        assert_eq!(send(wrong).await.status, 401);
    }
    assert_eq!(
        send(frontend.request(Method::GET, "/api_3/auth-check").basic_auth("x", Some("x"))).await.status,
        429
    );
    assert_eq!(frontend.get("/api_3/mock-chroots/list").await.status, 429);
    bob.get("/api_3/auth-check").await.ok();
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_say_the_same_in_the_form_of_rfc_9457() {
    let frontend = Frontend::start().await;
    let missing = frontend.get("/api_3/build/99").await.json();
    let text = "Build 99 does not exist.";
    let expected = json!({
        "error": text, "type": "about:blank", "title": "Not Found", "status": 404, "detail": text,
    });
    assert_eq!(missing, expected);
    let alice = frontend.member("alice").await;
    let wrong = alice.post("/api_3/project/add/alice", &json!({ "name": "a b", "chroots": [] })).await.json();
    let fields: Vec<_> =
        wrong["problems"].as_array().unwrap().iter().map(|p| p["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["name", "chroots"]);
    frontend.close().await;
}
