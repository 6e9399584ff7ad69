use coppice_model::{
    Attempt, BuildId,
    agent::AttemptOutcome,
    messages::{BackendTask, Report},
    work::{FailureCause, TaskOutcome},
};
use reqwest::StatusCode;

use crate::{
    work::{CHROOT, rpm, rpm_again},
    world::{World, refusal},
};

fn is_lost(report: &Report) -> bool {
    matches!(report, Report::LostV1 { .. })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_builder_loses_its_attempt_and_a_late_finish_changes_nothing() {
    let world = World::start().await;
    world.sends(&rpm(7)).await;
    let mut silent = world.builder().await;
    silent.logs(&world, 0, "so far").await;
    world.clock.advance(59);
    silent.beats(&world).await;
    world.clock.advance(61);
    let lost = world.until_report("the attempt is lost", is_lost).await;
    assert!(
        matches!(&lost, Report::LostV1 { attempt: Attempt(1), reason, .. } if reason.contains("no word"))
    );

    world.sends(&rpm_again(7, 2)).await;
    let second = world.builder().await;
    assert_eq!(second.assignment.attempt, Attempt(2));
    assert_eq!(refusal(silent.logs(&world, 6, " and more").await).await.0, 409);
    assert_eq!(silent.sends(&world, "build.log", b"late").await, StatusCode::CONFLICT);
    assert_eq!(refusal(silent.finishes(&world, AttemptOutcome::Succeeded).await).await.0, 409);
    assert_eq!(second.beats(&world).await.length, 0, "the second attempt has a log of its own");

    second.fails(&world).await;
    world.until_finished().await;
    assert_eq!(world.endings().await.len(), 2);
    let dir = format!("alice/tools/{CHROOT}/00000007-hello");
    for kept in ["builder-live.attempt-1.log.gz", "builder-live.log.gz"] {
        assert!(world.reads(&format!("{dir}/{kept}")).await.is_some(), "{kept}");
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_attempt_ends_the_older_one() {
    let world = World::start().await;
    world.sends(&rpm(7)).await;
    let first = world.builder().await;
    world.sends(&rpm_again(7, 2)).await;
    let second = world.builder().await;
    assert_eq!(second.assignment.attempt, Attempt(2));
    assert_eq!(refusal(first.logs(&world, 0, "x").await).await.0, 409);
    world.sends_and_waits(&rpm(7)).await;
    second.fails(&world).await;
    world.until_finished().await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_reaches_the_builder_and_nothing_more_is_reported() {
    let world = World::start().await;
    world.sends(&rpm(7)).await;
    let builder = world.builder().await;
    assert!(!builder.beats(&world).await.cancel);
    world.sends_and_waits(&BackendTask::CancelV1 { build: BuildId(7) }).await;
    assert!(builder.beats(&world).await.cancel);
    assert_eq!(builder.finishes(&world, AttemptOutcome::Canceled).await.status(), StatusCode::OK);
    world.until_closed().await;
    assert!(world.endings().await.is_empty());
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_success_that_was_canceled_meanwhile_is_not_published() {
    let world = World::start().await;
    world.sends(&rpm(7)).await;
    let builder = world.builder().await;
    world.sends_and_waits(&BackendTask::CancelV1 { build: BuildId(7) }).await;
    assert_eq!(builder.finishes(&world, AttemptOutcome::Succeeded).await.status(), StatusCode::OK);
    world.until_closed().await;
    assert!(world.endings().await.is_empty());
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_builder_that_ignores_the_cancel_is_ended() {
    let world = World::start().await;
    world.sends(&rpm(7)).await;
    let builder = world.builder().await;
    builder.beats(&world).await;
    world.sends_and_waits(&BackendTask::CancelV1 { build: BuildId(7) }).await;
    world.clock.advance(31);
    world.until_closed().await;
    assert_eq!(refusal(builder.logs(&world, 0, "still here").await).await.0, 409);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canceled_build_leaves_the_queue_and_does_not_come_back() {
    let world = World::start().await;
    world.sends_and_waits(&rpm(7)).await;
    world.sends_and_waits(&BackendTask::CancelV1 { build: BuildId(7) }).await;
    world.sends_and_waits(&rpm(7)).await;
    world.sends(&rpm(8)).await;
    let builder = world.builder().await;
    assert_eq!(builder.assignment.job.task().build(), BuildId(8));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_builder_that_goes_on_for_ever_is_ended_as_timed_out() {
    let world = World::start().await;
    world.sends(&rpm(7)).await;
    let builder = world.builder().await;
    for _ in 0..84 {
        builder.beats(&world).await;
        world.clock.advance(50);
    }
    assert!(builder.logs(&world, 0, "").await.status().is_success());
    world.clock.advance(50);
    let outcome = world.until_finished().await;
    assert!(
        matches!(&outcome, TaskOutcome::Failed(failure) if failure.cause == FailureCause::Timeout),
        "{outcome:?}"
    );
    world.close().await;
}
