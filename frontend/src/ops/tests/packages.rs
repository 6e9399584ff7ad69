use coppice_model::{
    BuildId, UnixTime,
    messages::{ActionDone, BackendTask, Report, TakePackage, TakenPackage},
    source_method::SourceMethod,
    state::BuildState,
    work::{Failure, FailureCause, TaskOutcome},
};
use coppice_store::{BuildSource, Project, builds, built_packages, projects};

use super::world::{EPEL, F43, F43_ARM, NOW, World, finished, nevra, published, rpm};
use crate::ops::{self, OpError, PackageForm, SourceForm};

fn gem(denylist: &str) -> PackageForm {
    let source = SourceForm { gem_name: Some("rake".into()), ..SourceForm::default() };
    PackageForm { chroot_denylist: Some(denylist.into()), source, ..PackageForm::default() }
}

fn package(world: &World, alice: &ops::Caller, project: &Project, denylist: &str) {
    let (by, of, form) = (alice.clone(), project.clone(), gem(denylist));
    world.write(move |tx, cx| ops::add_package(tx, cx, &by, &of, ("hello", "rubygems", &form))).unwrap();
}

pub fn a_package_is_built_from_its_source_but_not_for_denied_chroots(world: &World) {
    let alice = world.member("alice");
    let project = world.project(&alice, "tools", &[F43, F43_ARM, EPEL]);
    package(world, &alice, &project, "epel-*, *-aarch64");
    let (by, request) = (alice.clone(), world.request(&project));
    let built = world.write(move |tx, cx| ops::build_package(tx, cx, &by, &request, "hello")).unwrap();
    let method = SourceMethod::Rubygems { gem_name: "rake".into() };
    assert_eq!(built.build.source, BuildSource::Method { method });
    let chroots: Vec<&str> = built.chroots.iter().map(|chroot| chroot.chroot.as_str()).collect();
    assert_eq!(chroots, [F43]);

    // Who submits the same package otherwise is kept from those chroots too, unless he names them.
    let build = world.upload(&alice, &project, "hello-1-1.src.rpm").build.id;
    world.import(build, &[F43, F43_ARM, EPEL]);
    let chroots: Vec<String> = world.view(build).chroots.iter().map(|c| c.chroot.to_string()).collect();
    assert_eq!(chroots, [F43]);
}

pub fn the_newest_build_of_a_package_and_the_newest_good_one_are_told_apart(world: &World) {
    let alice = world.member("alice");
    let project = world.project(&alice, "tools", &[F43]);
    let newest = |only_succeeded: bool| {
        let (id, names) = (project.id, ["hello".parse().unwrap()]);
        let found = world
            .read(move |conn| Ok(builds::latest_of_packages(conn, id, &names, only_succeeded)?))
            .unwrap();
        found.values().next().map(|line| line.id)
    };
    assert_eq!((newest(false), newest(true)), (None, None));
    let good = world.pending(&alice, &project, &[F43]);
    world.take(&rpm(good, F43), 1);
    world.heard(finished(&rpm(good, F43), 1, published()));
    assert_eq!((newest(false), newest(true)), (Some(good), Some(good)));
    let running = world.pending(&alice, &project, &[F43]);
    assert_eq!((newest(false), newest(true)), (Some(running), Some(good)));
}

pub fn a_package_keeps_so_many_builds_and_its_newest_good_one(world: &World) {
    let alice = world.member("alice");
    let project = world.project(&alice, "tools", &[F43]);
    let (by, of) = (alice.clone(), project.clone());
    let form = PackageForm { max_builds: Some(2), ..gem("") };
    world.write(move |tx, cx| ops::add_package(tx, cx, &by, &of, ("hello", "rubygems", &form))).unwrap();
    let ended = |outcome: TaskOutcome| {
        let build = world.pending(&alice, &project, &[F43]);
        world.take(&rpm(build, F43), 1);
        world.heard(finished(&rpm(build, F43), 1, outcome));
        build
    };
    let failed = || TaskOutcome::Failed(Failure { cause: FailureCause::Build, message: "no".into() });
    let is_there = |build: BuildId| world.read(move |conn| Ok(builds::find(conn, build)?)).unwrap().is_some();
    let (oldest, good) = (ended(published()), ended(published()));
    assert!(is_there(oldest));
    let failures = [ended(failed()), ended(failed()), ended(failed())];
    assert!(!is_there(oldest) && is_there(good), "nothing good came later");
    assert_eq!(failures.map(is_there), [false, true, true]);
    let removed =
        world.sent().into_iter().filter(|sent| matches!(sent.backend(), BackendTask::DeleteBuildsV1(_)));
    assert!(removed.count() > 0, "with their results");
}

fn take(world: &World, by: &ops::Caller, project: &Project, file: &str) -> Result<BuildId, OpError> {
    let (by, request) = (by.clone(), world.request(project));
    let upload = ops::Upload { path: format!("abc/{file}"), file_name: file.to_owned() };
    world.write(move |tx, cx| Ok(ops::submit_package_file(tx, cx, &by, &request, &upload)?.build.id))
}

fn ordered(world: &World) -> TakePackage {
    match world.sent().remove(0).backend() {
        BackendTask::TakePackageV1(take) => take,
        other => panic!("{other:?}"),
    }
}

fn done(take: &TakePackage, error: Option<&str>) -> Report {
    let taken = TakenPackage { package: "hello".parse().unwrap(), nevra: nevra("hello-data") };
    let taken = error.is_none().then(|| Box::new(taken));
    let (action, error) = (take.action, error.map(str::to_owned));
    Report::ActionDoneV1(ActionDone {
        action,
        error,
        fingerprint: None,
        key_expires_on: None,
        taken,
        at: UnixTime(NOW + 9),
    })
}

pub fn a_finished_package_is_published_without_a_build(world: &World) {
    let alice = world.member("alice");
    let project = world.project(&alice, "tools", &[F43, F43_ARM, EPEL]);
    for wrong in ["hello-1-1.src.rpm", "hello.spec", "hello-1-1.s390x.rpm"] {
        assert!(matches!(take(world, &alice, &project, wrong), Err(OpError::Invalid(_))), "{wrong}");
    }
    assert!(matches!(
        take(world, &world.member("bob"), &project, "a.noarch.rpm"),
        Err(OpError::Forbidden(_))
    ));
    let build = take(world, &alice, &project, "hello-data-1-1.x86_64.rpm").unwrap();
    assert_eq!(world.state(build), BuildState::Importing);
    let order = ordered(world);
    assert_eq!(order.chroots, [F43, EPEL].map(|name| name.parse().unwrap()), "those of its architecture");
    assert_eq!(order.url, "http://frontend:5000/tmp/abc/hello-data-1-1.x86_64.rpm");
    assert!(order.grant.is_some());
    for _ in 0..2 {
        world.heard(done(&order, None));
    }
    let view = world.view(build);
    assert_eq!((view.state(), view.build.package().unwrap().as_str()), (BuildState::Succeeded, "hello"));
    assert_eq!(view.chroots[0].result_dir.as_deref(), Some(format!("{}-hello", build.padded()).as_str()));
    let built = world.read(move |conn| Ok(built_packages::list(conn, build)?)).unwrap();
    assert_eq!(built.len(), 2);
    let again = world.write({
        let by = alice.clone();
        move |tx, cx| ops::resubmit_build(tx, cx, &by, (build, None))
    });
    assert!(matches!(again, Err(OpError::Conflict(_))), "nothing was built that could be built again");
}

pub fn a_refused_or_stopped_package_leaves_nothing(world: &World) {
    let alice = world.member("alice");
    let project = world.project(&alice, "tools", &[F43]);
    let refused = take(world, &alice, &project, "hello-1-1.noarch.rpm").unwrap();
    world.heard(done(&ordered(world), Some("it is signed by somebody else")));
    let view = world.view(refused);
    assert_eq!(view.state(), BuildState::Failed);
    assert_eq!(view.build.failure.unwrap().message, "it is signed by somebody else");

    let stopped = take(world, &alice, &project, "hello-1-1.noarch.rpm").unwrap();
    let order = ordered(world);
    world.cancel(&alice, stopped).unwrap();
    world.sent();
    world.heard(done(&order, None));
    assert_eq!(world.state(stopped), BuildState::Canceled);
    let BackendTask::DeleteBuildsV1(delete) = world.sent().remove(0).backend() else { panic!("no removal") };
    assert_eq!(
        (delete.builds[0].build, delete.builds[0].package.as_ref().unwrap().as_str()),
        (stopped, "hello")
    );
}

pub fn results_go_two_weeks_after_a_newer_good_build(world: &World) {
    const DAYS: i64 = 86_400;
    let alice = world.member("alice");
    let (pruned, kept) =
        (world.project(&alice, "tools", &[F43, EPEL]), world.project(&alice, "kept", &[F43]));
    let mut settings = kept.settings.clone();
    settings.auto_prune = false;
    let id = kept.id;
    world.write(move |tx, _| Ok(projects::update_settings(tx, id, &settings)?)).unwrap();
    let good = |project: &Project, chroots: &[&str]| {
        let build = world.pending(&alice, project, chroots);
        for chroot in chroots {
            world.heard(finished(&rpm(build, chroot), 1, published()));
        }
        build
    };
    let old = good(&pruned, &[F43, EPEL]);
    let newer = good(&pruned, &[F43]);
    let others = [good(&kept, &[F43]), good(&kept, &[F43])];
    world.sent();
    let prune = || world.write(|tx, cx| ops::prune_results(tx, cx, 0)).unwrap();
    world.app.clock.advance(14 * DAYS - 100);
    assert_eq!((prune(), world.sent().len()), (None, 0), "not yet");
    world.app.clock.advance(DAYS);
    prune();
    let BackendTask::DeleteBuildsV1(delete) = world.sent().remove(0).backend() else { panic!("no removal") };
    let removed: Vec<_> = delete.builds.iter().map(|of| (of.build, of.chroots.clone())).collect();
    assert_eq!(removed, [(old, vec![F43.parse().unwrap()])], "where nothing newer was built it stays");
    let has_results = |id| {
        let chroots = world.view(id).chroots;
        chroots.iter().map(|chroot| chroot.result_dir.is_some()).collect::<Vec<_>>()
    };
    assert_eq!((has_results(old), has_results(newer)), (vec![false, true], vec![true, false]));
    assert_eq!(others.map(has_results), [[true], [true]], "its owner wants to keep them");
    assert_eq!(world.state(old), BuildState::Succeeded, "what happened is still told");
    prune();
    assert!(world.sent().is_empty());
}

pub fn a_dropped_chroot_goes_with_its_results_after_a_week(world: &World) {
    let alice = world.member("alice");
    let project = world.project(&alice, "tools", &[F43, EPEL]);
    let build = world.pending(&alice, &project, &[F43, EPEL]);
    for chroot in [F43, EPEL] {
        world.heard(finished(&rpm(build, chroot), 1, published()));
    }
    let only = |chroots: &[&str]| {
        let wanted = Some(chroots.iter().map(ToString::to_string).collect());
        world
            .edit(&alice, &project, ops::ProjectChanges { chroots: wanted, ..ops::ProjectChanges::default() })
            .unwrap();
        world.sent();
    };
    let expire = || world.write(ops::expire_chroots).unwrap();
    only(&[F43]);
    world.app.clock.advance(7 * 86_400);
    only(&[F43, EPEL]);
    assert_eq!((expire(), world.sent().len()), (0, 0), "it was taken back in time");
    only(&[F43]);
    world.app.clock.advance(7 * 86_400 + 1);
    assert_eq!(expire(), 1);
    let BackendTask::DeleteBuildsV1(delete) = world.sent().remove(0).backend() else { panic!("no removal") };
    assert_eq!(
        (delete.builds[0].build, delete.builds[0].chroots.clone()),
        (build, vec![EPEL.parse().unwrap()])
    );
    let left: Vec<_> = world.view(build).chroots.iter().map(|chroot| chroot.result_dir.is_some()).collect();
    assert_eq!((left, expire()), (vec![true, false], 0));
    only(&[F43, EPEL]);
}
