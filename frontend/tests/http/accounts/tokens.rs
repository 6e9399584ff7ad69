//! The pages of API tokens.

use coppice_model::UnixTime;
use coppice_runtime::Clock;
use coppice_store::{ApiToken, tokens, users};
use reqwest::Method;
use serde_json::json;

use super::people::{PASSWORD, with_password};
use crate::{
    browser::{Browser, between},
    support::{Answer, CHROOTS, Frontend, send, until},
};

/// Login and token of a shown configuration.
fn credentials(page: &str) -> (String, String) {
    let config = between(page, "id=\"config\" tabindex=\"0\">", "</pre>");
    let value = |key: &str| {
        let line = config.lines().find_map(|line| line.strip_prefix(&format!("{key} = ")));
        line.unwrap_or_else(|| panic!("{key} is missing in {config}")).to_owned()
    };
    assert_eq!((value("username"), value("encrypted")), ("alice".into(), "False".into()));
    assert_eq!(value("copr_url").replace("&#x2F;", "/"), "http://copr.example:8080");
    (value("login"), value("token"))
}

async fn ask(frontend: &Frontend, (login, token): &(String, String), method: Method, path: &str) -> Answer {
    let body = json!({ "name": "made", "chroots": [CHROOTS[0]] });
    send(frontend.request(method, path).basic_auth(login, Some(token)).json(&body)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_page_shows_a_ready_configuration_once() {
    let frontend = Frontend::start().await;
    with_password(&frontend, "alice", false).await;
    let visitor = frontend.get("/api/").await.text;
    assert!(visitor.contains("copr_url") && visitor.contains("Log in</a> to get a token"), "{visitor}");
    let browser = frontend.visitor();
    browser.log_in("alice", PASSWORD).await;
    assert!(browser.get("/api/").await.text.contains("You have no token yet."));
    let made = browser.submit("/api/", "/api/new/", &[]).await;
    let first = credentials(&made.text);
    assert_eq!(ask(&frontend, &first, Method::GET, "/api_3/auth-check").await.ok()["name"], "alice");
    let later = browser.get("/api/").await.text;
    assert!(later.contains("Your token ends") && !later.contains(&first.1), "{later}");
    let second = credentials(&browser.submit("/api/", "/api/new/", &[]).await.text);
    assert_eq!(ask(&frontend, &first, Method::GET, "/api_3/auth-check").await.status, 401);
    assert_eq!(ask(&frontend, &second, Method::GET, "/api_3/auth-check").await.status, 200);
    assert_eq!(browser.forge("/api/new/", &[]).await.status, 403, "not without the form");
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_narrow_token_is_made_on_its_page_and_revoked_there() {
    let frontend = Frontend::start().await;
    with_password(&frontend, "alice", false).await;
    let browser = frontend.visitor();
    browser.log_in("alice", PASSWORD).await;
    let page = "/user/tokens/";
    for (form, text) in [
        (vec![("name", "  "), ("scope", "read"), ("days", "30")], "Call it by where you will use it."),
        (vec![("name", "ci"), ("scope", "all"), ("days", "30")], "Use one of: read, build, admin."),
        (vec![("name", "ci"), ("scope", "read"), ("days", "30"), ("project", "alice/no")], "does not exist"),
        (vec![("name", "ci"), ("scope", "read"), ("days", "9999999")], "A token lives 1 to"),
    ] {
        let refused = browser.submit(page, page, &form).await;
        assert_eq!(refused.status, 400, "{form:?}");
        assert!(refused.text.contains(text), "{text}: {}", refused.text);
    }
    let made = browser.submit(page, page, &[("name", "dashboard"), ("scope", "read"), ("days", "30")]).await;
    let token = credentials(&made.text);
    assert!(made.text.contains("Your new token “dashboard”"), "{}", made.text);
    assert_eq!(ask(&frontend, &token, Method::GET, "/api_3/auth-check").await.status, 200);
    assert_eq!(ask(&frontend, &token, Method::POST, "/api_3/project/add/alice").await.status, 403);
    let list = browser.get(page).await.text;
    assert!(list.contains("dashboard") && !list.contains(&token.1), "{list}");
    let id = between(&list, "name=\"token\" value=\"", "\"").to_owned();
    assert_eq!(browser.submit(page, "/user/tokens/revoke/", &[("token", &id)]).await.status, 303);
    assert_eq!(ask(&frontend, &token, Method::GET, "/api_3/auth-check").await.status, 401);
    frontend.close().await;
}

/// The only token of alice.
async fn stored(frontend: &Frontend) -> ApiToken {
    let read = frontend.store().read(|conn| {
        let alice = users::find_by_name(conn, "alice")?.unwrap();
        tokens::list(conn, alice.id)
    });
    read.await.unwrap().remove(0)
}

/// As if it had been used so long ago.
async fn used(frontend: &Frontend, seconds_ago: i64) -> UnixTime {
    let (id, at) = (stored(frontend).await.id, Clock::System.now().plus_seconds(-seconds_ago));
    frontend.store().write(move |tx| tokens::update_used(tx, id, UnixTime(i64::MAX), at)).await.unwrap();
    at
}

async fn make(browser: &Browser<'_>, name: &str) -> (String, String) {
    let page = "/user/tokens/";
    let made = browser.submit(page, page, &[("name", name), ("scope", "build"), ("days", "30")]).await;
    credentials(&made.text)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_tells_when_it_was_last_used_and_that_is_written_once_an_hour() {
    let frontend = Frontend::start().await;
    with_password(&frontend, "alice", false).await;
    let browser = frontend.visitor();
    browser.log_in("alice", PASSWORD).await;
    let token = make(&browser, "ci").await;
    let page = browser.get("/user/tokens/").await.text;
    assert!(page.contains("<th scope=\"col\">Last used</th>") && page.contains(">never</span>"), "{page}");
    let wrong = (token.0.clone(), "wrong".to_owned());
    assert_eq!(ask(&frontend, &wrong, Method::GET, "/api_3/auth-check").await.status, 401);
    assert_eq!(ask(&frontend, &token, Method::GET, "/api_3/auth-check").await.status, 200);
    until("the use is written", || async { stored(&frontend).await.used_at }).await;
    let page = browser.get("/user/tokens/").await.text;
    assert!(!page.contains(">never</span>") && page.contains("data-ago>now</time>"), "{page}");

    let lately = used(&frontend, 3_000).await;
    assert_eq!(ask(&frontend, &token, Method::GET, "/api_3/auth-check").await.status, 200);
    assert_eq!(stored(&frontend).await.used_at, Some(lately), "not each time");
    let long_ago = used(&frontend, 4_000).await;
    assert_eq!(ask(&frontend, &token, Method::GET, "/api_3/auth-check").await.status, 200);
    until("the use is written again", || async {
        stored(&frontend).await.used_at.filter(|at| *at > long_ago)
    })
    .await;
    let listed = ask(&frontend, &token, Method::GET, "/api_3/tokens").await;
    assert_eq!(listed.status, 403, "a token for builds lists none");
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_token_has_another_secret_and_a_new_life_and_the_old_one_ends() {
    let frontend = Frontend::start().await;
    with_password(&frontend, "alice", false).await;
    let browser = frontend.visitor();
    browser.log_in("alice", PASSWORD).await;
    let old = make(&browser, "ci").await;
    let before = stored(&frontend).await;
    let page = browser.get("/user/tokens/").await.text;
    let id = between(&page, "name=\"token\" value=\"", "\"").to_owned();
    let renewed = browser.submit("/user/tokens/", "/user/tokens/renew/", &[("token", &id)]).await;
    assert!(renewed.text.contains("Your new token “ci”"), "{}", renewed.text);
    let new = credentials(&renewed.text);
    assert_eq!(ask(&frontend, &old, Method::GET, "/api_3/auth-check").await.status, 401);
    assert_eq!(ask(&frontend, &new, Method::GET, "/api_3/auth-check").await.status, 200);
    assert_eq!(
        ask(&frontend, &new, Method::POST, "/api_3/project/add/alice").await.status,
        403,
        "the same scope"
    );
    let after = stored(&frontend).await;
    assert_eq!((after.id, &after.name, &after.scope), (before.id, &before.name, &before.scope));
    assert_eq!(after.expires_at.0 - after.created_at.0, 30 * 86_400);
    for other in ["0", "x"] {
        let refused = browser.submit("/user/tokens/", "/user/tokens/renew/", &[("token", other)]).await;
        assert_eq!(refused.status, 404, "{other}");
    }
    with_password(&frontend, "bob", false).await;
    let bob = frontend.visitor();
    bob.log_in("bob", PASSWORD).await;
    assert_eq!(bob.submit("/user/tokens/", "/user/tokens/renew/", &[("token", &id)]).await.status, 404);
    assert_eq!(ask(&frontend, &new, Method::GET, "/api_3/auth-check").await.status, 200);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_renew_tokens_with_a_name_and_no_others() {
    let frontend = Frontend::start().await;
    let alice = frontend.member("alice").await;
    let whole = (alice.login.clone(), alice.token.clone());
    let add = frontend.request(Method::POST, "/api_3/tokens").basic_auth(&whole.0, Some(&whole.1));
    let made = send(add.json(&json!({ "name": "ci", "scope": "read", "days": 7 }))).await.ok();
    let renew = format!("/api_3/tokens/{}/renew", made["id"]);
    let new = ask(&frontend, &whole, Method::POST, &renew).await.ok();
    assert_eq!((&new["id"], new["name"].as_str()), (&made["id"], Some("ci")));
    let pair = |told: &serde_json::Value| {
        let text = |name: &str| told[name].as_str().unwrap().to_owned();
        (text("api_login"), text("api_token"))
    };
    assert_eq!(ask(&frontend, &pair(&made), Method::GET, "/api_3/auth-check").await.status, 401);
    assert_eq!(ask(&frontend, &pair(&new), Method::GET, "/api_3/auth-check").await.status, 200);
    let narrow = ask(&frontend, &pair(&new), Method::POST, &renew).await;
    assert_eq!(narrow.status, 403, "no token makes itself live for ever");
    let classic = stored(&frontend).await.id;
    let refused =
        ask(&frontend, &whole, Method::POST, &format!("/api_3/tokens/{classic}/renew")).await.error();
    assert_eq!(refused, (404, format!("You have no token {classic} that could be renewed.")));
    frontend.close().await;
}
