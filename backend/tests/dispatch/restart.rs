use coppice_model::{agent::AttemptOutcome, agent::LogAnswer, messages::Report};

use crate::{
    work::{CHROOT, rpm, source},
    world::World,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_backend_goes_on_with_a_running_build() {
    let mut world = World::start().await;
    world.sends(&rpm(7)).await;
    let mut builder = world.builder().await;
    builder.logs(&world, 0, "before ").await;
    builder.sends(&world, "root.log", b"sent before").await;
    world.down().await;
    world.up().await;
    let answer: LogAnswer = builder.logs(&world, 7, "after").await.json().await.unwrap();
    assert_eq!((answer.length, answer.cancel), (12, false));
    let live = format!("alice/tools/{CHROOT}/00000007-hello/builder-live.log");
    assert_eq!(world.reads(&live).await.unwrap(), b"before after");
    builder.sends(&world, "build.log", b"sent after").await;
    builder.fails(&world).await;
    world.until_closed().await;
    assert_eq!(world.endings().await.len(), 1);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_tasks_are_still_there_after_a_restart_without_redis_knowing() {
    let mut world = World::start().await;
    world.sends_and_waits(&rpm(7)).await;
    world.down().await;
    flush(&world).await;
    world.up().await;
    assert_eq!(world.builder().await.assignment.job.task().to_string(), format!("7-{CHROOT}"));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flushed_redis_does_not_end_a_build_twice() {
    let world = World::start().await;
    world.sends(&rpm(7)).await;
    let builder = world.builder().await;
    builder.beats(&world).await;
    flush(&world).await;
    crate::world::until("the backend reads the new stream", || async {
        world.sends(&rpm(7)).await;
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        world.reports().await.iter().any(|r| matches!(r, Report::ProgressV1 { .. })).then_some(())
    })
    .await;
    builder.fails(&world).await;
    world.until_closed().await;
    let endings = world.endings().await;
    assert!(!endings.is_empty() && endings.iter().all(|ending| *ending == endings[0]), "{endings:?}");
    // Nobody else gets it.
    world.sends(&source(8)).await;
    assert_eq!(world.builder().await.assignment.job.task().to_string(), "8");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finish_that_was_written_down_is_completed_by_the_next_start() {
    let mut world = World::start().await;
    world.sends(&rpm(7)).await;
    let mut builder = world.builder().await;
    builder.sends(&world, "build.log", b"output").await;
    world.down().await;
    // As if the process had been killed right after the finish was on disk.
    let finish = coppice_model::agent::Finish {
        outcome: crate::world::failed(),
        files: builder.sent.clone(),
        buildroot: vec![],
    };
    let place = world.staging().join(format!("7-{CHROOT}.1/finish.json"));
    std::fs::write(place, serde_json::to_vec(&finish).unwrap()).unwrap();
    world.up().await;
    world.until_closed().await;
    assert_eq!(world.endings().await.len(), 1);
    assert_eq!(builder.finishes(&world, AttemptOutcome::Canceled).await.status().as_u16() / 100, 4);
    world.close().await;
}

async fn flush(world: &World) {
    redis::cmd("FLUSHALL").query_async::<()>(&mut world.bus.connection()).await.unwrap();
}
