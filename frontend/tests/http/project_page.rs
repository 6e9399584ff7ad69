//! The first page of a project.

use coppice_model::state::ChrootState;
use serde_json::json;

use crate::{
    lists::{BAD, GOOD, Made, has_one_heading, hides, shows},
    support::{CHROOTS, Frontend},
};

const HOSTILE: &str = "# Title <script>alert(1)</script>\n\n[go](javascript:alert(2)) \u{202e}gnp.exe\n\n\
    <img src=x onerror=alert(3)> **bold** [good](https://example.com/)";

#[tokio::test(flavor = "multi_thread")]
async fn hostile_texts_are_inert() {
    let frontend = Frontend::start().await;
    let alice = frontend.member("alice").await;
    let body = json!({
        "name": "foo", "chroots": [CHROOTS[0]], "description": HOSTILE, "instructions": HOSTILE,
        "homepage": "https://example.com/\"><script>x", "contact": "a@b.c"
    });
    alice.post("/api_3/project/add/alice", &body).await.ok();
    // What older servers let in.
    let stored = frontend.store().write(|tx| {
        let project = coppice_store::projects::find(tx, "alice", "foo")?.unwrap();
        let settings = coppice_store::ProjectSettings {
            homepage: Some("javascript:alert(4)".into()),
            contact: Some("data:text/html,x".into()),
            ..project.settings
        };
        coppice_store::projects::update_settings(tx, project.id, &settings)
    });
    stored.await.unwrap();
    let page = frontend.get("/coprs/alice/foo").await;
    has_one_heading(&page);
    shows(
        &page,
        &[
            "&lt;script&gt;alert(1)&lt;",
            "<strong>bold</strong>",
            "<a href=\"https://example.com/\" rel=\"nofollow noopener noreferrer\">good</a>",
            "<bdi>javascript:alert(4)</bdi>",
        ],
    );
    for path in ["/coprs/alice/foo", "/", "/coprs/alice/", "/coprs/fulltext/?fulltext=foo"] {
        let page = frontend.get(path).await;
        hides(
            &page,
            &["<script>", "href=\"javascript", "href=\"data:", "<img src=\"x\"", "onerror=alert(3)>"],
        );
        assert!(!page.text.contains('\u{202e}') || path == "/coprs/alice/foo", "{path}");
    }
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_shows_releases_facts_and_health() {
    let frontend = Frontend::start().await;
    let alice = frontend.member("alice").await.with_project("base").await;
    let body = json!({
        "name": "foo", "chroots": [CHROOTS[0], CHROOTS[2], CHROOTS[3]], "multilib": true, "delete_after_days": 9,
        "homepage": "https://example.com/home", "contact": "me@example.com",
        "runtime_dependencies": "copr://alice/base", "additional_repos": ["https://e.example/$basearch/"]
    });
    alice.post("/api_3/project/add/alice", &body).await.ok();
    let states = [(CHROOTS[0], ChrootState::Failed), (CHROOTS[2], ChrootState::Succeeded)];
    Made::of("foo", "bat", &states).put(&frontend).await;
    Made::of("foo", "fd", GOOD).put(&frontend).await;
    Made { dir: "foo:custom:next", ..Made::of("foo", "fd", BAD) }.put(&frontend).await;
    frontend
        .store()
        .write(|tx| {
            let project = coppice_store::projects::find(tx, "alice", "foo")?.unwrap();
            coppice_store::project_dirs::ensure(
                tx,
                project.id,
                &"foo:custom:next".parse().unwrap(),
                coppice_model::UnixTime(1),
            )?;
            coppice_store::projects::update_key(tx, project.id, "0123456789ABCDEF", None)
        })
        .await
        .unwrap();
    let page = frontend.get("/coprs/alice/foo/").await;
    shows(
        &page,
        &[
            "sudo dnf copr enable copr.example/alice/foo",
            "/coprs/alice/foo/repo/fedora-43/alice-foo-fedora-43.repo",
            "<th scope=\"row\">Fedora 43",
            "Fedora rawhide",
            "EPEL 9",
            "EOL soon",
            "multilib",
            "1 succeeded, 1 failed, 0 unfinished",
            "0123 4567 89AB CDEF",
            "href=\"https://example.com/home\"",
            "href=\"mailto:me@example.com\"",
            "href=\"/coprs/alice/base/\"",
            "<code>https://e.example/$basearch/</code>",
            "Goes away",
            "/coprs/alice/foo/builds/?dirname=foo:custom:next",
            "off while building",
        ],
    );
    hides(&page, &["Nothing planted yet", "add_build"]);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_project_says_how_to_begin() {
    let frontend = Frontend::start().await;
    frontend.member("alice").await.with_project("foo").await;
    let visitor = frontend.get("/coprs/alice/foo/").await;
    shows(&visitor, &["Nothing planted yet", "dnf copr enable", "No description yet"]);
    hides(&visitor, &["copr-cli build", "add_build"]);
    let own = frontend.browser("alice").await.get("/coprs/alice/foo").await;
    shows(
        &own,
        &["copr-cli build alice/foo", "/coprs/alice/foo/add_build_upload/", "/coprs/alice/foo/edit/"],
    );
    for other in
        ["/coprs/@alice/foo/", "/coprs/alice/bar/", "/coprs/g/alice/foo/", "/coprs/alice/bar/monitor/"]
    {
        assert_eq!(frontend.get(other).await.status, 404, "{other}");
    }
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_and_their_origin_lead_to_each_other() {
    let frontend = Frontend::start().await;
    let alice = frontend.member("alice").await.with_project("foo").await;
    let body = json!({ "name": "copy", "ownername": "alice" });
    Made::of("foo", "bat", GOOD).put(&frontend).await;
    alice.post("/api_3/project/fork/alice/foo", &body).await.ok();
    let copy = frontend.get("/coprs/alice/copy/").await;
    shows(&copy, &["Forked from <a href=\"/coprs/alice/foo/\">alice/foo</a>", "still being copied"]);
    let forks = frontend.get("/coprs/alice/foo/forks/").await;
    shows(&forks, &["href=\"/coprs/alice/copy/\""]);
    has_one_heading(&forks);
    shows(&frontend.get("/coprs/alice/copy/forks").await, &["Nobody forked this project"]);
    shows(&frontend.get("/explore/").await, &["Most forks", "1 fork<"]);
    frontend.close().await;
}
