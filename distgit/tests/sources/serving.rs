use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    time::Duration,
};

use coppice_kit::until;

use flate2::{Compression, write::GzEncoder};
use reqwest::{Client, StatusCode, header};

use crate::{
    crafted::Srpm,
    fixture::{World, git, try_git},
};

const PACKAGE: &str = "git/@team/tools/hello";

#[tokio::test(flavor = "multi_thread")]
async fn stock_git_clones_and_builders_fetch_one_commit_by_its_hash() {
    let world = World::new().await;
    let distgit = world.start().await;
    world.submits(1, &Srpm::of("hello").with("old.txt", "old").bytes()).await;
    let old = world.imported(1).commits[&"fedora-43-x86_64".parse().unwrap()].commit.clone();
    world.submits(2, &Srpm::of("hello").with("new.txt", "new").bytes()).await;
    world.imported(2);
    let url = format!("{}/{PACKAGE}", distgit.url);
    for protocol in ["protocol.version=0", "protocol.version=2"] {
        let folder = tempfile::tempdir().unwrap();
        git(folder.path(), &["-c", protocol, "clone", "--quiet", &url, "clone"]);
        let clone = folder.path().join("clone");
        assert_eq!(git(&clone, &["rev-parse", "--abbrev-ref", "HEAD"]), "f43\n");
        assert_eq!(fs::read_to_string(clone.join("new.txt")).unwrap(), "new");
        let builder = folder.path().join("builder");
        git(folder.path(), &["init", "--quiet", "builder"]);
        git(&builder, &["-c", protocol, "fetch", "--quiet", "--depth", "1", &url, &old]);
        git(&builder, &["checkout", "--quiet", "FETCH_HEAD"]);
        assert_eq!(fs::read_to_string(builder.join("old.txt")).unwrap(), "old");
        assert_eq!(git(&builder, &["rev-list", "--count", "HEAD"]), "1\n");
    }
    distgit.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_with_a_long_history_sends_compressed_requests() {
    let world = World::new().await;
    let distgit = world.start().await;
    world.submits(1, &Srpm::of("hello").bytes()).await;
    let commit = world.imported(1).commits[&"fedora-43-x86_64".parse().unwrap()].commit.clone();
    let mut compressed = GzEncoder::new(Vec::new(), Compression::default());
    write!(compressed, "0032want {commit}\n00000009done\n").unwrap();
    let request = Client::new()
        .post(format!("{}/{PACKAGE}/git-upload-pack", distgit.url))
        .header(header::CONTENT_ENCODING, "gzip")
        .header(header::CONTENT_TYPE, "application/x-git-upload-pack-request")
        .body(compressed.finish().unwrap());
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/x-git-upload-pack-result");
    let pack = answer.bytes().await.unwrap();
    assert!(pack.starts_with(b"0008NAK\nPACK"), "{:?}", &pack[..pack.len().min(80)]);
    distgit.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn git_ends_when_its_client_goes_away() {
    let world = World::new().await;
    let distgit = world.start().await;
    let large = (0..150).fold(Srpm::of("hello"), |srpm, n| srpm.with(&format!("{n}.txt"), noise(n)));
    world.submits(1, &large.bytes()).await;
    let commit = world.imported(1).commits[&"fedora-43-x86_64".parse().unwrap()].commit.clone();
    let body = format!("0032want {commit}\n00000009done\n");
    let mut client = TcpStream::connect(distgit.url.trim_start_matches("http://")).unwrap();
    let length = body.len();
    write!(
        client,
        "POST /{PACKAGE}/git-upload-pack HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    client.read_exact(&mut [0; 1_000]).unwrap();
    assert!(git_works_in(&world.repository("hello")), "the pack is larger than what the sockets hold");
    drop(client);
    let ended = || (!git_works_in(&world.repository("hello"))).then_some(());
    until("git ends", Duration::from_secs(30), ended);
    distgit.stop().await;
}

/// Text that does not compress well, of 60 KB.
fn noise(seed: u64) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let word = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        format!("{state:016x}")
    };
    (0..3_750).map(word).collect()
}

fn git_works_in(repository: &Path) -> bool {
    let repository = repository.to_str().unwrap();
    let is_one =
        |line: Vec<u8>| line.starts_with(b"git\0") && String::from_utf8_lossy(&line).contains(repository);
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok()).any(is_one)
}

#[tokio::test(flavor = "multi_thread")]
async fn pushes_and_unknown_addresses_are_refused() {
    let world = World::new().await;
    let distgit = world.start().await;
    world.submits(1, &Srpm::of("hello").bytes()).await;
    world.imported(1);
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["clone", "--quiet", &format!("{}/{PACKAGE}", distgit.url), "clone"]);
    let pushed = try_git(&folder.path().join("clone"), &["push", "origin", "HEAD:refs/heads/mine"]);
    assert!(!pushed.status.success());
    assert!(String::from_utf8_lossy(&pushed.stderr).contains("403"));
    let status = async |path: &str| reqwest::get(format!("{}/{path}", distgit.url)).await.unwrap().status();
    assert_eq!(status(&format!("{PACKAGE}/info/refs?service=git-receive-pack")).await, StatusCode::FORBIDDEN);
    assert_eq!(status(&format!("{PACKAGE}/info/refs")).await, StatusCode::FORBIDDEN);
    for path in [
        "git/@team/tools/nothing/info/refs?service=git-upload-pack",
        "git/@team/tools/%2E%2E/info/refs?service=git-upload-pack",
        "git/@team/tools/.hello.lock/info/refs?service=git-upload-pack",
        "git/@team/%2E%2E%2F@team/hello/info/refs?service=git-upload-pack",
        "git/@team/tools/hello/HEAD",
        "lock",
    ] {
        assert_eq!(status(path).await, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(status("healthz").await, StatusCode::OK);
    distgit.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lookaside_cache_gives_files_by_their_hash_only() {
    let world = World::new().await;
    let distgit = world.start().await;
    let archive: Vec<u8> = (0..300_000_u32).map(|n| n.to_le_bytes()[1]).collect();
    world.submits(1, &Srpm::of("hello").with("a 1.tar.gz", archive.clone()).bytes()).await;
    world.imported(1);
    let sources = git(&world.repository("hello"), &["show", "f43:sources"]);
    let hash = sources.trim().rsplit(' ').next().unwrap();
    let base = format!("{}/repo/pkgs/@team/tools/hello", distgit.url);
    let get = async |path: String| reqwest::get(format!("{base}/{path}")).await.unwrap();
    let answer = get(format!("a%201.tar.gz/sha512/{hash}/a%201.tar.gz")).await;
    assert_eq!(answer.headers()[header::CONTENT_LENGTH], archive.len().to_string());
    assert_eq!(answer.bytes().await.unwrap(), archive);
    let other = "0".repeat(128);
    for path in [
        format!("a/sha512/{other}/a"),
        format!("a/sha512/{hash}/b"),
        format!("a/sha512/{}/a", &hash[..127]),
        "a/sha512/..%2F..%2Flock/a".to_owned(),
        format!("a/md5/{hash}/a"),
    ] {
        assert_eq!(get(path.clone()).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    let head = Client::new().head(format!("{base}/a/sha512/{hash}/a")).send().await.unwrap();
    assert_eq!(head.status(), StatusCode::OK);
    assert_eq!(head.headers()[header::CONTENT_LENGTH], archive.len().to_string());
    distgit.stop().await;
}
