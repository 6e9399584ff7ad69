//! Roles, API tokens and webhook secrets (contract sections 2, 8 and 14).

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::Frontend;

const OF_FOO: &str = "alice/foo?ownername=alice&projectname=foo";

fn path(verb: &str) -> String {
    format!("/api_3/project/permissions/{verb}/{OF_FOO}")
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_are_asked_for_granted_and_listed_as_clients_know_it() {
    let frontend = Frontend::start().await;
    let (alice, bob) =
        (frontend.member("alice").await.with_project("foo").await, frontend.member("bob").await);
    frontend.member("carol").await;
    let nobody = alice.get(&path("get")).await.error();
    assert_eq!(nobody, (404, "No permissions set on alice/foo project".into()));
    let wish = json!({ "admin": true, "builder": true });
    assert_eq!(bob.send(Method::PUT, &path("request"), &wish).await.ok(), json!({ "updated": true }));
    assert_eq!(bob.post(&path("request"), &wish).await.ok(), json!({ "updated": false }));
    let grants =
        json!({ "bob": { "builder": "approved" }, "carol": { "admin": "approved", "builder": null } });
    assert_eq!(
        alice.send(Method::PUT, &path("set"), &grants).await.ok(),
        json!({ "updated": ["bob", "carol"] })
    );
    let all = json!({ "permissions": {
        "bob": { "admin": "request", "builder": "approved" },
        "carol": { "admin": "approved", "builder": "nothing" }
    } });
    assert_eq!(alice.get(&path("get")).await.ok(), all);
    let can = "/api_3/project/permissions/can_build_in";
    for (who, expected) in [("bob", true), ("carol", true), ("alice", true)] {
        let answer = frontend.get(&format!("{can}/{who}/alice/foo")).await.ok();
        let wanted =
            json!({ "who": who, "ownername": "alice", "projectname": "foo", "can_build_in": expected });
        assert_eq!(answer, wanted);
    }
    assert_eq!(frontend.get(&format!("{can}/nosuch/alice/foo")).await.error().0, 404);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wishes_that_make_no_sense_are_answered_in_the_words_of_the_contract() {
    let frontend = Frontend::start().await;
    let (alice, bob) =
        (frontend.member("alice").await.with_project("foo").await, frontend.member("bob").await);
    for (body, text) in [
        (json!({}), "no permission change requested"),
        (
            json!({ "bob": { "builder": "bogus" } }),
            "invalid 'builder' permission state 'bogus', use nothing|request|approved",
        ),
        (json!({ "bob": { "boss": "approved" } }), "invalid permission 'boss', allowed admin|builder"),
        (json!({ "bob": "builder" }), "bob: an object of roles and states is needed"),
        (json!({ "nosuch": { "builder": "approved" } }), "user 'nosuch' doesn't exist in database"),
        (json!({ "alice": { "builder": "approved" } }), "user 'alice' is owner of the 'alice/foo' project"),
    ] {
        assert_eq!(alice.send(Method::PUT, &path("set"), &body).await.error(), (400, text.into()));
    }
    let refused = bob.send(Method::PUT, &path("request"), &json!({ "boss": true })).await.error();
    assert_eq!(refused, (400, "invalid permission 'boss', allowed admin|builder".into()));
    let hidden = bob.get(&path("get")).await.error();
    let text = "User 'bob' can not see permissions for project 'alice/foo' (missing admin rights)";
    assert_eq!(hidden, (403, text.into()));
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_token_replaces_the_old_and_a_new_secret_is_a_uuid() {
    let frontend = Frontend::start().await;
    let alice = frontend.member("alice").await.with_project("foo").await;
    let secret = |answer: Value| {
        assert_eq!(answer["full_name"], "alice/foo");
        assert_eq!((answer["name"].as_str(), answer["ownername"].as_str()), (Some("foo"), Some("alice")));
        let secret = answer["webhook_secret"].as_str().unwrap().to_owned();
        assert_eq!((secret.len(), secret.matches('-').count()), (36, 4));
        secret
    };
    let generate = format!("/api_3/webhook/generate/{OF_FOO}");
    let first = secret(alice.post(&generate, &json!({})).await.ok());
    assert_ne!(first, secret(alice.post(&generate, &json!({})).await.ok()));
    let bob = frontend.member("bob").await;
    assert_eq!(bob.post(&generate, &json!({})).await.error().0, 403);

    let new = alice.post("/api_3/api-token", &json!({})).await.ok();
    let keys: Vec<&String> = new.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["api_login", "api_token", "expiration"]);
    assert_eq!(alice.get("/api_3/auth-check").await.error().0, 401);
    let text = |key: &str| new[key].as_str().unwrap().to_owned();
    let mut renewed = alice;
    (renewed.login, renewed.token) = (text("api_login"), text("api_token"));
    assert_eq!(renewed.get("/api_3/auth-check").await.ok()["name"], "alice");
    frontend.close().await;
}
