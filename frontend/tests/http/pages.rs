//! Plain pages.

use reqwest::Method;
use serde_json::json;

use crate::support::{CHROOTS, Frontend, send};

#[tokio::test(flavor = "multi_thread")]
async fn a_project_tells_what_it_is_and_how_to_use_it() {
    let frontend = Frontend::start().await;
    let alice = frontend.member("alice").await;
    let body = json!({
        "name": "foo", "chroots": [CHROOTS[0]],
        "description": "<script>alert(1)</script>\nsecond", "instructions": "a & b"
    });
    alice.post("/api_3/project/add/alice", &body).await.ok();
    let id = alice.submits("foo").await;
    let home = frontend.get("/").await.text;
    assert!(home.contains("href=\"/coprs/alice/foo/\"") && home.contains("&lt;script&gt;"), "{home}");
    let page = frontend.get("/coprs/alice/foo/").await;
    assert!(page.header("content-type").starts_with("text/html"));
    for text in [
        "dnf copr enable copr.example/alice/foo",
        "protocol = http\nport = 8080",
        CHROOTS[0],
        "hello-1-1.src.rpm",
        "a &amp; b",
        &format!("/coprs/alice/foo/build/{id}/"),
    ] {
        assert!(page.text.contains(text), "{text} is missing in\n{}", page.text);
    }
    assert!(!page.text.contains("<script>alert"), "{}", page.text);
    let owner = frontend.get("/coprs/alice/").await.text;
    assert!(owner.contains("alice/foo"), "{owner}");
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_builds_permanent_address_leads_to_its_page() {
    let frontend = Frontend::start().await;
    let alice = frontend.member("alice").await.with_project("foo").await;
    let id = alice.submits("foo").await;
    let link = frontend.get(&format!("/coprs/build/{id}/")).await;
    assert_eq!(link.status, 302);
    assert_eq!(link.header("location"), format!("/coprs/alice/foo/build/{id}/"));
    let page = frontend.get(link.header("location")).await;
    assert!(page.text.contains("pending") && page.text.contains("https://example.com/hello-1-1.src.rpm"));
    for wrong in [format!("/coprs/alice/bar/build/{id}/"), "/coprs/build/999/".into()] {
        assert_eq!(frontend.get(&wrong).await.status, 404, "{wrong}");
    }
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_a_page_that_says_so() {
    let frontend = Frontend::start().await;
    for path in [
        "/nosuch",
        "/coprs/nobody/",
        "/coprs/g/nogroup/",
        "/coprs/alice/nope/",
        "/coprs/%ff/x/",
        "/coprs/a/b/c/d",
    ] {
        let answer = frontend.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.text.contains("<h1>Not Found</h1>"), "{path}\n{}", answer.text);
    }
    assert_eq!(send(frontend.request(Method::POST, "/")).await.status, 405);
    assert!(
        frontend.get("/api/").await.text.contains("copr_url = http://copr.example:8080\nencrypted = False")
    );
    assert_eq!(frontend.get("/static/coppice.css").await.header("content-type"), "text/css; charset=utf-8");
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn badges_show_the_state_and_feeds_the_new_projects() {
    let frontend = Frontend::start().await;
    let alice = frontend.member("alice").await.with_project("foo").await;
    let hidden = json!({ "name": "hidden", "chroots": [CHROOTS[0]], "unlisted_on_hp": true, "description": "a & \u{1}<b>" });
    alice.post("/api_3/project/add/alice", &hidden).await.ok();
    let id = alice.submits("foo").await;
    for (path, kind, name) in [
        (format!("/coprs/build/{id}/status_image.png"), "image/png", "in_progress.png"),
        (format!("/coprs/build/{id}/status_image.svg"), "image/svg+xml", "in_progress.svg"),
        ("/coprs/build/99999/status_image.png".into(), "image/png", "unknown.png"),
        ("/coprs/alice/foo/package/nope/status_image/last_build.png".into(), "image/png", "bad_url.png"),
    ] {
        let badge = send(frontend.request(Method::GET, &path)).await;
        assert_eq!((badge.status.as_u16(), badge.header("content-type")), (200, kind), "{path}");
        assert_eq!(badge.header("content-disposition"), format!("inline; filename={name}"), "{path}");
        assert_eq!(badge.header("cache-control"), "no-cache", "{path}");
    }
    assert_eq!(frontend.get("/coprs/alice/nope/package/x/status_image/last_build.png").await.status, 404);
    let feed = frontend.get("/rss/").await;
    assert!(feed.header("content-type").starts_with("text/xml"));
    assert!(feed.text.contains("<title>alice/foo</title>") && !feed.text.contains("hidden"), "{}", feed.text);
    let all = frontend.get("/rss/all").await.text;
    assert!(all.contains("<description>a &amp; &lt;b&gt;</description>"), "{all}");
    assert_eq!(frontend.get("/rss/1/").await.text.matches("<item>").count(), 1);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_shows_who_looks_and_only_to_whom_the_session_belongs() {
    let frontend = Frontend::start().await;
    frontend.member("alice").await;
    let page = frontend.browser("alice").await.get("/").await;
    assert!(
        page.text.contains("Account: alice") && page.text.contains("action=\"/logout/\""),
        "{}",
        page.text
    );
    assert_eq!(page.header("cache-control"), "private, no-store");
    let visitor = frontend.visitor().get("/").await;
    assert!(!visitor.text.contains("alice") && visitor.text.contains("/login/?next=%2F"), "{}", visitor.text);
    assert_eq!(visitor.header("set-cookie"), "", "who fills in no form gets no cookie");
    frontend.close().await;
}
