//! The page of a build in each of its states, as a user reads it.

use coppice_model::{
    UnixTime,
    messages::{Progress, Report},
    state::Stage,
    work::{Failure, FailureCause, TaskId, TaskOutcome},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    browser::{says, words},
    building::{Building, Files, alice, failed, packed, running, start, uploaded},
    support::{CHROOTS, Frontend, Member, until},
};

async fn page(frontend: &Frontend, build: &Building<'_>) -> String {
    let answer = frontend.get(&build.page()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(!answer.text.contains("style="), "the page has styles of its own");
    words(&answer.text)
}

/// What the backend says about the waiting task of a build.
fn waits(files: &Files, build: &Building<'_>, held: Value, ahead: usize) {
    let task = json!([{
        "task": build.task(), "since": 50, "held": held, "ahead": ahead, "arch": "x86_64", "background": false
    }]);
    files.put(&format!("queue/{}", build.id), task.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_build_never_says_only_that_it_waits() {
    let (frontend, others) = start().await;
    let alice = alice(&frontend).await;
    let build = uploaded(&frontend, &alice).await;
    let text = page(&frontend, &build).await;
    says(
        &text,
        &["importing", "The sources are being stored in dist-git.", "Submitted", "by alice", "Installable"],
    );
    build.imports(100).await;
    says(&page(&frontend, &build).await, &["pending", "It is on its way to the queue of the builders."]);
    for (held, ahead, sentences) in [
        (
            json!({"by": "builders", "busy": 3}),
            2,
            &["All 3 x86_64 builders are busy.", "2 tasks before it in line."][..],
        ),
        (
            json!({"by": "builders", "busy": 0}),
            0,
            &["A x86_64 builder is being made ready.", "It is the next in line."],
        ),
        (
            json!({"by": "owner", "running": 20, "most": 20}),
            3,
            &[
                "Your own limit is reached.",
                "20 of 20 builders work for alice.",
                "3 tasks before it in that line.",
                "Other owners do not delay it.",
            ],
        ),
        (
            json!({"by": "project", "running": 10, "most": 10}),
            0,
            &["10 of 10 builders work for alice in this project by one submitter."],
        ),
        (
            json!({"by": "no_builder"}),
            0,
            &["on hold", "There is no x86_64 builder now.", "nothing needs to be done"],
        ),
        (json!({"by": "earlier"}), 0, &["The attempt before is being closed."]),
    ] {
        waits(&others.files, &build, held.clone(), ahead);
        let text = page(&frontend, &build).await;
        says(&text, sentences);
        says(&text, &["In the queue since"]);
    }
    others.close().await;
    let text = page(&frontend, &build).await;
    says(&text, &["The service that keeps the queue does not answer just now"]);
    // A build by address waits for a builder before there are any chroots.
    let id = alice.submits("foo").await;
    let text = words(&frontend.get(&format!("/coprs/alice/foo/build/{id}/")).await.text);
    says(&text, &["pending", "It waits for a builder.", "Nothing is lost."]);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_names_the_builds_that_it_waits_for() {
    let (frontend, others) = start().await;
    let alice = alice(&frontend).await;
    let first = uploaded(&frontend, &alice).await;
    let body = json!({
        "ownername": "alice", "projectname": "foo", "pkgs": ["https://example.com/hello-2-1.src.rpm"],
        "after_build_id": first.id.0
    });
    let second = alice.post("/api_3/build/create/url", &body).await.ok()["items"][0]["id"].as_i64().unwrap();
    let text = words(&frontend.get(&format!("/coprs/alice/foo/build/{second}/")).await.text);
    says(
        &text,
        &[
            &format!("It waits for build {}.", first.id),
            "Its batch begins when all builds of the batch before",
        ],
    );
    frontend.close().await;
    others.close().await;
}

/// Earlier builds of the package, which took so many seconds.
async fn built_before(frontend: &Frontend, alice: &Member<'_>, seconds: &[i64]) {
    for seconds in seconds {
        let earlier = uploaded(frontend, alice).await;
        earlier.imports(100).await;
        earlier.runs(1, 1_000).await;
        earlier.succeeds(1, 1_000 + seconds).await;
    }
}

/// The words of the page as soon as they hold a sentence.
async fn until_says(frontend: &Frontend, build: &Building<'_>, sentence: &str) -> String {
    let asked = async || Some(page(frontend, build).await).filter(|text| text.contains(sentence));
    until(sentence, asked).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_build_says_how_long_it_usually_takes() {
    let (frontend, others) = start().await;
    let alice = alice(&frontend).await;
    built_before(&frontend, &alice, &[271, 242, 320]).await;
    let build = uploaded(&frontend, &alice).await;
    build.imports(2_000).await;
    waits(&others.files, &build, json!({"by": "builders", "busy": 1}), 1);
    let sentence = "Starts in about 7 min, by the task before it. Then: usually 4:31 (4:02 to 5:20 in the last 3 builds).";
    says(&page(&frontend, &build).await, &["The only x86_64 builder is busy.", sentence]);
    build.runs(1, 2_010).await;
    let answer = frontend.get(&build.page()).await.text;
    let usual = "Usually 4:31 (4:02 to 5:20 in the last 3 builds).";
    says(&words(&answer), &["running", "It is being built.", usual, "Live log"]);
    assert!(answer.contains(&format!("data-live=\"/events/build/{}/\"", build.id)), "{answer}");
    frontend.close().await;
    others.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_built_says_how_far_it_is_from_being_installable() {
    let (frontend, others) = start().await;
    let alice = alice(&frontend).await;
    let build = uploaded(&frontend, &alice).await;
    build.imports(2_000).await;
    build.runs(1, 2_010).await;
    build.progresses(1, Progress::Stage { stage: Stage::Signing }, 2_300).await;
    until_says(&frontend, &build, "The packages are checked and signed").await;
    build.progresses(1, Progress::Stage { stage: Stage::Publishing }, 2_310).await;
    let text = until_says(&frontend, &build, "publishing").await;
    says(&text, &["It waits for the next publication of this repository.", "4:50", "1 of 1"]);
    let reason = "the disk is full".to_owned();
    build.progresses(1, Progress::Delayed { stage: Stage::Publishing, reason }, 2_320).await;
    let text = until_says(&frontend, &build, "the disk is full").await;
    says(&text, &["It stands still, for a reason that is ours, not yours.", "nothing of the build is lost"]);
    build.succeeds(1, 2_400).await;
    let answer = frontend.get(&build.page()).await.text;
    let package = "hello 1-1 1 of 1";
    let git = "http://distgit/git/alice/foo/hello";
    says(&words(&answer), &["succeeded", "1 succeeded.", "RPMs", package, git, "ccccccc"]);
    assert!(!answer.contains("data-live"), "a build that ended has no news");
    frontend.close().await;
    others.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_builder_is_our_fault_and_its_log_stays() {
    let (frontend, others) = start().await;
    let alice = alice(&frontend).await;
    let build = running(&frontend, &alice).await;
    build.is_lost(1, 170).await;
    waits(&others.files, &build, json!({"by": "builders", "busy": 2}), 0);
    let answer = frontend.get(&build.page()).await.text;
    says(
        &words(&answer),
        &[
            "retrying",
            "Attempt 2 follows, for a reason that is ours, not yours. All 2 x86_64 builders are busy.",
            "attempt 1 lost: no word for 60 s · local-1",
            "does not count as a failure",
            "Log kept",
        ],
    );
    assert!(answer.contains(&format!("{}?attempt=1\">Log kept", build.log())), "{answer}");
    frontend.close().await;
    others.close().await;
}

const LOG: &str = "==> running rpmbuild\nExecuting(%build): /bin/sh\n+ make\nmain.c:12:5: error: 'x' undeclared\n\
    make: *** [Makefile:8: main.o] Error 1\nerror: Bad exit status from /var/tmp/rpm-tmp.b (%build)\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_shows_its_first_error_and_remembers_it() {
    let (frontend, others) = start().await;
    let alice = alice(&frontend).await;
    let build = failed(&frontend, &alice, 342).await;
    let log = format!("{}/builder-live.log.gz", build.folder());
    others.files.put(&log, packed(LOG.as_bytes()));
    let sentences = [
        &format!("{} failed", CHROOTS[0])[..],
        "In %build, the compiler stops.",
        "main.c:12:5: error: 'x' undeclared",
        "First error, line 4",
        "Open the log at the first error",
        "3:52",
    ];
    let answer = frontend.get(&build.page()).await.text;
    says(&words(&answer), &sentences);
    assert!(answer.contains(&format!("{}#L4\" data-n=\"4\">main.c", build.log())), "{answer}");
    // Asked once, kept for all: another frontend needs no log for it.
    others.files.remove(&log);
    let second = frontend.second().await;
    says(&words(&second.get(&build.page()).await.text), &sentences);
    second.close().await;
    frontend.close().await;
    others.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_log_a_failure_still_says_what_was_reported() {
    let (frontend, others) = start().await;
    let alice = alice(&frontend).await;
    let build = failed(&frontend, &alice, 342).await;
    says(&page(&frontend, &build).await, &["failed", "the build failed in %build", "Open the log"]);
    // An address that gave no sources.
    let id = coppice_model::BuildId(alice.submits("foo").await);
    let failure =
        Failure { cause: FailureCause::SourceFetch, message: "https://example.com answered 404".into() };
    let (task, attempt) = (TaskId::Source(id), coppice_model::Attempt::FIRST);
    let outcome = TaskOutcome::Failed(failure);
    frontend.report(Report::FinishedV1 { task, attempt, outcome, at: UnixTime(200) }).await;
    let text = until("the source phase has failed", async || {
        let text = words(&frontend.get(&format!("/coprs/alice/foo/build/{id}/")).await.text);
        text.contains("failed").then_some(text)
    });
    says(
        &text.await,
        &[
            "The sources could not be fetched",
            "https://example.com answered 404",
            "None came out of this build.",
        ],
    );
    frontend.close().await;
    others.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_build_is_compared_with_the_last_good_one() {
    let (frontend, others) = start().await;
    let alice = alice(&frontend).await;
    let good = running(&frontend, &alice).await;
    good.succeeds(1, 160).await;
    let build = uploaded(&frontend, &alice).await;
    build.imports(200).await;
    build.runs(1, 210).await;
    build.fails(1, 260).await;
    let nevra = |name: &str, version: &str| json!({"name": name, "epoch": null, "version": version, "release": "1", "arch": "x86_64"});
    let root = json!([nevra("gcc", "14"), nevra("bash", "5"), nevra("old<b>", "1")]);
    others.files.put(&format!("{}/buildroot.json", good.folder()), root.to_string());
    // What failed has an empty list there, and a log of what was installed.
    others.files.put(&format!("{}/buildroot.json", build.folder()), "[]");
    let list = packed(b"bash-5-1.x86_64\ngcc-15-1.x86_64\nnew-2:1-1.noarch\n");
    others.files.put(&format!("{}/installed_pkgs.log.gz", build.folder()), list);
    let answer = frontend.get(&build.page()).await.text;
    says(&words(&answer), &[&format!("Compare with {}, the last good build", good.id)]);
    let compared = frontend.get(&format!("{}compare/{}/", build.page(), CHROOTS[0])).await;
    let text = words(&compared.text);
    says(
        &text,
        &[
            "1 changed, 1 added, 1 removed of 3 packages in the build root.",
            "gcc x86_64 14-1 15-1",
            "new noarch – 2:1-1",
            "old<b> x86_64 1-1 –",
        ],
    );
    assert!(!compared.text.contains("old<b>") && !text.contains("bash"), "{text}");
    let first = frontend.get(&format!("{}compare/{}/", good.page(), CHROOTS[0])).await.text;
    says(&words(&first), &["This package was never built well for this chroot before."]);
    assert_eq!(frontend.get(&format!("{}compare/nosuch/", build.page())).await.status, 404);
    frontend.close().await;
    others.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_build_cancels_builds_again_and_deletes() {
    let (frontend, others) = start().await;
    let alice = alice(&frontend).await;
    frontend.member("mallory").await;
    let build = uploaded(&frontend, &alice).await;
    build.imports(100).await;
    let (visitor, stranger) = (frontend.visitor(), frontend.browser("mallory").await);
    for (browser, who) in [(&visitor, "a visitor"), (&stranger, "a stranger")] {
        let page = browser.get(&build.page()).await.text;
        assert!(!page.contains("Cancel the rest") && !page.contains("Build again"), "{who} sees buttons");
    }
    let browser = frontend.browser("alice").await;
    let cancel = format!("/coprs/alice/foo/cancel_build/{}/", build.id);
    assert_eq!(browser.forge(&cancel, &[]).await.status, 403);
    let canceled = browser.submit(&build.page(), &cancel, &[]).await;
    assert_eq!((canceled.status.as_u16(), canceled.header("location")), (303, build.page().as_str()));
    let after = browser.get(&build.page()).await.text;
    assert!(after.contains("What had not ended is canceled."), "{after}");
    says(&words(&after), &["canceled", "Build again", "Delete"]);
    // Twice is a conflict that says so.
    let twice = browser.submit(&build.page(), &cancel, &[]).await;
    assert_eq!(twice.status, 409, "{}", twice.text);
    let form = format!("/coprs/alice/foo/repeat_build/{}/", build.id);
    let asked = browser.get(&form).await.text;
    assert!(asked.contains(&format!("name=\"chroots\" value=\"{}\" checked", CHROOTS[0])), "{asked}");
    let led = browser.get(&form.replace("repeat_build", "repeat_build_ssh")).await;
    assert_eq!((led.status.as_u16(), led.header("location")), (303, form.trim_end_matches('/')));
    assert!(browser.get(&form).await.text.contains("so nobody can log in to one"), "the page says why");
    let again = format!("/coprs/alice/foo/new_build_rebuild/{}/", build.id);
    let none = browser.submit(&form, &again, &[]).await;
    assert_eq!(none.status, 400);
    says(&words(&none.text), &["Choose at least one chroot."]);
    let made = browser.submit(&form, &again, &[("chroots", CHROOTS[0])]).await;
    let next = Building { frontend: &frontend, id: coppice_model::BuildId(build.id.0 + 1) };
    assert_eq!((made.status.as_u16(), made.header("location")), (303, next.page().as_str()), "{}", made.text);
    next.until_is("pending").await;
    let delete = format!("/coprs/alice/foo/delete_build/{}/", build.id);
    assert_eq!(stranger.get(&format!("/coprs/alice/foo/repeat_build/{}/", build.id)).await.status, 403);
    let deleted = browser.submit(&build.page(), &delete, &[]).await;
    assert_eq!((deleted.status.as_u16(), deleted.header("location")), (303, "/coprs/alice/foo/builds/"));
    assert_eq!(frontend.get(&build.page()).await.status, 404);
    let login = frontend.visitor().get(&format!("/coprs/alice/foo/repeat_build/{}/", next.id)).await;
    assert_eq!(login.status.as_u16(), 302);
    assert!(login.header("location").starts_with("/login/?next="), "{}", login.header("location"));
    assert_eq!(frontend.request(Method::GET, &cancel).send().await.unwrap().status(), 405);
    frontend.close().await;
    others.close().await;
}
