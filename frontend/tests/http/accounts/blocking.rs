//! Admins block an account: it can do nothing any more, and everybody reads on.

use coppice_kit::Provider;
use reqwest::Method;
use serde_json::json;

use super::{
    people::{PASSWORD, with_password},
    provider::{log_in, offer},
};
use crate::{
    browser::{Browser, between},
    support::{Answer, CHROOTS, Frontend, send},
};

const BOB: &str = "/admin/users/bob/";

async fn admin(frontend: &Frontend) -> Browser<'_> {
    with_password(frontend, "root", true).await;
    let root = frontend.visitor();
    root.log_in("root", PASSWORD).await;
    root
}

async fn block(root: &Browser<'_>, form: &[(&str, &str)]) -> Answer {
    root.submit(BOB, "/admin/users/bob/block/", form).await
}

/// A browser and a token of bob, with a project and a build at work in it.
struct Bob<'a> {
    browser: Browser<'a>,
    token: (String, String),
    build: i64,
}

impl<'a> Bob<'a> {
    async fn start(frontend: &'a Frontend) -> Self {
        with_password(frontend, "bob", false).await;
        let browser = frontend.visitor();
        browser.log_in("bob", PASSWORD).await;
        let made = browser.submit("/api/", "/api/new/", &[]).await.text;
        let value = |key: &str| between(&made, &format!("\n{key} = "), "\n").to_owned();
        let mut bob = Self { browser, token: (value("login"), value("token")), build: 0 };
        let project = json!({ "name": "tools", "chroots": [CHROOTS[0]] });
        bob.ask(frontend, Method::POST, "/api_3/project/add/bob", &project).await.ok();
        let build =
            json!({ "ownername": "bob", "projectname": "tools", "pkgs": ["https://e.com/a-1-1.src.rpm"] });
        let made = bob.ask(frontend, Method::POST, "/api_3/build/create/url", &build).await.ok();
        bob.build = made["items"][0]["id"].as_i64().unwrap();
        bob
    }

    async fn ask(&self, frontend: &Frontend, method: Method, path: &str, body: &serde_json::Value) -> Answer {
        let (login, token) = &self.token;
        send(frontend.request(method, path).basic_auth(login, Some(token)).json(body)).await
    }

    async fn check(&self, frontend: &Frontend) -> Answer {
        self.ask(frontend, Method::GET, "/api_3/auth-check", &json!({})).await
    }

    async fn state(&self, frontend: &Frontend) -> String {
        let build = frontend.get(&format!("/api_3/build/{}", self.build)).await.ok();
        build["state"].as_str().unwrap().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_blocked_comes_in_by_no_way_and_reads_whom_to_ask() {
    let frontend = Frontend::start().await;
    let (root, bob) = (admin(&frontend).await, Bob::start(&frontend).await);
    let page = root.get(BOB).await.text;
    assert!(page.contains("Block bob</button>") && page.contains("Cancel the 1 builds at work"), "{page}");
    let done = block(&root, &[("reason", "It mines coins.")]).await;
    assert_eq!((done.status.as_u16(), done.header("location")), (303, BOB));
    let page = root.get(BOB).await.text;
    assert!(page.contains("bob is blocked. Sessions ended: 1; builds canceled: 0."), "{page}");
    assert!(page.contains("by root.</b> Told the user: It mines coins."), "{page}");
    assert!(root.get("/admin/users/").await.text.contains("data-s=\"fail\">blocked</span>"));

    assert_eq!(bob.browser.user().await, None);
    let out = bob.browser.log_in("bob", PASSWORD).await;
    let said =
        "The account &#39;bob&#39; is blocked. Reason: It mines coins. Ask root, an admin of this service.";
    assert_eq!(out.status, 403);
    assert!(out.text.contains("You are not logged in") && out.text.contains(said), "{}", out.text);
    assert!(!out.text.contains("href=\"/login/\">Log in</a></p>"), "trying again does not help");
    let guess = bob.browser.log_in("bob", "wrong").await;
    assert!(guess.status == 400 && !guess.text.contains("blocked"), "told only to who knows the password");
    let token = bob.check(&frontend).await.error();
    assert_eq!(token.0, 403);
    assert!(token.1.contains("The account 'bob' is blocked."), "{}", token.1);
    let wrong =
        send(frontend.request(Method::GET, "/api_3/auth-check").basic_auth(&bob.token.0, Some("x"))).await;
    assert_eq!(wrong.status, 401);

    assert_eq!(frontend.get("/coprs/bob/tools/").await.status, 200, "projects are read as before");
    assert_ne!(bob.state(&frontend).await, "canceled", "it was not asked for");
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_at_work_is_canceled_when_the_admin_says_so_and_unblocking_restores() {
    let frontend = Frontend::start().await;
    let (root, bob) = (admin(&frontend).await, Bob::start(&frontend).await);
    block(&root, &[("cancels_builds", "1")]).await;
    assert!(root.get(BOB).await.text.contains("Sessions ended: 1; builds canceled: 1."));
    assert_eq!(bob.state(&frontend).await, "canceled");
    let out = bob.browser.log_in("bob", PASSWORD).await.text;
    assert!(out.contains("is blocked. Ask root, an admin of this service."), "{out}");

    assert_eq!(root.submit(BOB, "/admin/users/bob/unblock/", &[]).await.status, 303);
    assert!(root.get(BOB).await.text.contains("bob may log in again, and tokens work as before."));
    assert_eq!(bob.check(&frontend).await.status, 200);
    assert_eq!(bob.browser.log_in("bob", PASSWORD).await.status, 303);
    assert_eq!(bob.browser.user().await.as_deref(), Some("bob"));
    assert_eq!(root.submit(BOB, "/admin/users/bob/unblock/", &[]).await.status, 409);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_admins_block_others_and_none_himself() {
    let frontend = Frontend::start().await;
    let (root, bob) = (admin(&frontend).await, Bob::start(&frontend).await);
    assert_eq!(bob.browser.get("/admin/users/root/").await.status, 403);
    for action in ["/admin/users/root/block/", "/admin/users/root/unblock/"] {
        assert_eq!(bob.browser.submit("/user/account/", action, &[]).await.status, 403, "{action}");
        assert_eq!(root.forge(action, &[]).await.status, 403, "not without the form");
    }
    assert!(root.get("/admin/users/root/").await.text.contains("This is you. Another admin can block you."));
    let refused = root.submit(BOB, "/admin/users/root/block/", &[]).await;
    assert!(refused.status == 400 && refused.text.contains("Another admin can do that."), "{}", refused.text);
    let long = "x".repeat(501);
    assert_eq!(block(&root, &[("reason", &long)]).await.status, 400);
    assert_eq!(root.get("/admin/users/nobody/").await.status, 404);
    assert_eq!(bob.check(&frontend).await.status, 200, "nothing came of all that");
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_elsewhere_does_not_help_who_is_blocked_here() {
    let provider = Provider::start();
    provider.people(&json!({ "bob": { "nickname": "bob" } }));
    let frontend = Frontend::start_with(|config| offer(config, provider.oidc(""))).await;
    let root = admin(&frontend).await;
    let bob = frontend.visitor();
    log_in(&bob, "bob").await;
    assert_eq!(bob.user().await.as_deref(), Some("bob"));
    block(&root, &[]).await;
    assert_eq!(bob.user().await, None);
    let (_, out) = log_in(&frontend.visitor(), "bob").await;
    assert_eq!(out.status, 403);
    assert!(out.text.contains("is blocked. Ask root, an admin of this service."), "{}", out.text);
    frontend.close().await;
}
