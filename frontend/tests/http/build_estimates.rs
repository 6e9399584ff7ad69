//! When something starts and ends, as the page of a build says.

use coppice_runtime::Clock;
use serde_json::{Value, json};

use crate::{
    browser::{says, words},
    building::{Building, Files, alice, start, uploaded},
    support::{Frontend, Member},
};

fn now() -> i64 {
    Clock::System.now().0
}

/// What the backend says about the waiting task of a build.
fn waits(files: &Files, build: &Building<'_>, held: &Value, ahead: usize) {
    let task = json!([{
        "task": build.task(), "since": 50, "held": held, "ahead": ahead, "arch": "x86_64", "background": false
    }]);
    files.put(&format!("queue/{}", build.id), task.to_string());
}

async fn page(frontend: &Frontend, build: &Building<'_>) -> String {
    words(&frontend.get(&build.page()).await.text)
}

/// Builds that took so many seconds an hour ago, the newest last.
async fn built_before(frontend: &Frontend, alice: &Member<'_>, seconds: &[i64]) {
    for seconds in seconds {
        let earlier = uploaded(frontend, alice).await;
        let began = now() - 3_600;
        earlier.imports(began).await;
        earlier.runs(1, began).await;
        earlier.succeeds(1, began + seconds).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_says_when_it_starts_and_what_runs_when_it_ends() {
    let (frontend, others) = start().await;
    let alice = alice(&frontend).await;
    built_before(&frontend, &alice, &[271, 242, 320]).await;
    let running = uploaded(&frontend, &alice).await;
    running.imports(now()).await;
    // It took 320 s when it was last built: there are 290 to go.
    running.runs(1, now() - 30).await;
    let usual = "Usually 4:31 (4:02 to 5:20 in the last 3 builds). About 4 min to go.";
    says(&page(&frontend, &running).await, &[usual]);
    let build = uploaded(&frontend, &alice).await;
    build.imports(now()).await;
    for (held, ahead, sentence) in [
        (
            json!({"by": "builders", "busy": 1}),
            0,
            "It is the next in line. Starts in about 5 min, when the first builder is done. Then: usually 4:31",
        ),
        (json!({"by": "builders", "busy": 1}), 2, "Starts in about 14 min, by the 2 tasks before it."),
        (json!({"by": "owner", "running": 2, "most": 2}), 1, "Starts in about 5 min, by the task before it."),
        (json!({"by": "project", "running": 9, "most": 9}), 300, "Starts in more than 2 h, by the 300 tasks"),
        (
            json!({"by": "builders", "busy": 0}),
            1,
            "There is no estimate: how long a new builder takes is not known.",
        ),
        (json!({"by": "no_builder"}), 0, "nothing needs to be done. There is no estimate before that."),
    ] {
        waits(&others.files, &build, &held, ahead);
        says(&page(&frontend, &build).await, &[sentence]);
    }
    frontend.close().await;
    others.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_is_known_nothing_is_claimed() {
    let (frontend, others) = start().await;
    let alice = alice(&frontend).await;
    let build = uploaded(&frontend, &alice).await;
    build.imports(100).await;
    waits(&others.files, &build, &json!({"by": "builders", "busy": 3}), 2);
    let text = page(&frontend, &build).await;
    says(
        &text,
        &["2 tasks before it in line. There is no estimate: nothing was built here in the last week."],
    );
    assert!(!text.contains("Starts in"), "{text}");
    build.runs(1, now() - 50).await;
    says(&page(&frontend, &build).await, &["was not built here before, so there is no estimate."]);
    build.succeeds(1, now()).await;
    let slow = uploaded(&frontend, &alice).await;
    slow.imports(100).await;
    slow.runs(1, now() - 600).await;
    says(&page(&frontend, &slow).await, &["The last build took 0:5", "It takes longer than usual."]);
    frontend.close().await;
    others.close().await;
}
