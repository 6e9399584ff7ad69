//! The pages of API tokens.

use reqwest::Method;
use serde_json::json;

use super::people::{PASSWORD, with_password};
use crate::{
    browser::between,
    support::{Answer, CHROOTS, Frontend, send},
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
