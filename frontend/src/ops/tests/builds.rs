use coppice_model::{
    UnixTime,
    messages::{BackendTask, DistGitTask, Progress},
    state::{BuildState, ChrootState, Stage},
    work::{SourceSpec, TaskOutcome},
};
use coppice_store::{attempts, builds, built_packages, packages};

use super::world::{EPEL, F43, F43_ARM, NOW, World, finished, progress, published, rpm, source};
use crate::ops::{self, OpError, ProjectChanges};

pub fn a_link_goes_through_all_states(world: &World) {
    let alice = world.member("alice");
    let project = world.project(&alice, "tools", &[F43, EPEL]);
    let build = world.submit(&alice, &world.request(&project)).unwrap().build.id;
    let sent = world.sent();
    let BackendTask::SourceBuildV1(work) = sent[0].backend() else { panic!("{sent:?}") };
    assert_eq!(work.source, SourceSpec::Link { url: "https://example.com/hello-1-1.src.rpm".into() });
    assert_eq!((work.context.sandbox.as_str(), work.limits.timeout_s), ("alice/tools--alice", 18_000));
    assert_eq!(world.state(build), BuildState::Pending);

    let task = source(build);
    world.heard(progress(&task, 1, Progress::Taken { builder: "b1".into() }));
    assert_eq!(world.state(build), BuildState::Starting);
    world.heard(progress(&task, 1, Progress::Stage { stage: Stage::Building }));
    assert_eq!(world.state(build), BuildState::Running);
    let made = TaskOutcome::SourceMade { srpm_url: "http://backend/srpm".into() };
    world.heard(finished(&task, 1, made));
    assert_eq!(world.state(build), BuildState::Importing);
    let sent = world.sent();
    let DistGitTask::ImportV1(import) = sent[0].distgit();
    assert_eq!((import.srpm_url.as_str(), import.branches.len(), sent.len()), ("http://backend/srpm", 2, 1));
    assert_eq!(import.branches[0].branch, format!("b-{F43}"));

    world.import(build, &[F43, EPEL]);
    assert_eq!(world.state(build), BuildState::Pending);
    assert_eq!(world.sent_keys(), [format!("rpm/{build}/{F43}/1"), format!("rpm/{build}/{EPEL}/1")]);
    world.take(&rpm(build, F43), 1);
    assert_eq!(world.state(build), BuildState::Running);
    world.heard(progress(&rpm(build, F43), 1, Progress::Stage { stage: Stage::Signing }));
    assert_eq!(world.view(build).chroots[0].stage, Some(Stage::Signing));
    world.heard(finished(&rpm(build, F43), 1, published()));
    assert_eq!((world.state(build), world.view(build).ended_on()), (BuildState::Pending, None));
    world.take(&rpm(build, EPEL), 1);
    world.heard(finished(&rpm(build, EPEL), 1, published()));
    ended_well(world, build);
}

fn ended_well(world: &World, build: coppice_model::BuildId) {
    let view = world.view(build);
    assert_eq!(view.state(), BuildState::Succeeded);
    assert_eq!((view.started_on(), view.ended_on()), (Some(UnixTime(NOW + 10)), Some(UnixTime(NOW + 60))));
    let dirs: Vec<_> = view.chroots.iter().map(|c| c.result_dir.clone().unwrap()).collect();
    assert_eq!(dirs, vec![format!("{}-hello", build.padded()); 2]);
    let project = view.build.project_id;
    let (built, tries, package) = world
        .read(move |conn| {
            let package = packages::find(conn, project, "hello")?;
            Ok((built_packages::list(conn, build)?, attempts::list(conn, build)?, package))
        })
        .unwrap();
    assert_eq!(built.len(), 4);
    assert_eq!((built[0].0.as_str(), built[0].1.name.as_str(), built[0].1.epoch), (F43, "hello", None));
    assert!(tries.len() == 3 && tries.iter().all(|a| a.outcome.as_deref() == Some("succeeded")));
    assert!(package.is_some());
    assert!(world.sent().is_empty());
}

pub fn an_uploaded_package_goes_straight_to_import(world: &World) {
    let alice = world.member("alice");
    let project = world.project(&alice, "tools", &[F43]);
    let view = world.upload(&alice, &project, "hello-1-1.src.rpm");
    assert_eq!(view.state(), BuildState::Importing);
    let sent = world.sent();
    let DistGitTask::ImportV1(import) = sent[0].distgit();
    assert_eq!(import.srpm_url, "http://frontend:5000/tmp/abc/hello-1-1.src.rpm");
    let awaited = || world.read(|conn| Ok(builds::list_awaited_uploads(conn)?)).unwrap();
    assert_eq!(awaited(), ["abc/hello-1-1.src.rpm"]);
    world.import(view.build.id, &[F43]);
    assert_eq!(awaited(), [""; 0]);
}

pub fn an_uploaded_spec_file_is_made_into_a_package_first(world: &World) {
    let alice = world.member("alice");
    let project = world.project(&alice, "tools", &[F43]);
    let view = world.upload(&alice, &project, "hello.spec");
    assert_eq!(view.state(), BuildState::Pending);
    let sent = world.sent();
    let BackendTask::SourceBuildV1(work) = sent[0].backend() else { panic!("{sent:?}") };
    let url = "http://frontend:5000/tmp/abc/hello.spec".to_owned();
    assert_eq!(work.source, SourceSpec::UploadedSpec { url, file_name: "hello.spec".into() });
}

pub fn a_canceled_build_ignores_late_success(world: &World) {
    let alice = world.member("alice");
    let project = world.project(&alice, "tools", &[F43, EPEL]);
    let build = world.pending(&alice, &project, &[F43, EPEL]);
    world.take(&rpm(build, F43), 1);
    assert_eq!(world.cancel(&alice, build).unwrap().state(), BuildState::Canceled);
    assert_eq!(world.sent_keys(), [format!("cancel/{build}")]);
    world.heard(finished(&rpm(build, F43), 1, published()));
    assert_eq!(world.state(build), BuildState::Canceled);
    let sent = world.sent();
    let BackendTask::DeleteBuildsV1(delete) = sent[0].backend() else { panic!("{sent:?}") };
    assert_eq!(delete.builds[0].chroots, [F43.parse().unwrap()]);
    assert_eq!(delete.builds[0].package, Some("hello".parse().unwrap()));
    let built = world.read(move |conn| Ok(built_packages::list(conn, build)?)).unwrap();
    assert!(built.is_empty());
}

pub fn a_build_that_ended_cannot_be_canceled(world: &World) {
    let alice = world.member("alice");
    let project = world.project(&alice, "tools", &[F43, EPEL]);
    let build = world.pending(&alice, &project, &[F43, EPEL]);
    world.heard(finished(&rpm(build, F43), 1, published()));
    world.cancel(&alice, build).unwrap();
    assert_eq!(world.chroot_state(build, F43), ChrootState::Succeeded);
    assert_eq!(world.chroot_state(build, EPEL), ChrootState::Canceled);
    world.sent();
    let error = world.cancel(&alice, build).unwrap_err();
    assert!(matches!(error, crate::ops::OpError::Conflict(_)));
    assert_eq!(error.to_string(), format!("Cannot cancel build {build}"));
    let unstarted = world.submit(&alice, &world.request(&project)).unwrap().build.id;
    assert_eq!(world.cancel(&alice, unstarted).unwrap().state(), BuildState::Canceled);
}

pub fn refused_deletions_name_every_build(world: &World) {
    let (alice, bob) = (world.member("alice"), world.member("bob"));
    let project = world.project(&alice, "tools", &[F43]);
    let own = world.project(&bob, "own", &[F43]);
    let running = world.pending(&alice, &project, &[F43]);
    let done = world.pending(&alice, &project, &[F43]);
    world.cancel(&alice, done).unwrap();
    let foreign = world.pending(&bob, &own, &[F43]);
    world.cancel(&bob, foreign).unwrap();
    world.sent();
    let unknown = coppice_model::BuildId(foreign.0 + 1);
    let error = world.delete_builds(&alice, &[running, done, foreign, unknown]).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "Build(s) {unknown} don't exist.\nYou don't have permissions to delete build(s) {foreign}.\n\
             Build(s) {running} are still running.\n"
        )
    );
    assert_eq!(world.state(done), BuildState::Canceled);
    assert!(world.sent().is_empty());
}

pub fn deleted_builds_take_their_results_with_them(world: &World) {
    let alice = world.member("alice");
    let project = world.project(&alice, "tools", &[F43]);
    let other = world.project(&alice, "other", &[F43]);
    let finish = |project| {
        let build = world.pending(&alice, project, &[F43]);
        world.heard(finished(&rpm(build, F43), 1, published()));
        build
    };
    let (one, two, three) = (finish(&project), finish(&project), finish(&other));
    world.delete_builds(&alice, &[three, one, two, one]).unwrap();
    let sent = world.sent();
    let BackendTask::DeleteBuildsV1(delete) = sent[0].backend() else { panic!("{sent:?}") };
    assert_eq!(delete.builds.iter().map(|b| b.build).collect::<Vec<_>>(), [one, two]);
    assert_eq!(sent.len(), 2);
    assert!(world.read(move |conn| crate::ops::find_build(conn, one)).is_err());
}

pub fn a_build_is_made_again_from_what_was_imported(world: &World) {
    let alice = world.member("alice");
    let project = world.project(&alice, "tools", &[F43, EPEL]);
    let again = |id: coppice_model::BuildId| {
        let by = alice.clone();
        world.write(move |tx, cx| ops::resubmit_build(tx, cx, &by, (id, None)))
    };
    let lost = world.upload(&alice, &project, "hello-1-1.src.rpm").build.id;
    assert!(matches!(again(lost), Err(OpError::Conflict(_))), "its file was never taken over");
    let first = world.pending(&alice, &project, &[F43, EPEL]);
    world.take(&rpm(first, F43), 1);
    world.heard(finished(&rpm(first, F43), 1, published()));
    world.cancel(&alice, first).unwrap();
    world.sent();

    let second = again(first).unwrap();
    assert_eq!((second.state(), second.chroots.len()), (BuildState::Pending, 2));
    let id = second.build.id;
    assert_eq!(world.sent_keys(), [format!("rpm/{id}/{F43}/1"), format!("rpm/{id}/{EPEL}/1")]);
    assert_eq!(second.build.header, world.view(first).build.header);
    assert_eq!(second.chroots[0].commit, world.view(first).chroots[0].commit);

    let link = world.submit(&alice, &world.request(&project)).unwrap().build.id;
    world.cancel(&alice, link).unwrap();
    world.sent();
    let fetched = again(link).unwrap();
    assert_eq!(fetched.build.source, world.view(link).build.source);
    assert_eq!(world.sent_keys(), [format!("source/{}/1", fetched.build.id)], "it is fetched again");

    let none = ProjectChanges { chroots: Some(vec![F43_ARM.into()]), ..ProjectChanges::default() };
    world.edit(&alice, &project, none).unwrap();
    assert!(matches!(again(first), Err(OpError::Conflict(_))), "no chroot of it is left");
}

pub fn the_operator_ends_a_build_that_stands_still(world: &World) {
    let alice = world.member("alice");
    let project = world.project(&alice, "tools", &[F43, EPEL]);
    let fail = |id| world.write(move |tx, cx| ops::fail_build(tx, cx, id));
    let fetched = world.submit(&alice, &world.request(&project)).unwrap().build.id;
    let imported = world.upload(&alice, &project, "hello-1-1.src.rpm").build.id;
    let pending = world.pending(&alice, &project, &[F43, EPEL]);
    world.take(&rpm(pending, F43), 1);
    world.heard(finished(&rpm(pending, F43), 1, published()));
    for id in [fetched, imported, pending] {
        world.sent();
        fail(id).unwrap();
        assert_eq!(world.state(id), BuildState::Failed);
        assert_eq!(world.sent_keys(), [format!("cancel/{id}")]);
        assert!(matches!(fail(id), Err(OpError::Conflict(_))), "it has ended");
    }
    assert_eq!(world.chroot_state(pending, F43), ChrootState::Succeeded, "what had ended stays");
    world.heard(finished(&rpm(pending, EPEL), 1, published()));
    assert_eq!(world.chroot_state(pending, EPEL), ChrootState::Failed, "late news change nothing");
}
