//! Logs as people read them.

use std::time::{Duration, Instant};

use crate::{
    building::{alice, failed, packed, start, uploaded},
    support::CHROOTS,
};

const LOG: &str = "==> fetching sources of commit 1\n\
    ==> running rpmbuild\n\
    Executing(%prep): /bin/sh -e /var/tmp/rpm-tmp.a\n\
    + true\n\
    Executing(%build): /bin/sh -e /var/tmp/rpm-tmp.b\n\
    main.c:3:1: warning: unused variable <x>\n\
    main.c:12:5: error: expected ';' before 'return'\n\
    make: *** [Makefile:8: main.o] Error 1\n\
    error: Bad exit status from /var/tmp/rpm-tmp.b (%build)\n\
    ==> failed: the build failed in %build\n";

#[track_caller]
fn holds(page: &str, texts: &[&str]) {
    for text in texts {
        let main = page.split("<main").nth(1).unwrap_or(page).split("</main>").next().unwrap_or(page);
        let shown: String = main.chars().take(9_000).collect();
        assert!(page.contains(text), "{text} is missing in\n{shown}");
    }
}

/// The text of the element that begins with `start`.
fn line(page: &str, n: u64) -> &str {
    let start = format!("id=\"L{n}\"><a href=\"#L{n}\">{n}</a><span>");
    let (_, rest) = page.split_once(&start).unwrap_or_else(|| panic!("no line {n} in\n{page}"));
    rest.split("</span>").next().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_builds_log_says_first_why_and_marks_every_line() {
    let (frontend, results) = start().await;
    let alice = alice(&frontend).await;
    let build = failed(&frontend, &alice, 342).await;
    results.files.put(&format!("{}/builder-live.log.gz", build.folder()), packed(LOG.as_bytes()));
    let page = frontend.get(&build.log()).await;
    assert_eq!(page.status, 200, "{}", page.text);
    holds(
        &page.text,
        &[
            "In %build, the compiler stops.",
            "3 error lines. The first, line 7: <a href=\"#L7\" class=\"mono\">main.c:12:5: error: expected &#39;;&#39;",
            "data-s=\"fail\">failed</span>",
            "attempt 1",
            "3:52",
            "local-1",
            "End of the log, 10 lines.",
            &format!("{}/builder-live.log\">", build.folder()),
            "?file=build\">build.log</a>",
        ],
    );
    assert_eq!(line(&page.text, 1), "==&gt; fetching sources of commit 1");
    assert_eq!(line(&page.text, 6), "main.c:3:1: warning: unused variable &lt;x&gt;");
    holds(&page.text, &["class=\"l e\" id=\"L7\"", "class=\"l w\" id=\"L6\"", "class=\"l c\" id=\"L5\""]);
    // The stage that failed is open, the others are closed; the numbers lead to each of them.
    let stages: Vec<&str> =
        page.text.split("<details").skip(1).filter(|part| part.contains("class=\"l")).collect();
    let open: Vec<bool> = stages.iter().map(|part| part.starts_with(" open>")).collect();
    assert_eq!(open, [false, false, false, true], "{}", page.text);
    holds(stages[3], &["%build<span>3 errors, 1 warning</span><span class=\"num\">6 lines</span>"]);
    assert!(!page.text.contains("data-stream") && !page.text.contains("style="), "{}", page.text);
    assert_eq!(frontend.get(&format!("{}?file=nosuch", build.log())).await.status, 404);
    assert_eq!(frontend.get(&format!("{}?attempt=2", build.log())).await.status, 404);
    frontend.close().await;
    results.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_output_does_nothing_on_the_page() {
    let (frontend, results) = start().await;
    let alice = alice(&frontend).await;
    let build = failed(&frontend, &alice, 160).await;
    let mut log =
        b"==> running </span><script>alert(1)</script>\n\x1b]0;own\x07\0\xff\xe2\x80\xae\n".to_vec();
    log.extend(vec![b'x'; 3 << 20]);
    log.extend(b"\na.c:1:1: error: <img src=x onerror=alert(1)>\nno end");
    results.files.put(&format!("{}/builder-live.log.gz", build.folder()), packed(&log));
    let page = frontend.get(&build.log()).await.text;
    assert!(!page.contains("<script>alert") && !page.contains("<img"), "{page}");
    assert_eq!(line(&page, 2), "\u{241b}]0;own\u{2407}\u{2400}\u{fffd}[U+202E]");
    assert!(line(&page, 3).len() < 3_000 && line(&page, 3).contains("more bytes in the raw log"));
    assert_eq!(line(&page, 5), "no end");
    frontend.close().await;
    results.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_a_lost_attempt_is_kept_beside_the_next() {
    let (frontend, results) = start().await;
    let alice = alice(&frontend).await;
    let build = uploaded(&frontend, &alice).await;
    build.imports(100).await;
    let missing = frontend.get(&build.log()).await;
    assert_eq!(missing.status, 200);
    holds(&missing.text, &["No builder has it yet.", &build.page(), "data-live=", "data-begins"]);
    build.runs(1, 110).await;
    let live = format!("{}/builder-live.log", build.folder());
    results.files.put(&live, "==> running rpmbuild\nof the first\nhalf a li");
    let page = frontend.get(&build.log()).await.text;
    assert_eq!(line(&page, 2), "of the first");
    holds(
        &page,
        &["2 lines so far. The build is still writing.", "events?attempt=1\" data-next=\"3\"", "data-tail"],
    );
    assert!(!page.contains("half a li"), "a line without its end may be half a character: {page}");
    results.files.pack(&live, &format!("{}/builder-live.attempt-1.log", build.folder()));
    build.is_lost(1, 150).await;
    build.runs(2, 160).await;
    results.files.put(&live, "of the second, which is longer than the first and has other lines\n");
    let first = frontend.get(&format!("{}?attempt=1", build.log())).await.text;
    assert_eq!((line(&first, 2), line(&first, 3)), ("of the first", "half a li"));
    holds(&first, &["builder lost", "attempt 1 of 2", "?attempt=2\" title=\"\">Attempt 2</a>"]);
    let second = frontend.get(&build.log()).await.text;
    assert_eq!(line(&second, 1), "of the second, which is longer than the first and has other lines");
    holds(&second, &["attempt 2 of 2", "title=\"lost: no word for 60 s\">Attempt 1</a>"]);
    frontend.close().await;
    results.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_of_a_hundred_megabytes_is_read_in_parts_and_at_once() {
    let (frontend, results) = start().await;
    let alice = alice(&frontend).await;
    let build = failed(&frontend, &alice, 160).await;
    results.files.put(&format!("{}/builder-live.log.gz", build.folder()), packed(&long_log()));
    let before = memory_peak();
    let page = frontend.get(&build.log()).await.text;
    let grown = memory_peak().saturating_sub(before);
    assert!(grown < 80 << 20, "reading the log took {} MB", grown >> 20);
    holds(&page, &["The log is long", "Lines 201 to 599,701 are left out.", "1,000,004 lines"]);
    assert_eq!(line(&page, 600_002), "main.c:1:1: error: the only one");
    assert_eq!(line(&page, 1_000_004), "==&gt; failed: x");
    assert!(page.len() < 2 << 20, "{}", page.len());
    for (query, wanted) in [
        ("", "id=\"L600002\""),
        ("?from=777777", "id=\"L777777\""),
        ("?q=THE+ONLY+ONE", "1 line holds these words."),
    ] {
        let asked = Instant::now();
        let page = frontend.get(&format!("{}{query}", build.log())).await.text;
        let took = asked.elapsed();
        holds(&page, &[wanted]);
        // A test is built without optimisation; what is released is some ten times as fast.
        assert!(took < Duration::from_secs(4), "{query:?} took {took:?}");
    }
    let found = frontend.get(&format!("{}?q=the+only", build.log())).await.text;
    holds(&found, &["?from=599982#L600002\">600002</a>"]);
    frontend.close().await;
    results.close().await;
}

/// About a hundred megabytes with one error after three fifths.
fn long_log() -> Vec<u8> {
    let mut log = b"Executing(%build): /bin/sh\n".to_vec();
    for n in 0..1_000_000 {
        if n == 600_000 {
            log.extend(b"main.c:1:1: error: the only one\n");
        }
        log.extend(format!("gcc -O2 -g -pipe -Wall -c source-{n:07}.c -o objects/source-{n:07}.o -I include -DNDEBUG --param=a\n").bytes());
    }
    log.extend(b"error: Bad exit status from x (%build)\n==> failed: x\n");
    assert!(log.len() > 95 << 20, "{}", log.len());
    log
}

/// The most memory that this process ever had, in bytes.
fn memory_peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
}

#[tokio::test(flavor = "multi_thread")]
async fn the_source_phase_has_its_log_and_what_has_none_says_so() {
    let (frontend, results) = start().await;
    let alice = alice(&frontend).await;
    let build = uploaded(&frontend, &alice).await;
    let source = frontend.get(&format!("{}log/source/", build.page())).await.text;
    holds(&source, &["The source package was uploaded, so that no builder made it"]);
    for wrong in [
        format!("{}log/nosuch/", build.page()),
        format!("/coprs/alice/bar/build/{}/log/{}/", build.id, CHROOTS[0]),
        format!("/coprs/alice/foo/build/999999/log/{}/", CHROOTS[0]),
    ] {
        assert_eq!(frontend.get(&wrong).await.status, 404, "{wrong}");
    }
    frontend.close().await;
    results.close().await;
}
