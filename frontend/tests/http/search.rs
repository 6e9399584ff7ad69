//! Searching, and the page of what goes on.

use serde_json::json;

use crate::{
    lists::{BAD, GOOD, Made, has_one_heading, hides, link, shows},
    support::{CHROOTS, Frontend},
};

#[tokio::test(flavor = "multi_thread")]
async fn words_find_projects_and_packages() {
    let frontend = Frontend::start().await;
    let alice = frontend.member("alice").await.with_project("foo").await;
    let body = json!({ "name": "tools", "chroots": [CHROOTS[0]], "description": "Shells, 100% fish" });
    alice.post("/api_3/project/add/alice", &body).await.ok();
    let id = Made::of("foo", "Zellij", GOOD).put(&frontend).await;
    let search = async |words: &str| frontend.get(&format!("/coprs/fulltext/?fulltext={words}")).await;
    let page = search("FISH").await;
    has_one_heading(&page);
    shows(&page, &["href=\"/coprs/alice/tools/\"", "value=\"FISH\""]);
    hides(&page, &["href=\"/coprs/alice/foo/\""]);
    shows(
        &search("Zell").await,
        &["href=\"/coprs/alice/foo/package/Zellij/\"", "href=\"/coprs/alice/foo/\""],
    );
    // Words inside names too, in whatever letters.
    Made::of("foo", "python3-Requests", GOOD).put(&frontend).await;
    for words in ["ZELL", "zellij", "requests", "REQ", "requests+python"] {
        let name = if words.to_lowercase().starts_with('z') { "Zellij" } else { "python3-Requests" };
        shows(&search(words).await, &[&format!("href=\"/coprs/alice/foo/package/{name}/\"")]);
    }
    hides(&search("quests").await, &["python3-Requests"]);
    hides(&search("_").await, &["/alice/"]);
    shows(&search("100%25").await, &["/alice/tools/"]);
    shows(&search("").await, &["Type part of"]);
    let hostile = search("%3Cscript%3Ealert(1)%3C/script%3E%E2%80%AE").await;
    shows(&hostile, &["&lt;script&gt;alert(1)"]);
    hides(&hostile, &["<script>alert", "\u{202e}"]);
    for (words, place) in [
        (id.to_string(), format!("/coprs/alice/foo/build/{id}/")),
        (format!("%23{id}"), format!("/coprs/alice/foo/build/{id}/")),
        ("alice/foo".into(), "/coprs/alice/foo/".into()),
        ("alice/foo/".into(), "/coprs/alice/foo/".into()),
    ] {
        let answer = search(&words).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (302, place.as_str()), "{words}");
    }
    let parts = frontend.get("/coprs/fulltext/?ownername=alice&projectname=too").await;
    shows(&parts, &["href=\"/coprs/alice/tools/\""]);
    assert_eq!(search("999999").await.status, 200);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_results_are_turned_over() {
    let frontend = Frontend::start().await;
    let mut alice = frontend.member("alice").await;
    for number in 0..23 {
        alice = alice.with_project(&format!("p{number:02}")).await;
    }
    let first = frontend.get("/coprs/fulltext/?fulltext=alice").await;
    shows(&first, &["/alice/p00/", "/alice/p19/"]);
    let next = link(&first, "next");
    assert_eq!(next, "/coprs/fulltext/2/?fulltext=alice");
    let second = frontend.get(&next).await;
    shows(&second, &["/alice/p20/", "/alice/p22/"]);
    hides(&second, &["/alice/p19/", "rel=\"next\""]);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn built_packages_are_found_by_each_of_their_parts() {
    let frontend = Frontend::start().await;
    frontend.member("alice").await.with_project("foo").await;
    let one = Made { version: "1.5", ..Made::of("foo", "bat", GOOD) }.put(&frontend).await;
    let two = Made { version: "1.6", ..Made::of("foo", "bat", GOOD) }.put(&frontend).await;
    Made { version: "1.7", ..Made::of("foo", "bat", BAD) }.put(&frontend).await;
    let at = "/coprs/packages/search/";
    shows(&frontend.get(at).await, &["Type the whole name"]);
    let both = frontend.get(&format!("{at}?name=bat")).await;
    has_one_heading(&both);
    shows(
        &both,
        &["bat-2:1.6-1.fc43.x86_64", "bat-2:1.5-1.fc43.x86_64", &format!("/coprs/alice/foo/build/{two}/")],
    );
    hides(&both, &["bat-2:1.7"]);
    for query in
        ["version=1.5", "epoch=2&version=1.5", "version=1.5&release=1.fc43", "version=1.5&arch=x86_64"]
    {
        let page = frontend.get(&format!("{at}?name=bat&{query}")).await;
        shows(&page, &[&format!("/coprs/alice/foo/build/{one}/")]);
        hides(&page, &[&format!("/coprs/alice/foo/build/{two}/")]);
    }
    for query in ["name=ba", "name=bat&epoch=3", "name=bat&release=2", "name=bat&arch=s390x"] {
        shows(&frontend.get(&format!("{at}?{query}")).await, &["No package matches"]);
    }
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exploring_shows_where_something_happens() {
    let frontend = Frontend::start().await;
    shows(&frontend.get("/explore/").await, &["Nothing was built yet"]);
    let alice = frontend.member("alice").await.with_project("busy").await.with_project("last").await;
    let hidden = json!({ "name": "hidden", "chroots": [CHROOTS[0]], "unlisted_on_hp": true });
    alice.post("/api_3/project/add/alice", &hidden).await.ok();
    for project in ["busy", "busy", "hidden", "last"] {
        Made::of(project, "bat", GOOD).put(&frontend).await;
    }
    let page = frontend.get("/explore").await;
    has_one_heading(&page);
    shows(&page, &["2 builds", "1 build<"]);
    hides(&page, &["alice/hidden", "downloads", "Most forks"]);
    let (recent, busiest) = page.text.split_once("Most builds").unwrap();
    assert!(recent.find("alice/last") < recent.find("alice/busy"), "{recent}");
    assert!(busiest.find("alice/busy") < busiest.find("alice/last"), "{busiest}");
    frontend.close().await;
}
