use coppice_model::{
    BuildId, UnixTime,
    messages::{BackendTask, Progress, Report},
    state::{BuildState, ChrootState, Stage},
    work::{Failure, FailureCause, TaskOutcome},
};
use coppice_runtime::Verdict;
use coppice_store::{AttemptRecord, attempts, built_packages};

use super::world::{
    EPEL, F43, F43_ARM, NOW, World, finished, imported, lost, progress, published, rpm, source,
};
use crate::ops::BuildRequest;

fn tries(world: &World, build: BuildId) -> Vec<AttemptRecord> {
    world.read(move |conn| Ok(attempts::list(conn, build)?)).unwrap()
}

fn failed(message: &str) -> TaskOutcome {
    TaskOutcome::Failed(Failure { cause: FailureCause::Build, message: message.into() })
}

fn one_pending(world: &World) -> BuildId {
    let alice = world.member("alice");
    let project = world.project(&alice, "tools", &[F43]);
    world.pending(&alice, &project, &[F43])
}

pub fn a_repeated_report_changes_nothing(world: &World) {
    let build = one_pending(world);
    world.import(build, &[F43]);
    let task = rpm(build, F43);
    for _ in 0..2 {
        world.take(&task, 1);
        world.heard(finished(&task, 1, published()));
    }
    let view = world.view(build);
    world.heard(lost(&task, 1));
    world.heard(finished(&task, 1, failed("no")));
    assert_eq!(world.view(build), view);
    assert_eq!(view.state(), BuildState::Succeeded);
    let built = world.read(move |conn| Ok(built_packages::list(conn, build)?)).unwrap();
    assert_eq!((built.len(), world.sent().len()), (2, 0));
}

pub fn a_lost_builder_is_another_attempt(world: &World) {
    let build = one_pending(world);
    assert!(tries(world, build).is_empty(), "what only waits is no attempt");
    world.take(&rpm(build, F43), 1);
    world.heard(lost(&rpm(build, F43), 1));
    assert_eq!(world.state(build), BuildState::Pending);
    let sent = world.sent();
    assert_eq!(sent[0].key, format!("rpm/{build}/{F43}/2"));
    assert!(matches!(sent[0].backend(), BackendTask::RpmBuildV1(work) if work.attempt.0 == 2));
    world.take(&rpm(build, F43), 2);
    world.heard(finished(&rpm(build, F43), 2, failed("It broke.")));
    let tries = tries(world, build);
    let told: Vec<_> =
        tries.iter().map(|a| (a.attempt.0, a.builder.as_deref(), a.outcome.as_deref())).collect();
    assert_eq!(
        told,
        [(1, Some("builder-1"), Some("lost: no word for 60 s")), (2, Some("builder-2"), Some("It broke.")),]
    );
    let chroot = world.view(build).chroots.remove(0);
    assert_eq!(
        (chroot.state, chroot.failure.unwrap().cause),
        (ChrootState::Failed, Some(FailureCause::Build))
    );
}

pub fn a_late_finish_of_an_old_attempt_changes_nothing(world: &World) {
    let build = one_pending(world);
    world.take(&rpm(build, F43), 1);
    world.heard(lost(&rpm(build, F43), 1));
    world.sent();
    let before = world.view(build);
    world.heard(finished(&rpm(build, F43), 1, published()));
    world.heard(finished(&rpm(build, F43), 1, failed("late")));
    assert_eq!(world.view(build), before);
    assert!(world.sent().is_empty());
}

pub fn a_task_that_is_lost_too_often_is_our_fault(world: &World) {
    let build = one_pending(world);
    for attempt in 1..=5 {
        assert_eq!(world.state(build), BuildState::Pending);
        world.heard(lost(&rpm(build, F43), attempt));
    }
    assert_eq!(world.state(build), BuildState::Failed);
    let failure = world.view(build).chroots.remove(0).failure.unwrap();
    assert_eq!(failure.cause, None);
    assert!(failure.message.contains("fault of the service") && failure.message.contains('5'), "{failure:?}");
    let keys: Vec<String> = (2..=5).map(|n| format!("rpm/{build}/{F43}/{n}")).collect();
    assert_eq!(world.sent_keys(), keys);
    assert_eq!(tries(world, build).len(), 5);
}

pub fn lost_sources_are_tried_again_too(world: &World) {
    let alice = world.member("alice");
    let project = world.project(&alice, "tools", &[F43]);
    let request = BuildRequest { chroots: Some(vec![F43.into()]), ..world.request(&project) };
    let build = world.submit(&alice, &request).unwrap().build.id;
    for attempt in 1..=5 {
        assert_eq!(world.state(build), BuildState::Pending);
        assert_eq!(world.sent_keys(), [format!("source/{build}/{attempt}")]);
        world.take(&source(build), attempt);
        world.heard(lost(&source(build), attempt));
    }
    assert_eq!(world.state(build), BuildState::Failed);
    assert_eq!(world.chroot_state(build, F43), ChrootState::Failed);
    assert!(world.view(build).build.failure.unwrap().message.contains("fault of the service"));
}

pub fn excluded_architectures_are_skipped(world: &World) {
    let alice = world.member("alice");
    let project = world.project(&alice, "tools", &[F43, F43_ARM]);
    let build = world.upload(&alice, &project, "hello-1-1.src.rpm").build.id;
    world.sent();
    let mut news = imported(build, &[F43, F43_ARM]);
    news.header.exclude_arch = vec!["aarch64".into()];
    world.heard(Report::ImportedV1(news));
    assert_eq!(world.chroot_state(build, F43_ARM), ChrootState::Skipped);
    assert_eq!(world.view(build).chroots[1].result_dir, None);
    assert_eq!(world.sent_keys(), [format!("rpm/{build}/{F43}/1")]);
    world.heard(finished(&rpm(build, F43), 1, published()));
    assert_eq!(world.state(build), BuildState::Succeeded);

    let build = world.upload(&alice, &project, "hello-1-1.src.rpm").build.id;
    let mut news = imported(build, &[F43, F43_ARM]);
    news.header.exclusive_arch = vec!["s390x".into()];
    world.sent();
    world.heard(Report::ImportedV1(news));
    assert_eq!(world.state(build), BuildState::Skipped);
    assert!(world.sent().is_empty() && world.view(build).ended_on().is_some());
}

pub fn a_chroot_without_a_commit_fails_alone(world: &World) {
    let alice = world.member("alice");
    let project = world.project(&alice, "tools", &[F43, EPEL]);
    let build = world.pending(&alice, &project, &[F43]);
    assert_eq!(world.chroot_state(build, EPEL), ChrootState::Failed);
    assert_eq!(world.chroot_state(build, F43), ChrootState::Pending);
}

pub fn a_refused_import_fails_the_build(world: &World) {
    let alice = world.member("alice");
    let project = world.project(&alice, "tools", &[F43]);
    let build = world.upload(&alice, &project, "hello-1-1.src.rpm").build.id;
    let failure =
        Failure { cause: FailureCause::SourceImport, message: "The file is not a source RPM.".into() };
    let report = Report::ImportFailedV1 { build, failure, at: UnixTime(NOW + 3) };
    world.heard(report.clone());
    world.heard(report);
    let view = world.view(build);
    assert_eq!((view.state(), view.ended_on()), (BuildState::Failed, Some(UnixTime(NOW + 3))));
    assert_eq!(view.build.failure.unwrap().message, "The file is not a source RPM.");
}

pub fn a_failed_source_fails_the_chosen_chroots(world: &World) {
    let alice = world.member("alice");
    let project = world.project(&alice, "tools", &[F43, EPEL]);
    let request = BuildRequest { chroots: Some(vec![F43.into()]), ..world.request(&project) };
    let build = world.submit(&alice, &request).unwrap().build.id;
    world.heard(finished(&source(build), 1, failed("404")));
    assert_eq!(world.state(build), BuildState::Failed);
    assert_eq!(world.chroot_state(build, F43), ChrootState::Failed);
    assert_eq!(world.view(build).chroots.len(), 1);
}

pub fn news_may_overtake_each_other(world: &World) {
    let build = one_pending(world);
    let task = rpm(build, F43);
    world.heard(progress(&task, 1, Progress::Stage { stage: Stage::Publishing }));
    world.heard(progress(&task, 1, Progress::Stage { stage: Stage::Building }));
    world.heard(progress(&task, 1, Progress::Taken { builder: "b".into() }));
    let chroot = world.view(build).chroots.remove(0);
    assert_eq!((chroot.state, chroot.stage), (ChrootState::Running, Some(Stage::Publishing)));
    world.heard(finished(&task, 1, published()));
    world.heard(progress(&task, 1, Progress::Stage { stage: Stage::Signing }));
    let chroot = world.view(build).chroots.remove(0);
    assert_eq!((chroot.state, chroot.stage), (ChrootState::Succeeded, None));
}

pub fn nonsense_goes_to_the_dead_letters(world: &World) {
    let alice = world.member("alice");
    let project = world.project(&alice, "tools", &[F43, EPEL]);
    let request = BuildRequest { chroots: Some(vec![F43.into()]), ..world.request(&project) };
    let build = world.submit(&alice, &request).unwrap().build.id;
    let before = world.view(build);
    for nonsense in [
        finished(&rpm(build, F43), 1, published()),
        finished(&rpm(build, EPEL), 1, published()),
        finished(&source(build), 2, failed("future")),
        finished(&source(build), 1, published()),
        Report::ImportedV1(imported(build, &[F43])),
    ] {
        let verdict = world.hear(nonsense.clone());
        assert!(matches!(verdict, Verdict::Dead(_)), "{nonsense:?}: {verdict:?}");
    }
    assert_eq!(world.view(build), before);
    world.heard(finished(&source(build), 1, TaskOutcome::SourceMade { srpm_url: "http://b/x".into() }));
    assert_eq!(world.state(build), BuildState::Importing);
}

pub fn reports_about_what_is_gone_are_done(world: &World) {
    let gone = BuildId(99);
    world.heard(finished(&rpm(gone, F43), 1, published()));
    world.heard(lost(&source(gone), 1));
    world.heard(Report::ImportedV1(imported(gone, &[F43])));
    assert!(world.sent().is_empty());
}

pub fn a_build_that_stands_still_says_why_until_it_goes_on(world: &World) {
    let build = one_pending(world);
    let task = rpm(build, F43);
    world.take(&task, 1);
    world.heard(progress(&task, 1, Progress::Stage { stage: Stage::Publishing }));
    let note = |world: &World| world.view(build).chroots[0].stage_note.clone();
    let delayed = |stage| Progress::Delayed { stage, reason: "the disk is full".into() };
    world.heard(progress(&task, 1, delayed(Stage::Publishing)));
    assert_eq!(note(world).as_deref(), Some("the disk is full"));
    assert_eq!(world.view(build).chroots[0].stage, Some(Stage::Publishing));
    world.heard(finished(&task, 1, published()));
    assert_eq!(note(world), None);
    world.heard(progress(&task, 1, delayed(Stage::Publishing)));
    assert_eq!((note(world), world.state(build)), (None, BuildState::Succeeded));
}
