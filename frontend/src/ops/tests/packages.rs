use coppice_model::{
    BuildId,
    messages::BackendTask,
    source_method::SourceMethod,
    work::{Failure, FailureCause, TaskOutcome},
};
use coppice_store::{BuildSource, Project, builds};

use super::world::{EPEL, F43, F43_ARM, World, finished, published, rpm};
use crate::ops::{self, PackageForm, SourceForm};

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
