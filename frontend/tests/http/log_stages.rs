//! Stages of a log with their times.

use crate::building::{alice, packed, start, uploaded};

const LOG: &str = "==> running rpmbuild\n==> after 0.4 s\nExecuting(%prep): /bin/sh -e a\n==> after 1.0 s\n+ true\n\
    Executing(%build): /bin/sh -e b\n==> after 13.3 s\nmain.c:12:5: error: expected ';'\n";
const REST: &str = "error: Bad exit status from /var/tmp/rpm-tmp.b (%build)\n==> rpmbuild took 244.9 s\n\
    ==> after 245.3 s\n==> failed: the build failed in %build\n==> after 245.6 s\n";

#[track_caller]
fn holds(page: &str, texts: &[&str]) {
    for text in texts {
        assert!(page.contains(text), "{text} is missing in\n{page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_stage_says_how_long_it_took_and_the_one_that_runs_since_when() {
    let (frontend, others) = start().await;
    let alice = alice(&frontend).await;
    let build = uploaded(&frontend, &alice).await;
    build.imports(1_800_000_000).await;
    build.runs(1, 1_800_000_010).await;
    let live = format!("{}/builder-live.log", build.folder());
    others.files.put(&live, LOG);
    let page = frontend.get(&build.log()).await.text;
    let rail = |name: &str, what: &str| format!("<span>{name}</span><span class=\"mu num sm\">{what}");
    holds(
        &page,
        &[
            &rail("Running rpmbuild", "0.6 s<"),
            &rail("%prep", "12.3 s<"),
            // The log was begun when the builder took the task.
            &rail("%build", "<span data-since=\"2027-01-15T08:00:23Z\">"),
            "%prep<span></span><span class=\"num\">3 lines, 12.3 s</span>",
            "<span class=\"num\">3 lines</span>",
        ],
    );
    others.files.remove(&live);
    others.files.put(&format!("{live}.gz"), packed(format!("{LOG}{REST}").as_bytes()));
    build.fails(1, 1_800_000_256).await;
    let page = frontend.get(&build.log()).await.text;
    holds(
        &page,
        &[
            &rail("%build", "3:52<"),
            "<i class=\"w94\"></i>",
            "%build<span>2 errors</span><span class=\"num\">8 lines, 3:52</span>",
            // The times are lines of the log as any other.
            "<div class=\"l d\" id=\"L4\"><a href=\"#L4\">4</a><span>==&gt; after 1.0 s</span>",
            "In %build, the compiler stops.",
        ],
    );
    assert!(!page.contains("data-since"), "{page}");
    frontend.close().await;
    others.close().await;
}
