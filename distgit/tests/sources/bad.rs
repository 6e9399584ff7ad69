use std::fs;

use crate::{
    crafted::Srpm,
    fixture::{DistGit, World},
};

/// Submits bytes and returns the sentence of the refusal; nothing may be left of them.
async fn refused(world: &World, build: i64, srpm: &[u8]) -> String {
    world.submits(build, srpm).await;
    let sentence = world.refused(build);
    assert!(!sentence.contains('\n') && sentence.len() < 400, "{sentence:?}");
    assert!(fs::read_dir(world.data_dir().join("git")).unwrap().next().is_none(), "{sentence}");
    assert!(fs::read_dir(world.data_dir().join("lookaside")).unwrap().next().is_none(), "{sentence}");
    assert!(fs::read_dir(world.data_dir().join("tmp")).unwrap().next().is_none(), "{sentence}");
    sentence
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_would_harm_a_path_are_refused() {
    let world = World::new().await;
    let distgit = world.start().await;
    let long = "x".repeat(4_096);
    let mut build = 0;
    for bad in ["a/b", "..", "../../etc", "a\nb", "-rf", "", "a b", &long] {
        let mut of_name = Srpm::of("hello");
        of_name.name = bad.into();
        let (mut of_version, mut of_release) = (Srpm::of("hello"), Srpm::of("hello"));
        (of_version.version, of_release.release) = (bad.into(), bad.into());
        for (what, srpm) in [("name", of_name), ("version", of_version), ("release", of_release)] {
            build += 1;
            let sentence = refused(&world, build, &srpm.bytes()).await;
            assert!(sentence.contains(what), "{bad:?}: {sentence}");
            if bad == long && what == "name" {
                assert!(sentence.contains("Too long package name"), "{sentence}");
            }
        }
    }
    distgit.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_no_srpm_are_refused_with_what_to_do() {
    let world = World::new().await;
    let distgit = world.start().await;
    let good = Srpm::of("hello").with("a.tar.gz", vec![7; 100_000]).bytes();
    let mut flipped = good.clone();
    let middle = flipped.len() - 50_000;
    flipped[middle] ^= 1;
    let mut broken_header = good.clone();
    broken_header[400] ^= 0xff;
    let mut binary = Srpm::of("hello");
    binary.is_source = false;
    let cases: [(&[u8], &str); 8] = [
        (b"<html>not found</html>", "not an RPM"),
        (b"", "not an RPM"),
        (&good[..200], "truncated"),
        (&good[..good.len() - 4_096], "truncated"),
        (&good[..good.len() - 1], "truncated"),
        (&flipped, "damaged"),
        (&broken_header, "damaged"),
        (&binary.bytes(), "binary package"),
    ];
    for (build, (bytes, expected)) in cases.iter().enumerate() {
        let sentence = refused(&world, i64::try_from(build).unwrap() + 1, bytes).await;
        assert!(sentence.contains(expected), "{expected}: {sentence}");
    }
    distgit.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_cut_or_changed_anywhere_never_stop_the_service() {
    let world = World::new().await;
    let distgit = world.start().await;
    let good = Srpm::of("hello").bytes();
    let mut build = 100;
    for at in (96..good.len()).step_by(29) {
        let mut changed = good.clone();
        changed[at] = changed[at].wrapping_add(0x81);
        build += 1;
        world.submits(build, &changed).await;
    }
    for build in 101..=build {
        world.reports(build, 1);
    }
    world.submits(1, &good).await;
    world.imported(1);
    distgit.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_with_dangerous_names_or_kinds_are_refused() {
    let world = World::new().await;
    let distgit = world.start().await;
    let good = || Srpm::of("hello");
    let (mut in_folder, mut link, mut ghost, mut sizes) = (good(), good(), good(), good());
    in_folder.dir = "/etc/".into();
    link.mode = 0o120_777;
    ghost.flags = 1 << 6;
    sizes.size_error = 5;
    let mut none = good();
    none.files = vec![("README".into(), b"x".to_vec())];
    let cases = [
        (good().with("../x", "x"), "plain name"),
        (good().with("..", "x"), "plain name"),
        (good().with("a\nb", "x"), "plain name"),
        (good().with("-rf", "x"), "plain name"),
        (good().with(".git", "x"), "plain name"),
        (good().with(&"x".repeat(256), "x"), "plain name"),
        (good().with("sources", "x"), "sources"),
        (good().with("other.spec", "x"), "2 spec files"),
        (good().with("hello.spec", "x"), "2 spec files"),
        (none, "0 spec files"),
        (in_folder, "plain name"),
        (link, "not a plain file"),
        (ghost, "leaves out"),
        (sizes, "another size"),
    ];
    for (build, (srpm, expected)) in cases.into_iter().enumerate() {
        let sentence = refused(&world, i64::try_from(build).unwrap() + 1, &srpm.bytes()).await;
        assert!(sentence.contains(expected), "{expected}: {sentence}");
    }
    distgit.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_exceeds_the_limits_is_refused() {
    let world = World::new().await;
    let mut config = world.config();
    config.limits.srpm_bytes = 1 << 20;
    config.limits.unpacked_bytes = 500_000;
    config.limits.files = 3;
    config.limits.spec_bytes = 2_048;
    let distgit = DistGit::start(config).await;
    let many = (0..3).fold(Srpm::of("hello"), |srpm, n| srpm.with(&n.to_string(), "x"));
    let mut spec = Srpm::of("hello");
    spec.files[0].1 = vec![b'#'; 3_000];
    let cases = [
        (Srpm::of("hello").with("a.gz", vec![0; 2 << 20]).bytes(), "larger than 1 MiB"),
        (Srpm::of("hello").with("a.gz", vec![0; 600_000]).bytes(), "exceed"),
        (many.bytes(), "more than 3 files"),
        (spec.bytes(), "larger than 2 KiB"),
    ];
    for (build, (srpm, expected)) in cases.iter().enumerate() {
        let sentence = refused(&world, i64::try_from(build).unwrap() + 1, srpm).await;
        assert!(sentence.contains(expected), "{expected}: {sentence}");
    }
    distgit.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_srpm_is_a_refusal_and_a_broken_service_is_asked_again() {
    let world = World::new().await;
    let distgit = world.start().await;
    world.sends(&world.import_of(1)).await;
    assert!(world.refused(1).contains("submit it again"));
    world.answers("2.src.rpm", 503, b"");
    world.sends(&world.import_of(2)).await;
    let again = || {
        let text = metrics_of(&distgit.url);
        text.contains("outcome=\"again\"").then_some(())
    };
    coppice_kit::until("the import was tried in vain", std::time::Duration::from_secs(30), again);
    world.answers("2.src.rpm", 200, &Srpm::of("hello").bytes());
    world.imported(2);
    assert_eq!(world.reports(2, 1).len(), 1);
    distgit.stop().await;
}

fn metrics_of(url: &str) -> String {
    let request = async { reqwest::get(format!("{url}/metrics")).await?.text().await };
    tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(request)).unwrap()
}
