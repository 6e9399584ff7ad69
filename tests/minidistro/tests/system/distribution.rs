//! The repository as its users see it: found again at once, and complete in itself.

use std::fs;
use std::time::{Duration, Instant};

use coppice_minidistro::{BUILD_GROUP, Options, find, make, samples};
use rpmrepo_metadata::RepositoryReader;

use crate::lab::{self, Lab};

#[test]
fn making_again_has_nothing_to_do() {
    let Some(first) = lab::distro() else { return };
    let start = Instant::now();
    let again = make(&Options::cached(lab::cache()), &|line| panic!("has something to do: {line}")).unwrap();
    assert!(again.cached && again.repo == first.repo && again.key == first.key);
    assert!(start.elapsed() < Duration::from_secs(10), "took {:?}", start.elapsed());
    assert_eq!(find(&Options::cached(lab::cache())).unwrap(), Some(again));
}

#[test]
fn it_can_be_put_at_a_path_of_ones_own() {
    let Some(distro) = lab::distro() else { return };
    let folder = tempfile::tempdir().unwrap();
    let options = Options::cached(lab::cache()).out(folder.path().join("repo"));
    for _ in 0..2 {
        let placed = make(&options, &|_| ()).unwrap();
        assert_eq!((placed.repo, placed.key.as_str()), (folder.path().join("repo"), distro.key.as_str()));
    }
    let names = |path| fs::read_dir(path).unwrap().map(|e| e.unwrap().file_name()).collect::<Vec<_>>().len();
    assert_eq!(names(folder.path().join("repo")), names(distro.repo));
}

#[test]
fn two_processes_may_make_it_at_once() {
    let Some(distro) = lab::distro() else { return };
    let both = std::thread::scope(|scope| {
        let run = || make(&Options::cached(lab::cache()), &|_| ()).unwrap();
        let threads = [scope.spawn(run), scope.spawn(run)];
        threads.map(|thread| thread.join().unwrap())
    });
    assert!(both.iter().all(|one| one.repo == distro.repo));
}

#[test]
fn the_metadata_tells_the_build_group_and_every_package() {
    let Some(distro) = lab::distro() else { return };
    let reader = RepositoryReader::new_from_directory(&distro.repo).unwrap();
    let comps = reader.read_comps().unwrap().unwrap();
    let group = comps.groups.iter().find(|group| group.id == BUILD_GROUP).unwrap();
    let packages: Vec<_> = reader.iter_packages().unwrap().map(|package| package.unwrap()).collect();
    for wanted in &group.packages {
        assert!(packages.iter().any(|package| package.name() == wanted.name), "{} is missing", wanted.name);
    }
    for package in &packages {
        assert!(distro.repo.join(package.location_href()).exists(), "{}", package.location_href());
    }
}

#[test]
fn every_dependency_can_be_met_inside() {
    let Some(lab) = Lab::open() else { return };
    // Not `repoquery --unsatisfied`: that looks at installed packages only.
    assert_eq!(lab.dnf(&lab.path("empty"), None, &["-q", "repoclosure"]).expect_ok(), "");
}

#[test]
fn sources_of_all_samples_are_reproducible() {
    if std::process::Command::new("rpmbuild").arg("--version").output().is_err() {
        eprintln!("SKIPPED: there is no rpmbuild on this machine");
        return;
    }
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for name in samples::names() {
        let first = samples::srpm(name, one.path()).unwrap();
        let second = samples::srpm(name, two.path()).unwrap();
        assert!(fs::read(first).unwrap() == fs::read(second).unwrap(), "{name} differs");
    }
}
