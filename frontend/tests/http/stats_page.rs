//! The page of statistics.

use coppice_store::{StoreError, plain};

use coppice_runtime::Clock;

use crate::{build_forms::alice_with_foo, support::Frontend};

#[tokio::test(flavor = "multi_thread")]
async fn statistics_are_drawn_and_said() {
    let frontend = Frontend::start().await;
    let alice = alice_with_foo(&frontend).await;
    let ids = [alice.submits("foo").await, alice.submits("foo").await];
    let now = Clock::System.now().0;
    let (hour, week) = (now - 3_600, now - 7 * 86_400);
    let ended = |build: i64, chroot: &str, state: &str, at: i64| {
        format!(
            "INSERT INTO build_chroots (build_id, chroot, state, attempt, ended_on) \
             VALUES ({build}, '{chroot}', '{state}', 1, {at});"
        )
    };
    let text = ended(ids[0], "fedora-43-x86_64", "succeeded", hour)
        + &ended(ids[0], "epel-9-x86_64", "failed", hour)
        + &ended(ids[1], "fedora-43-x86_64", "skipped", week);
    let done = frontend.store().write(move |tx| plain::run(tx, &text));
    done.await.map_err(|error: StoreError| error).unwrap();
    let page = frontend.get("/status/stats/").await;
    assert_eq!(page.status, 200);
    let page = page.text;
    for text in [
        "half hour of the last day, each chroot by itself: 2 in all, 50 percent failed, 0 canceled or skipped",
        "last 90 days, each chroot by itself: 3 in all, 33 percent failed, 1 canceled or skipped",
        "last 90 days: 2 in all, by at most 1 people",
        "<title id=\"c-day\">",
        "<rect class=\"a\"",
        "<rect class=\"b2\"",
        "<rect class=\"c2\"",
        "fedora-43-x86_64</th>",
        "create key</th>",
    ] {
        assert!(page.contains(text), "{text} is missing in\n{page}");
    }
    assert!(!page.contains(" style=") && page.contains("aria-current=\"page\">Statistics"), "{page}");
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_service_has_empty_statistics() {
    let frontend = Frontend::start_bare(|_| {}).await;
    let page = frontend.get("/status/stats/").await.text;
    assert!(
        page.contains("on each of the last 90 days: none") && page.contains("Nothing ended yet."),
        "{page}"
    );
    assert!(!page.contains("<rect"), "{page}");
    frontend.close().await;
}
