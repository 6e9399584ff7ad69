use reqwest::StatusCode;

use crate::{
    work::{rpm, source},
    world::{World, refusal},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_opens_once() {
    let world = World::start().await;
    let ticket = world.ticket();
    assert_eq!(world.enrolls(&ticket).await.status(), StatusCode::OK);
    let (status, error) = refusal(world.enrolls(&ticket).await).await;
    assert_eq!((status, error.as_str()), (401, "this ticket was used already"));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_or_old_ticket_opens_nothing() {
    let world = World::start().await;
    let ticket = world.ticket();
    assert_eq!(refusal(world.enrolls("guessed").await).await.0, 401);
    world.clock.advance(61);
    assert_eq!(refusal(world.enrolls(&ticket).await).await.0, 401);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_gets_no_task_and_changes_none() {
    let world = World::start().await;
    assert_eq!(refusal(world.polls("guessed").await).await.0, 401);
    let without = world.http.get(world.url("/agent/v1/task")).send().await.unwrap();
    assert_eq!(refusal(without).await.0, 401);

    world.sends(&rpm(7)).await;
    let builder = world.builder().await;
    let mut thief = builder.clone();
    thief.assignment.task_token = "guessed".into();
    assert_eq!(refusal(thief.logs(&world, 0, "stolen").await).await.0, 401);
    assert_eq!(thief.sends(&world, "build.log", b"x").await, 401);
    assert_eq!(refusal(thief.finishes(&world, crate::world::failed()).await).await.0, 401);
    assert_eq!(builder.beats(&world).await.length, 0);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_one_task_is_worth_nothing_for_another() {
    let world = World::start().await;
    world.sends(&rpm(7)).await;
    let first = world.builder().await;
    world.sends(&rpm(8)).await;
    let mut second = world.builder().await;
    second.assignment.task_token = first.assignment.task_token;
    assert_eq!(refusal(second.logs(&world, 0, "x").await).await.0, 401);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_exist_is_refused_in_json() {
    let world = World::start().await;
    for path in ["/", "/agent/v1/tasks", "/agent/v1/tasks/7/other", "/agent/v2/task"] {
        let answer = world.http.get(world.url(path)).send().await.unwrap();
        assert_eq!(refusal(answer).await.0, 404, "{path}");
    }
    let odd = world.http.put(world.url("/agent/v1/tasks/..%2F7/log")).bearer_auth("x");
    assert_eq!(refusal(odd.send().await.unwrap()).await.0, 404);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_machine_gets_a_task_as_soon_as_there_is_one_and_then_goes_away() {
    let world = World::start().await;
    let session = world.enrolled().await;
    let waiting = world.asks(&session);
    let task = source(7);
    let sending = world.sends(&task);
    let (builder, ()) = tokio::join!(waiting, sending);
    assert_eq!(builder.assignment.job.task().to_string(), "7");
    builder.fails(&world).await;
    assert_eq!(world.polls(&session).await.status(), StatusCode::NO_CONTENT);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_missed_the_answer_gets_its_task_again_with_another_token() {
    let world = World::start().await;
    world.sends(&rpm(7)).await;
    let session = world.enrolled().await;
    let missed = world.asks(&session).await;
    let builder = world.asks(&session).await;
    assert_eq!(builder.assignment.job, missed.assignment.job);
    assert_eq!(refusal(missed.logs(&world, 0, "x").await).await.0, 401);
    assert_eq!(builder.beats(&world).await.length, 0);
    assert_eq!(refusal(world.polls(&session).await).await.0, 400, "it builds already");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_on_a_connection_that_nobody_reads_does_not_take_the_task() {
    let world = World::start().await;
    let session = world.enrolled().await;
    let (one, other) = (Box::pin(world.polls(&session)), Box::pin(world.polls(&session)));
    let (older, latest) = futures_util::future::select(one, other).await.factor_first();
    assert_eq!(refusal(older).await, (400, "this machine asked again meanwhile".into()));
    world.sends(&rpm(7)).await;
    let assignment = latest.await.json().await.unwrap();
    let builder = crate::world::Builder { assignment, sent: vec![] };
    assert_eq!(builder.beats(&world).await.length, 0);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_numbers_are_served_beside_the_agents() {
    let world = World::start().await;
    world.sends_and_waits(&rpm(7)).await;
    let health = world.http.get(world.url("/healthz")).send().await.unwrap();
    assert_eq!(health.text().await.unwrap(), "ok\n");
    crate::world::until("the queue is counted", || async {
        let text = world.http.get(world.url("/metrics")).send().await.unwrap().text().await.unwrap();
        text.contains("coppice_backend_queue{priority=\"foreground\"} 1").then_some(())
    })
    .await;
    world.close().await;
}
