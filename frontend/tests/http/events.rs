//! What changes, while it changes: server-sent events as a browser reads them.

use std::time::Duration;

use coppice_model::{messages::Progress, state::Stage};
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::{
    building::{alice, running, start, uploaded},
    support::{CHROOTS, Frontend},
};

#[derive(Debug, Clone, PartialEq, Eq)]
struct Event {
    id: String,
    name: String,
    data: String,
}

impl Event {
    fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap()
    }
}

/// One connection of an `EventSource`.
struct Source {
    response: Response,
    rest: String,
}

impl Source {
    async fn open(frontend: &Frontend, path: &str, last: Option<&str>) -> Self {
        let mut request = frontend.request(Method::GET, path);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = request.header("accept-encoding", "gzip").send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert!(!response.headers().contains_key("content-encoding"));
        Self { response, rest: String::new() }
    }

    /// The next event; `None` at the end.
    async fn next(&mut self) -> Option<Event> {
        loop {
            while let Some((block, rest)) = self.rest.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.rest = rest;
                if let Some(event) = parse(&block) {
                    return Some(event);
                }
            }
            let chunk = tokio::time::timeout(Duration::from_secs(15), self.response.chunk()).await;
            let chunk = chunk.expect("an event or the end comes").unwrap()?;
            self.rest.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// Events up to the one that `is_last`.
    async fn until(&mut self, is_last: impl Fn(&Event) -> bool) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            let ends = is_last(&event);
            events.push(event);
            if ends {
                return events;
            }
        }
        panic!("the stream ended: {events:?}");
    }

    async fn rest(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            events.push(event);
        }
        events
    }
}

fn parse(block: &str) -> Option<Event> {
    let field =
        |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().to_owned();
    let data = block.lines().find_map(|line| line.strip_prefix("data: "))?.to_owned();
    Some(Event { id: field("id: "), name: field("event: "), data })
}

fn says(event: &Event, id: &str, text: &str) -> bool {
    event.name == "state" && event.json()["id"] == id && event.json()["text"] == text
}

fn chroot_id() -> String {
    format!("c-{}-s", CHROOTS[0])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_builds_states_come_as_they_change_and_the_stream_ends_with_it() {
    let frontend = Frontend::start().await;
    let alice = alice(&frontend).await;
    let build = uploaded(&frontend, &alice).await;
    let mut source = Source::open(&frontend, &format!("/events/build/{}/", build.id), None).await;
    let now = source.until(|event| says(event, "c-source-s", "importing")).await;
    assert!(says(&now[0], "b-s", "importing") && now[0].json()["s"] == "src", "{now:?}");
    build.imports(100).await;
    source.until(|event| says(event, &chroot_id(), "pending")).await;
    build.runs(1, 110).await;
    let running = source.until(|event| says(event, &chroot_id(), "running")).await;
    assert_eq!(running.last().unwrap().json()["say"], format!("{}: running", CHROOTS[0]));
    build.progresses(1, Progress::Stage { stage: Stage::Publishing }, 120).await;
    source.until(|event| says(event, &chroot_id(), "publishing")).await;
    build.succeeds(1, 160).await;
    let rest = source.rest().await;
    let done = rest.last().unwrap();
    assert_eq!((done.name.as_str(), done.data.as_str()), ("done", "succeeded"), "{rest:?}");
    // Who comes late gets the final state and the end, without any news being announced.
    let mut late = Source::open(&frontend, &format!("/events/build/{}/", build.id), None).await;
    let rest = late.rest().await;
    assert!(rest.iter().any(|event| says(event, "b-s", "succeeded")), "{rest:?}");
    assert!(rest.iter().all(|event| !event.data.contains("say")), "{rest:?}");
    assert_eq!(rest.last().unwrap().name, "done");
    assert_eq!(frontend.get("/events/build/999/").await.status, 404);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_again_gets_what_was_missed_and_nothing_twice() {
    let frontend = Frontend::start().await;
    let alice = alice(&frontend).await;
    let build = uploaded(&frontend, &alice).await;
    let path = format!("/events/build/{}/", build.id);
    // Somebody else looks all the time.
    let _other = Source::open(&frontend, &path, None).await;
    let mut source = Source::open(&frontend, &path, None).await;
    build.imports(100).await;
    let seen = source.until(|event| says(event, &chroot_id(), "pending")).await;
    let last = seen.last().unwrap().id.clone();
    drop(source);
    build.runs(1, 110).await;
    build.succeeds(1, 160).await;
    let mut again = Source::open(&frontend, &path, Some(&last)).await;
    let missed = again.rest().await;
    let of_chroot: Vec<String> = missed
        .iter()
        .filter(|event| event.name == "state" && event.json()["id"] == chroot_id())
        .map(|event| event.json()["text"].as_str().unwrap().to_owned())
        .collect();
    assert!(!of_chroot.contains(&"pending".to_owned()), "{missed:?}");
    assert_eq!(of_chroot.last().unwrap(), "succeeded");
    assert_eq!(missed.last().unwrap().name, "done");
    // Numbers of another process mean nothing here: the whole state comes.
    let mut foreign = Source::open(&frontend, &path, Some("abcdefabcdef-3")).await;
    assert!(foreign.rest().await.iter().any(|event| says(event, "b-s", "succeeded")));
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_and_the_queue_tell_of_their_builds() {
    let frontend = Frontend::start().await;
    let alice = alice(&frontend).await;
    let mut project = Source::open(&frontend, "/events/project/alice/foo/", None).await;
    let mut queue = Source::open(&frontend, "/events/queue/", None).await;
    queue.until(|event| says(event, "q-pending", "0")).await;
    let build = uploaded(&frontend, &alice).await;
    let id = format!("b-{}", build.id);
    project.until(|event| says(event, &id, "importing")).await;
    build.imports(100).await;
    project.until(|event| says(event, &id, "pending")).await;
    queue.until(|event| says(event, "q-pending", "1")).await;
    alice.submits("foo").await;
    project.until(|event| says(event, "b-2", "pending")).await;
    assert_eq!(frontend.get("/events/project/alice/nosuch/").await.status, 404);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_frontend_commits_another_tells() {
    let one = Frontend::start().await;
    let alice = alice(&one).await;
    let build = uploaded(&one, &alice).await;
    let other = one.second().await;
    let mut source = Source::open(&other, &format!("/events/build/{}/", build.id), None).await;
    source.until(|event| says(event, "b-s", "importing")).await;
    let canceled = alice.send(Method::PUT, &format!("/api_3/build/cancel/{}", build.id), &json!({})).await;
    canceled.ok();
    let rest = source.rest().await;
    assert_eq!(
        (rest.last().unwrap().name.as_str(), rest.last().unwrap().data.as_str()),
        ("done", "canceled")
    );
    other.close().await;
    one.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_follows_a_bounded_number_of_pages() {
    let frontend = Frontend::start_with(|config| config.http.streams_per_address = 2).await;
    let first = Source::open(&frontend, "/events/queue/", None).await;
    let _second = Source::open(&frontend, "/events/queue/", None).await;
    let third = frontend.get("/events/queue/").await;
    assert_eq!((third.status.as_u16(), third.header("retry-after")), (429, "60"));
    drop(first);
    crate::support::until("the place is free again", async || {
        let answer = frontend.request(Method::GET, "/events/queue/").send().await.unwrap();
        (answer.status() == 200).then_some(())
    })
    .await;
    frontend.close().await;
}

fn text(events: &[Event]) -> Vec<(u64, &str)> {
    let lines = events.iter().filter(|event| event.name.is_empty());
    lines.map(|event| (event.id.parse().unwrap(), event.data.split_once('|').unwrap().1)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_comes_line_by_line_and_a_break_costs_no_line() {
    let (frontend, results) = start().await;
    let alice = alice(&frontend).await;
    let build = running(&frontend, &alice).await;
    let live = format!("{}/builder-live.log", build.folder());
    results.files.put(&live, "one\ntwo\nthr");
    let path = format!("{}events?attempt=1", build.log());
    let mut source = Source::open(&frontend, &format!("{path}&from=2"), None).await;
    let first = source.next().await.unwrap();
    assert_eq!((first.id.as_str(), first.data.as_str()), ("2", "|two"));
    results.files.add(&live, "ee\na.c:1:1: error: no\n");
    let more = source.until(|event| event.id == "4").await;
    assert_eq!(text(&more), [(3, "three"), (4, "a.c:1:1: error: no")]);
    assert_eq!(more[1].data, "e|a.c:1:1: error: no");
    drop(source);
    results.files.add(&live, "\u{1b}[2Jfive\n");
    // What was seen last counts more than where the page began.
    let mut again = Source::open(&frontend, &format!("{path}&from=2"), Some("4")).await;
    assert_eq!(text(&[again.next().await.unwrap()]), [(5, "\u{241b}[2Jfive")]);
    results.files.add(&live, "six\nno end");
    results.files.pack(&live, &live);
    build.fails(1, 160).await;
    let rest = again.rest().await;
    assert_eq!(text(&rest), [(6, "six"), (7, "no end")]);
    let end = rest.last().unwrap();
    assert_eq!((end.name.as_str(), end.data.as_str()), ("end", "failed"));
    let mut late = Source::open(&frontend, &path, None).await;
    let all = late.rest().await;
    assert_eq!((all.len(), text(&all)[0]), (8, (1, "one")));
    frontend.close().await;
    results.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_says_when_a_stage_begins() {
    let (frontend, results) = start().await;
    let alice = alice(&frontend).await;
    let build = running(&frontend, &alice).await;
    let live = format!("{}/builder-live.log", build.folder());
    results.files.put(&live, "one\nExecuting(%build): /bin/sh\n");
    let mut source = Source::open(&frontend, &format!("{}events?attempt=1", build.log()), None).await;
    let begun = source.until(|event| event.name == "stage").await;
    assert_eq!(text(&begun), [(1, "one"), (2, "Executing(%build): /bin/sh")]);
    results.files.add(&live, "two\n");
    let plain = source.until(|event| event.id == "3").await;
    assert_eq!(plain.len(), 1, "a plain line begins nothing: {plain:?}");
    frontend.close().await;
    results.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_a_lost_attempt_ends_where_the_next_begins() {
    let (frontend, results) = start().await;
    let alice = alice(&frontend).await;
    let build = running(&frontend, &alice).await;
    let live = format!("{}/builder-live.log", build.folder());
    results.files.put(&live, "first\n");
    let mut source = Source::open(&frontend, &format!("{}events?attempt=1&from=1", build.log()), None).await;
    assert_eq!(text(&[source.next().await.unwrap()]), [(1, "first")]);
    results.files.add(&live, "last words\n");
    results.files.pack(&live, &format!("{}/builder-live.attempt-1.log", build.folder()));
    build.is_lost(1, 150).await;
    results.files.put(&live, "the second attempt, much longer than the first one was\n");
    build.runs(2, 160).await;
    let rest = source.rest().await;
    assert_eq!(text(&rest), [(2, "last words")]);
    assert_eq!(rest.last().unwrap().data, "attempt 1 was lost; attempt 2 follows");
    frontend.close().await;
    results.close().await;
}
