//! What people think of projects and what they fetch of them.

use coppice_model::messages::{Downloads, FetchedPackages, Report};
use serde_json::json;

use crate::{
    lists::{has_one_heading, hides, shows},
    support::{CHROOTS, Frontend, until},
};

const PAGE: &str = "/coprs/alice/tools/";

#[tokio::test(flavor = "multi_thread")]
async fn votes_count_once_change_and_go() {
    let frontend = Frontend::start().await;
    frontend.member("alice").await.with_project("tools").await;
    frontend.member("bob").await;
    hides(&frontend.get(PAGE).await, &["Score", "Vote up"]);
    let (alice, bob) = (frontend.browser("alice").await, frontend.browser("bob").await);
    for (browser, vote, score) in [(&alice, "up", 1), (&bob, "up", 2), (&bob, "down", 0), (&bob, "down", 1)] {
        let answer = browser.submit(PAGE, PAGE, &[("vote", vote)]).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, PAGE));
        let count = format!("title=\"Votes up less votes down\">{score}</span>");
        shows(&browser.get(PAGE).await, &[&count]);
    }
    let page = alice.get(PAGE).await;
    has_one_heading(&page);
    shows(&page, &["value=\"up\" aria-pressed=\"true\"", "value=\"down\" aria-pressed=\"false\""]);
    shows(
        &bob.get(PAGE).await,
        &["value=\"up\" aria-pressed=\"false\"", "value=\"down\" aria-pressed=\"false\""],
    );
    shows(&frontend.get(PAGE).await, &["Score 1"]);
    shows(&frontend.get("/explore/").await, &["Most upvoted", "1 point"]);
    shows(&alice.get("/user/info/download").await, &["\"value\":1"]);
    let answer = alice.submit(PAGE, PAGE, &[("vote", "sideways")]).await;
    assert_eq!(answer.status.as_u16(), 400, "{}", answer.text);
    assert!(answer.text.contains("A vote is up or down."), "{}", answer.text);
    assert_eq!(alice.forge(PAGE, &[("vote", "up")]).await.status.as_u16(), 403);
    let nowhere = alice.submit(PAGE, "/coprs/alice/missing/", &[("vote", "up")]).await;
    assert_eq!(nowhere.status.as_u16(), 404);
    let closed = alice.submit("/user/info/", "/user/delete", &[("confirm", "alice")]).await;
    assert!(closed.status.is_redirection() || closed.status.is_success(), "{}", closed.text);
    hides(&frontend.get(PAGE).await, &["Score"]);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn repo_files_and_packages_that_are_fetched_are_counted() {
    let frontend = Frontend::start().await;
    let alice = frontend.member("alice").await;
    let body = json!({ "name": "tools", "chroots": [CHROOTS[0]] });
    alice.post("/api_3/project/add/alice", &body).await.ok();
    hides(&frontend.get(PAGE).await, &["download<", "downloads<"]);
    let release = CHROOTS[0].rsplit_once('-').unwrap().0;
    let second = frontend.second().await;
    for path in [format!("repo/{release}/x.repo"), format!("repo/{release}"), "repo/fedora-1/x.repo".into()] {
        second.get(&format!("{PAGE}{path}")).await;
    }
    second.request(reqwest::Method::HEAD, &format!("{PAGE}repo/{release}")).send().await.unwrap();
    // Counts are stored together; at the latest when a process ends.
    second.close().await;
    shows(&frontend.get(PAGE).await, &["2 downloads</span>"]);
    let fetched = |project: &str, count| FetchedPackages {
        project: coppice_model::ProjectRef {
            owner: "alice".parse().unwrap(),
            name: project.parse().unwrap(),
        },
        chroot: CHROOTS[0].parse().unwrap(),
        count,
    };
    let told = |name: &str| {
        let fetched = vec![fetched("missing", 9), fetched("tools", 7)];
        Report::DownloadsV1(Downloads { name: name.into(), fetched })
    };
    // A repeated report counts once.
    for name in ["a", "a", "b"] {
        frontend.report(told(name)).await;
    }
    let counted = async || frontend.get(PAGE).await.text.contains("14 downloads").then_some(());
    until("the packages are counted", counted).await;
    shows(&frontend.get("/explore/").await, &["Most downloaded", "14 packages"]);
    frontend.close().await;
}
