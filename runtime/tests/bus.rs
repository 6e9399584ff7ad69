//! The bus against a real Redis.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use coppice_kit::redis::Redis;
use coppice_model::{
    ActionId,
    messages::{CreateKey, KeygenTask},
};
use coppice_runtime::{Bus, Consumer, Envelope, Handler, RawMessage, Stop, Verdict};
use tokio::task::JoinHandle;

fn task(action: i64) -> KeygenTask {
    let project = serde_json::from_value(serde_json::json!({ "owner": "alice", "name": "tools" })).unwrap();
    KeygenTask::CreateKeyV1(CreateKey { action: ActionId(action), project, algorithm: Default::default() })
}

fn action_of(task: &KeygenTask) -> i64 {
    match task {
        KeygenTask::CreateKeyV1(create) => create.action.0,
        KeygenTask::RenewKeyV1(renew) => renew.action.0,
    }
}

/// Remembers what came and answers what it is told to, `Done` when nothing is left to say.
#[derive(Default)]
struct Script {
    seen: Mutex<Vec<i64>>,
    answers: Mutex<Vec<Verdict>>,
}

impl Script {
    fn answering(answers: impl IntoIterator<Item = Verdict>) -> Arc<Self> {
        let mut answers: Vec<Verdict> = answers.into_iter().collect();
        answers.reverse();
        Arc::new(Self { answers: Mutex::new(answers), ..Self::default() })
    }

    fn seen(&self) -> Vec<i64> {
        self.seen.lock().unwrap().clone()
    }
}

impl Handler<KeygenTask> for Script {
    async fn handle(&self, envelope: Envelope<KeygenTask>) -> Verdict {
        self.seen.lock().unwrap().push(action_of(&envelope.body));
        self.answers.lock().unwrap().pop().unwrap_or(Verdict::Done)
    }
}

/// A handler that never ends, as one whose process is killed.
struct Stuck;

impl Handler<KeygenTask> for Stuck {
    async fn handle(&self, _: Envelope<KeygenTask>) -> Verdict {
        std::future::pending().await
    }
}

fn run<H: Handler<KeygenTask>>(bus: &Bus, handler: &Arc<H>, stop: &Stop) -> JoinHandle<()> {
    let consumer = Consumer::new(bus.clone(), "one");
    tokio::spawn(consumer.run(Arc::clone(handler), stop.clone()))
}

async fn until(what: &str, mut ask: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !ask().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting)
        .await
        .unwrap_or_else(|_| panic!("waited in vain: {what}"));
}

async fn is_empty(bus: &Bus) -> bool {
    bus.backlog::<KeygenTask>().await.unwrap() == 0
}

#[tokio::test]
async fn a_done_message_is_gone_and_an_early_one_waits_for_its_consumer() {
    let redis = Redis::start().unwrap();
    let bus = Bus::connect(&redis.url()).await.unwrap();
    bus.send(&task(1)).await.unwrap();
    let (script, stop) = (Script::answering([]), Stop::new());
    let running = run(&bus, &script, &stop);
    bus.send(&task(2)).await.unwrap();
    until("both are handled", async || is_empty(&bus).await).await;
    assert_eq!(script.seen(), [1, 2]);
    stop.trigger();
    running.await.unwrap();
}

#[tokio::test]
async fn a_retry_comes_again_and_a_dead_message_keeps_its_reason() {
    let redis = Redis::start().unwrap();
    let bus = Bus::connect(&redis.url()).await.unwrap();
    let script = Script::answering([Verdict::Retry("away".into()), Verdict::Dead("nonsense".into())]);
    let stop = Stop::new();
    let running = run(&bus, &script, &stop);
    bus.send(&task(7)).await.unwrap();
    until("it is buried", async || bus.dead_letters::<KeygenTask>().await.unwrap() == 1).await;
    until("it left the stream", async || is_empty(&bus).await).await;
    assert_eq!(script.seen(), [7, 7]);
    let range: Vec<(String, std::collections::BTreeMap<String, String>)> = redis::cmd("XRANGE")
        .arg("coppice:keygen:dead")
        .arg("-")
        .arg("+")
        .query_async(&mut bus.connection())
        .await
        .unwrap();
    assert_eq!(range[0].1["reason"], "nonsense");
    stop.trigger();
    running.await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_read_goes_to_the_dead_letters_and_holds_up_nobody() {
    let redis = Redis::start().unwrap();
    let bus = Bus::connect(&redis.url()).await.unwrap();
    let unknown = RawMessage { stream: "coppice:keygen", key: "x", body: r#"{"type":"from_the_future_v9"}"# };
    bus.send_raw(std::iter::once(unknown)).await.unwrap();
    bus.send(&task(3)).await.unwrap();
    let (script, stop) = (Script::answering([]), Stop::new());
    let running = run(&bus, &script, &stop);
    until("the readable one is handled", async || is_empty(&bus).await).await;
    assert_eq!(script.seen(), [3]);
    assert_eq!(bus.dead_letters::<KeygenTask>().await.unwrap(), 1);
    stop.trigger();
    running.await.unwrap();
}

#[tokio::test]
async fn a_restarted_consumer_begins_with_what_it_left_unfinished() {
    let redis = Redis::start().unwrap();
    let bus = Bus::connect(&redis.url()).await.unwrap();
    bus.send(&task(4)).await.unwrap();
    let killed = run(&bus, &Arc::new(Stuck), &Stop::new());
    until("it was taken", async || {
        let pending: redis::Value = redis::cmd("XPENDING")
            .arg("coppice:keygen")
            .arg("keygen")
            .query_async(&mut bus.connection())
            .await
            .unwrap_or(redis::Value::Nil);
        matches!(&pending, redis::Value::Array(parts) if parts.first() == Some(&redis::Value::Int(1)))
    })
    .await;
    killed.abort();
    let (script, stop) = (Script::answering([]), Stop::new());
    let running = run(&bus, &script, &stop);
    until("it is handled", async || is_empty(&bus).await).await;
    assert_eq!(script.seen(), [4]);
    stop.trigger();
    running.await.unwrap();
}

#[tokio::test]
async fn a_flushed_redis_costs_nothing_but_what_is_sent_again() {
    let redis = Redis::start().unwrap();
    let bus = Bus::connect(&redis.url()).await.unwrap();
    assert!(bus.mark_is_new("mark").await.unwrap() && !bus.mark_is_new("mark").await.unwrap());
    let (script, stop) = (Script::answering([]), Stop::new());
    let running = run(&bus, &script, &stop);
    bus.send(&task(5)).await.unwrap();
    until("the first is handled", async || script.seen().len() == 1).await;
    redis::cmd("FLUSHALL").query_async::<()>(&mut bus.connection()).await.unwrap();
    assert!(bus.mark_is_new("mark").await.unwrap(), "the frontend sees that it must send again");
    bus.send(&task(6)).await.unwrap();
    until("the group was made anew", async || script.seen() == [5, 6]).await;
    stop.trigger();
    running.await.unwrap();
}

#[tokio::test]
async fn a_waiting_retry_leaves_its_slot_to_others() {
    let redis = Redis::start().unwrap();
    let bus = Bus::connect(&redis.url()).await.unwrap();
    let away = std::iter::repeat_n(Verdict::Retry("away".into()), 3);
    let script = Script::answering(away);
    let stop = Stop::new();
    let running = run(&bus, &script, &stop);
    for action in 1..=3 {
        bus.send(&task(action)).await.unwrap();
    }
    until("all are handled", async || is_empty(&bus).await).await;
    let seen = script.seen();
    assert_eq!(seen.len(), 6, "three were asked to come again: {seen:?}");
    stop.trigger();
    running.await.unwrap();
}
