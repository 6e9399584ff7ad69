use std::{fs, process::Command};

use coppice_model::messages::Report;

use crate::{
    crafted::Srpm,
    fixture::{World, git},
};

#[tokio::test(flavor = "multi_thread")]
async fn an_srpm_becomes_a_commit_per_branch_and_a_lookaside_file() {
    let world = World::new().await;
    let distgit = world.start().await;
    let archive = vec![0xfd; 200_000];
    let mut srpm = Srpm::of("gcc-c++").with("a-1.tar.xz", archive).with("fix.patch", "--- a\n");
    (srpm.epoch, srpm.exclude_arch) = (Some(2), vec!["s390x".into()]);
    world.submits(7, &srpm.bytes()).await;
    let imported = world.imported(7);
    assert_eq!((imported.header.evr().as_str(), imported.header.epoch), ("2:1-1", Some(2)));
    assert_eq!(imported.header.exclude_arch, ["s390x"]);
    assert_eq!(imported.commits.len(), 3);
    let of = |chroot: &str| &imported.commits[&chroot.parse().unwrap()];
    assert_eq!(of("fedora-43-x86_64"), of("fedora-43-aarch64"));
    assert_eq!(of("epel-9-x86_64").clone_url, "http://distgit.example/git/@team/tools/gcc-c++");
    assert_eq!(of("epel-9-x86_64").lookaside_url, "http://distgit.example/repo/pkgs/@team/tools/gcc-c++");
    let repository = world.repository("gcc-c++");
    let files = git(&repository, &["ls-tree", "--name-only", "epel9"]);
    assert_eq!(files, "fix.patch\ngcc-c++.spec\nsources\n");
    let sources = git(&repository, &["show", &format!("{}:sources", of("epel-9-x86_64").commit)]);
    assert!(sources.starts_with("SHA512 (a-1.tar.xz) = ") && sources.lines().count() == 1, "{sources}");
    distgit.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_build_again_is_the_same_commit_even_when_the_srpm_is_gone() {
    let world = World::new().await;
    let distgit = world.start().await;
    let import = world.submits(7, &Srpm::of("hello").bytes()).await;
    let first = world.imported(7);
    world.answers("7.src.rpm", 404, b"");
    world.sends(&import).await;
    let reports = world.reports(7, 2);
    assert_eq!(reports, [Report::ImportedV1(first.clone()), Report::ImportedV1(first.clone())]);
    world.submits(8, &Srpm::of("hello").bytes()).await;
    assert_eq!(world.imported(8).commits, first.commits, "equal content of another build");
    world.submits(9, &Srpm::of("hello").with("new.txt", "new").bytes()).await;
    assert_ne!(world.imported(9).commits, first.commits);
    assert_eq!(world.commits("hello", "f43"), 2);
    distgit.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_packages_are_imported_side_by_side() {
    let world = World::new().await;
    let distgit = world.start().await;
    for build in 1..=12 {
        let package = format!("package{}", build % 4);
        world.submits(build, &Srpm::of(&package).with("n.txt", build.to_string()).bytes()).await;
    }
    for build in 1..=12 {
        world.imported(build);
    }
    for package in 0..4 {
        let package = format!("package{package}");
        assert_eq!(world.commits(&package, "f43"), 3);
        git(&world.repository(&package), &["fsck", "--strict"]);
    }
    distgit.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_rpmbuild_makes_is_imported() {
    let world = World::new().await;
    let distgit = world.start().await;
    for (build, compression) in [(1, "w9.gzdio"), (2, "w6.xzdio"), (3, "w3.zstdio"), (4, "w9.bzdio")] {
        world.submits(build, &rpmbuild(&world, compression)).await;
        let imported = world.imported(build);
        assert_eq!(imported.header.evr(), "3:2.8-1", "{compression}");
        assert_eq!((imported.header.exclusive_arch.len(), imported.header.exclude_arch.len()), (2, 1));
    }
    let repository = world.repository("hello");
    assert_eq!(world.commits("hello", "f43"), 1, "the payload's compression is not content");
    assert_eq!(git(&repository, &["show", "f43:hello.sh"]), "echo hello\n");
    assert!(git(&repository, &["ls-tree", "f43", "hello.sh"]).starts_with("100755"));
    distgit.stop().await;
}

fn rpmbuild(world: &World, compression: &str) -> Vec<u8> {
    let top = world.folder.path().join("rpmbuild");
    fs::create_dir_all(top.join("SOURCES")).unwrap();
    let spec = "Name: hello\nEpoch: 3\nVersion: 2.8\nRelease: 1\nSummary: x\nLicense: MIT\nSource0: hello.sh\n\
                Source1: data.tar.gz\nExclusiveArch: x86_64 aarch64\nExcludeArch: s390x\n%description\nx\n%files\n";
    fs::write(top.join("hello.spec"), spec).unwrap();
    fs::write(top.join("SOURCES/hello.sh"), "echo hello\n").unwrap();
    fs::write(top.join("SOURCES/data.tar.gz"), [0x1f, 0x8b, 0]).unwrap();
    Command::new("chmod").arg("755").arg(top.join("SOURCES/hello.sh")).status().unwrap();
    let mut command = Command::new("rpmbuild");
    command.args(["-bs", "--define", &format!("_topdir {}", top.display())]);
    command.args(["--define", &format!("_source_payload {compression}")]).arg(top.join("hello.spec"));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fs::read(top.join("SRPMS/hello-2.8-1.src.rpm")).unwrap()
}
