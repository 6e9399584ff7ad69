use std::io::Read;

use coppice_model::{
    agent::AttemptOutcome,
    messages::{Progress, Report},
    state::Stage,
    work::{Failure, FailureCause, TaskOutcome},
};
use reqwest::StatusCode;

use crate::{
    work::{CHROOT, rpm, source},
    world::{World, refusal},
};

fn unpacked(bytes: &[u8]) -> String {
    let mut text = String::new();
    flate2::read::GzDecoder::new(bytes).read_to_string(&mut text).unwrap();
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_build_is_reported_step_by_step_and_its_logs_are_kept() {
    let world = World::start().await;
    world.sends(&rpm(7)).await;
    let mut builder = world.builder().await;
    builder.logs(&world, 0, "the output").await;
    builder.sends(&world, "build.log", b"rpmbuild says no").await;
    builder.fails(&world).await;
    let failure = Failure { cause: FailureCause::Build, message: "%build failed".into() };
    assert_eq!(world.until_finished().await, TaskOutcome::Failed(failure));
    let reports = world.reports().await;
    assert!(
        matches!(
            reports.as_slice(),
            [
                Report::ProgressV1 { progress: Progress::Taken { .. }, .. },
                Report::ProgressV1 { progress: Progress::Stage { stage: Stage::Building }, .. },
                Report::FinishedV1 { .. },
            ]
        ),
        "{reports:?}"
    );
    let dir = format!("alice/tools/{CHROOT}/00000007-hello");
    let live = world.reads(&format!("{dir}/builder-live.log.gz")).await.unwrap();
    assert_eq!(unpacked(&live), "the output");
    assert!(world.reads(&format!("{dir}/build.log.gz")).await.is_some());
    world.until_closed().await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_made_source_package_waits_at_the_reported_address() {
    let world = World::start().await;
    world.sends(&source(7)).await;
    let mut builder = world.builder().await;
    let package = rpm::PackageBuilder::new("hello", "1", "MIT", "noarch", "says hello").build().unwrap();
    let mut bytes = Vec::new();
    package.write(&mut bytes).unwrap();
    builder.sends(&world, "hello-1-1.src.rpm", &bytes).await;
    let answer = builder.finishes(&world, AttemptOutcome::Succeeded).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let TaskOutcome::SourceMade { srpm_url } = world.until_finished().await else { panic!("not made") };
    let path = srpm_url.strip_prefix("http://results/results/").unwrap();
    assert_eq!(world.reads(path).await.unwrap(), bytes);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_success_without_packages_is_refused_as_a_result() {
    let world = World::start().await;
    world.sends(&rpm(7)).await;
    let mut builder = world.builder().await;
    builder.sends(&world, "build.log", b"nothing came out").await;
    builder.finishes(&world, AttemptOutcome::Succeeded).await;
    let outcome = world.until_finished().await;
    assert!(
        matches!(&outcome, TaskOutcome::Failed(failure) if failure.cause == FailureCause::ResultRefused),
        "{outcome:?}"
    );
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_finish_is_answered_and_reported_once() {
    let world = World::start().await;
    world.sends(&rpm(7)).await;
    let builder = world.builder().await;
    builder.fails(&world).await;
    let again = builder.finishes(&world, crate::world::failed()).await.status();
    assert!(again == StatusCode::OK || again == StatusCode::CONFLICT, "{again}");
    world.until_closed().await;
    let late = builder.finishes(&world, AttemptOutcome::Succeeded).await;
    assert_eq!(refusal(late).await, (409, "this attempt has ended".into()));
    assert_eq!(world.endings().await.len(), 1);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_comes_again_is_answered_and_not_built_again() {
    let world = World::start().await;
    world.sends(&rpm(7)).await;
    let builder = world.builder().await;
    world.sends_and_waits(&rpm(7)).await;
    builder.fails(&world).await;
    world.until_closed().await;
    world.sends_and_waits(&rpm(7)).await;
    let endings = world.endings().await;
    assert_eq!(endings.len(), 2, "told again");
    assert_eq!(endings[0], endings[1]);
    let session = world.enrolled().await;
    world.sends(&rpm(8)).await;
    let next = world.asks(&session).await;
    assert_eq!(next.assignment.job.task().to_string(), format!("8-{CHROOT}"));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_builder_is_not_the_fault_of_the_package() {
    let world = World::start().await;
    world.sends(&rpm(7)).await;
    let builder = world.builder().await;
    let broken = AttemptOutcome::Broken { message: "no space\nleft".into() };
    assert_eq!(builder.finishes(&world, broken).await.status(), StatusCode::OK);
    let lost = |report: &Report| matches!(report, Report::LostV1 { reason, .. } if reason.ends_with("could not build: no space left"));
    world.until_report("the attempt is lost", lost).await;
    world.close().await;
}
