//! The matrix of packages and chroots.

use coppice_model::state::ChrootState;
use serde_json::json;

use crate::{
    lists::{GOOD, Made, has_one_heading, hides, link, shows},
    support::{CHROOTS, Frontend},
};

#[tokio::test(flavor = "multi_thread")]
async fn the_matrix_shows_the_newest_build_of_each_cell_failures_first() {
    let frontend = Frontend::start().await;
    let alice = frontend.member("alice").await;
    let body = json!({ "name": "foo", "chroots": [CHROOTS[0], CHROOTS[1], CHROOTS[2]] });
    alice.post("/api_3/project/add/alice", &body).await.ok();
    shows(&frontend.get("/coprs/alice/foo/monitor/").await, &["Nothing was built yet"]);
    let both = |a, b| [(CHROOTS[0], a), (CHROOTS[2], b)];
    let good = both(ChrootState::Succeeded, ChrootState::Succeeded);
    let old = Made::of("foo", "aaa", &good).put(&frontend).await;
    let half = [(CHROOTS[0], ChrootState::Running)];
    let new = Made { version: "2.0", ..Made::of("foo", "aaa", &half) }.put(&frontend).await;
    let failed = both(ChrootState::Failed, ChrootState::Failed);
    let bad = Made::of("foo", "zzz", &failed).put(&frontend).await;
    for path in ["/coprs/alice/foo/monitor", "/coprs/alice/foo/monitor/", "/coprs/alice/foo/monitor/simple/"]
    {
        let page = frontend.get(path).await;
        has_one_heading(&page);
        let cell = |mark: &str, id: i64, word: &str| {
            format!("<a class=\"m\" data-s=\"{mark}\" href=\"/coprs/alice/foo/build/{id}/\">{word}</a>")
        };
        shows(
            &page,
            &[
                &cell("run", new, "running"),
                &cell("ok", old, "succeeded"),
                &cell("fail", bad, "failed"),
                "2.0-1",
                "colspan=\"2\" class=\"g\">Fedora 43<",
                "All 2",
                "Failing 1",
                "Active 1",
            ],
        );
        assert!(page.text.find(">zzz<") < page.text.find(">aaa<"), "{}", page.text);
    }
    let detailed = frontend.get("/coprs/alice/foo/monitor/detailed").await;
    shows(&detailed, &["2.0-1 <span class=\"vh\">running", "1.0-1 <span class=\"vh\">succeeded"]);
    for (query, shown, hidden) in [
        ("?state=failed", ">zzz<", ">aaa<"),
        ("?state=active", ">aaa<", ">zzz<"),
        ("?q=aa", ">aaa<", ">zzz<"),
    ] {
        let page = frontend.get(&format!("/coprs/alice/foo/monitor/{query}")).await;
        shows(&page, &[shown]);
        hides(&page, &[hidden]);
    }
    shows(&frontend.get("/coprs/alice/foo/monitor/?q=nope").await, &["No package matches"]);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_packages_are_several_small_pages() {
    let frontend = Frontend::start().await;
    frontend.member("alice").await.with_project("foo").await;
    for number in 0..300 {
        Made::of("foo", &format!("pkg-{number:03}"), GOOD).put(&frontend).await;
    }
    let (mut path, mut seen, mut pages) = ("?".to_owned(), 0, 0);
    loop {
        let page = frontend.get(&format!("/coprs/alice/foo/monitor/{path}")).await;
        assert!(page.text.len() < 100_000, "{}", page.text.len());
        seen += page.text.matches("<th scope=\"row\"><a").count();
        pages += 1;
        if !page.text.contains("rel=\"next\"") {
            break;
        }
        path = link(&page, "next");
    }
    assert!(pages > 1 && seen == 300, "{pages} {seen}");
    frontend.close().await;
}
