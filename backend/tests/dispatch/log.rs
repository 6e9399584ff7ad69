use coppice_model::agent::LogAnswer;
use reqwest::StatusCode;

use crate::{
    work::{CHROOT, rpm},
    world::{Builder, World},
};

async fn length(world: &World, builder: &Builder, offset: u64, bytes: impl AsRef<[u8]>) -> u64 {
    let answer = builder.logs(world, offset, bytes).await;
    assert_eq!(answer.status(), StatusCode::OK);
    answer.json::<LogAnswer>().await.unwrap().length
}

fn live_log() -> String {
    format!("alice/tools/{CHROOT}/00000007-hello/builder-live.log")
}

#[tokio::test(flavor = "multi_thread")]
async fn users_follow_the_log_and_repeats_and_gaps_do_not_harm_it() {
    let world = World::start().await;
    world.sends(&rpm(7)).await;
    let builder = world.builder().await;
    assert_eq!(world.reads(&live_log()).await.unwrap(), b"", "the log is there from the first moment");
    assert_eq!(length(&world, &builder, 0, "one\n").await, 4);
    assert_eq!(length(&world, &builder, 0, "one\n").await, 4);
    assert_eq!(length(&world, &builder, 100, "far away").await, 4, "the answer says where to go on");
    assert_eq!(length(&world, &builder, 2, "e\ntwo\n").await, 8);
    assert_eq!(world.reads(&live_log()).await.unwrap(), b"one\ntwo\n");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_log_is_cut_and_the_cut_is_marked() {
    let world = World::start().await;
    world.sends(&rpm(7)).await;
    let builder = world.builder().await;
    let limit = 1_000;
    assert_eq!(length(&world, &builder, 0, "x".repeat(limit - 1)).await, 999);
    assert_eq!(length(&world, &builder, 999, "y".repeat(3_000_000)).await, 3_000_999);
    assert_eq!(length(&world, &builder, 3_000_999, "z").await, 3_001_000);
    let text = String::from_utf8(world.reads(&live_log()).await.unwrap()).unwrap();
    assert!(text.starts_with(&("x".repeat(limit - 1) + "y\n[the log was cut here")), "{text}");
    assert!(text.len() < limit + 100 && !text.contains('z'), "{text}");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_cannot_carry_an_endless_body() {
    let world = World::start().await;
    world.sends(&rpm(7)).await;
    let builder = world.builder().await;
    let url = world.url(&builder.path("log?offset=0"));
    let request = world.http.put(url).bearer_auth(&builder.assignment.task_token);
    match request.body(vec![b'x'; 17 << 20]).send().await {
        Ok(answer) => assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE),
        // The connection may be closed before all of the body was sent.
        Err(error) => assert!(error.is_request() || error.is_body(), "{error}"),
    }
    assert!(builder.beats(&world).await.length <= 17 << 20);
    world.close().await;
}
