//! The pages of the queue and the newest builds: what visitors see of what waits and runs.

use coppice_store::{StoreError, plain};
use reqwest::Method;
use serde_json::json;

use crate::{
    build_forms::{alice_with_foo, group_with_bar},
    support::{CHROOTS, Frontend, Member},
};

async fn submit(member: &Member<'_>, more: serde_json::Value) -> i64 {
    let mut body = json!({
        "ownername": "alice", "projectname": "foo", "pkgs": ["https://example.com/hello-1-1.src.rpm"],
        "chroots": [CHROOTS[0], CHROOTS[1]]
    });
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    member.post("/api_3/build/create/url", &body).await.ok()["items"][0]["id"].as_i64().unwrap()
}

async fn run(frontend: &Frontend, statements: String) {
    let done = frontend.store().write(move |tx| plain::run(tx, &statements));
    done.await.map_err(|error: StoreError| error).unwrap();
}

/// As if a builder had both chroots.
fn started(build: i64, state: &str) -> String {
    format!(
        "UPDATE builds SET source_state = 'succeeded', package = 'hello' WHERE id = {build}; \
         UPDATE build_chroots SET state = '{state}', started_on = 1800000000, builder = 'builder-7' \
         WHERE build_id = {build};"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_overview_counts_by_architecture_and_owner() {
    let frontend = Frontend::start().await;
    assert!(frontend.get("/status/").await.text.contains("Nothing waits and nothing runs"));
    let alice = alice_with_foo(&frontend).await;
    let (running, pending, back) = (
        submit(&alice, json!({})).await,
        submit(
            &alice,
            json!({ "pkgs": ["https://example.com/%3Cscript%3E.src.rpm?<script>x</script>.src.rpm"] }),
        )
        .await,
        submit(&alice, json!({ "background": true })).await,
    );
    run(&frontend, started(running, "running")).await;
    let page = frontend.get("/status/").await.text;
    for text in [
        "<dt>Running now</dt><dd class=\"big m0\">2</dd>",
        "<dt>Pending</dt><dd class=\"big m0\">1 <small>+1 background</small></dd>",
        "aria-label=\"1 running, 0 pending\"",
        "aria-label=\"0 running, 2 pending\"",
        "aria-label=\"100 percent of what runs\"",
        "<a href=\"/status/pending/\">Pending<span>2</span></a>",
        &format!("/coprs/alice/foo/build/{pending}/"),
    ] {
        assert!(page.contains(text), "{text} is missing in\n{page}");
    }
    assert!(!page.contains("<script>x") && !page.contains(" style="), "{page}");
    assert!(!page.contains(&format!("/build/{back}/")), "the background is not next\n{page}");
    let own = frontend.browser("alice").await.get("/status/").await.text;
    assert!(own.contains("class=\"me\"") && own.contains("<span class=\"chip\">you</span>"), "{own}");
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_state_has_its_list() {
    let frontend = Frontend::start().await;
    let alice = alice_with_foo(&frontend).await;
    group_with_bar(&frontend, &alice).await;
    let (running, starting) = (submit(&alice, json!({})).await, submit(&alice, json!({})).await);
    let (pending, back) =
        (submit(&alice, json!({})).await, submit(&alice, json!({ "background": true })).await);
    let of_group = json!({ "ownername": "@crew", "projectname": "bar", "chroots": [CHROOTS[0]] });
    let importing = submit(&alice, of_group).await;
    let import = format!("UPDATE builds SET source_state = 'importing' WHERE id = {importing};");
    run(&frontend, started(running, "running") + &started(starting, "starting") + &import).await;
    let page = frontend.get("/status/running/").await.text;
    assert!(page.contains("<h2 id=\"h-t\">2 running</h2>") && page.contains("builder-7"), "{page}");
    assert!(page.contains(CHROOTS[0]) && page.contains(CHROOTS[1]) && page.contains(">hello</a>"), "{page}");
    let page = frontend.get("/status/starting/").await.text;
    assert!(
        page.contains(&format!("/build/{starting}/")) && !page.contains(&format!("/build/{running}/")),
        "{page}"
    );
    let page = frontend.get("/status/importing/").await.text;
    assert!(
        page.contains(&format!("/coprs/g/crew/bar/build/{importing}/")) && page.contains(">sources</td>"),
        "{page}"
    );
    let page = frontend.get("/status/pending/").await.text;
    assert!(page.contains("1 pending") && page.contains(&format!("/build/{pending}/")), "{page}");
    assert!(!page.contains(&format!("/build/{back}/")) && page.contains("In the background"), "{page}");
    let page = frontend.get("/status/pending/all/").await.text;
    assert!(page.contains("2 pending") && page.contains(&format!("/build/{back}/")), "{page}");
    assert!(page.contains("<span class=\"chip\">background</span>"), "{page}");
    assert_eq!(frontend.get("/status/sleeping/").await.status, 404);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn long_lists_are_shown_in_parts() {
    let frontend = Frontend::start().await;
    let alice = alice_with_foo(&frontend).await;
    let urls: Vec<String> = (0..103).map(|n| format!("https://example.com/p{n}.src.rpm")).collect();
    submit(&alice, json!({ "pkgs": urls })).await;
    let first = frontend.get("/status/pending/").await.text;
    assert!(first.contains("103 pending") && first.contains("href=\"?page=1\" rel=\"next\""), "{first}");
    assert!(first.contains(">p99.src.rpm</a>") && !first.contains(">p100.src.rpm</a>"));
    let second = frontend.get("/status/pending/?page=1").await.text;
    assert!(
        second.contains(">p102.src.rpm</a>")
            && second.contains("rel=\"prev\"")
            && !second.contains("rel=\"next\"")
    );
    for odd in ["-1", "x", "99999999999999999999"] {
        assert_eq!(frontend.get(&format!("/status/pending/?page={odd}")).await.status, 200, "{odd}");
    }
    let recent = frontend.get("/recent/").await.text;
    assert!(recent.contains(">p102.src.rpm</a>") && !recent.contains(">p52.src.rpm</a>"), "{recent}");
    let older = recent.split("href=\"?before=").nth(1).unwrap().split('"').next().unwrap();
    let next = frontend.get(&format!("/recent/all/?before={older}")).await.text;
    assert!(
        next.contains(">p52.src.rpm</a>") && next.contains("href=\"/recent/all/\" rel=\"prev\""),
        "{next}"
    );
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_say_what_they_wait_for() {
    let frontend = Frontend::start().await;
    assert!(frontend.get("/status/batches/").await.text.contains("No batch waits"));
    let alice = alice_with_foo(&frontend).await;
    let first = submit(&alice, json!({})).await;
    let second = submit(&alice, json!({ "after_build_id": first })).await;
    let list = frontend.get("/status/batches/").await.text;
    assert!(
        list.contains("/status/batches/detail/1/")
            && list.contains("<a href=\"/status/batches/detail/1/\">batch 1</a>"),
        "{list}"
    );
    for path in ["/status/batches/detail/2/", "/batches/detail/2/"] {
        let page = frontend.get(path).await.text;
        assert!(page.contains("<h1>Batch 2</h1>") && page.contains("Nothing of it starts"), "{page}");
        assert!(page.contains(&format!("/coprs/alice/foo/build/{second}/")), "{page}");
    }
    let page = frontend.get("/batches/detail/1/").await.text;
    assert!(
        page.contains("It waits for no other batch.")
            && page.contains("After it: <a href=\"/status/batches/detail/2/\">"),
        "{page}"
    );
    // What is held is in no queue.
    assert!(frontend.get("/status/pending/").await.text.contains("1 pending"));
    alice.send(Method::PUT, &format!("/api_3/build/cancel/{first}"), &json!({})).await.ok();
    let page = frontend.get("/batches/detail/2/").await.text;
    assert!(page.contains("for which it waited, has ended"), "{page}");
    let pending = frontend.get("/status/pending/").await.text;
    assert!(
        pending.contains(&format!("/build/{second}/"))
            && pending.contains("<a href=\"/status/batches/detail/2/\">2</a>"),
        "{pending}"
    );
    for gone in ["/batches/detail/99/", "/batches/detail/99999999999999999999/"] {
        assert_eq!(frontend.get(gone).await.status, 404, "{gone}");
    }
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn recent_builds_are_of_everybody_or_ones_own() {
    let frontend = Frontend::start().await;
    let alice = alice_with_foo(&frontend).await;
    let bob = frontend.member("bob").await.with_project("own").await;
    let hidden = json!({ "name": "hidden", "chroots": [CHROOTS[0]], "unlisted_on_hp": true });
    alice.post("/api_3/project/add/alice", &hidden).await.ok();
    let (listed, unlisted) = (
        submit(&alice, json!({})).await,
        submit(&alice, json!({ "projectname": "hidden", "chroots": [CHROOTS[0]] })).await,
    );
    let bobs = bob.submits("own").await;
    let all = frontend.get("/recent/").await.text;
    assert!(
        all.contains(&format!("/build/{listed}/")) && all.contains(&format!("/coprs/bob/own/build/{bobs}/")),
        "{all}"
    );
    assert!(!all.contains(&format!("/build/{unlisted}/")), "{all}");
    assert!(all.contains("aria-label=\"2 waiting\""), "{all}");
    assert_eq!(frontend.visitor().get("/recent/my/").await.header("location"), "/login/?next=%2Frecent%2Fmy");
    let browser = frontend.browser("alice").await;
    let own = browser.get("/recent/my/").await.text;
    assert!(
        own.contains(&format!("/build/{listed}/")) && own.contains(&format!("/build/{unlisted}/")),
        "{own}"
    );
    assert!(!own.contains(&format!("/build/{bobs}/")) && own.contains("<h1>My recent builds</h1>"), "{own}");
    frontend.close().await;
}
