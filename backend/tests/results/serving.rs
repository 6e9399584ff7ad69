//! The static server as browsers, wget and dnf use it, and as it must not be used.

use std::{fs, io::Write, os::unix::fs::symlink, process::Command};

use coppice_model::messages::Report;
use flate2::{Compression, write::GzEncoder};
use reqwest::{Response, StatusCode, header};

use crate::host::Host;

const BUILD: &str = "@team/foo:pr:1/fedora-43-x86_64/00000007-gcc-c++";

async fn host_with_results() -> Host {
    let host = Host::start().await;
    let dir = host.public(BUILD);
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("gcc-c++-1~rc1^2-1.x86_64.rpm"), "0123456789").unwrap();
    fs::write(dir.join("builder-live.log"), "<b>growing</b>\n").unwrap();
    fs::write(dir.join("build.log.gz"), packed("finished\n")).unwrap();
    fs::write(dir.join("page.html"), "<script>alert(1)</script>").unwrap();
    fs::write(dir.join(".hidden"), "x").unwrap();
    let repodata = host.public("@team/foo:pr:1/fedora-43-x86_64/repodata");
    fs::create_dir_all(&repodata).unwrap();
    fs::write(repodata.join("repomd.xml"), "<repomd/>").unwrap();
    fs::write(repodata.join("abc-primary.xml.gz"), packed("<metadata/>")).unwrap();
    host
}

fn packed(text: &str) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    packer.write_all(text.as_bytes()).unwrap();
    packer.finish().unwrap()
}

async fn get(host: &Host, path: &str) -> Response {
    get_with(host, path, &[]).await
}

async fn get_with(host: &Host, path: &str, headers: &[(header::HeaderName, &str)]) -> Response {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let request = client.get(host.url(path));
    headers.iter().fold(request, |request, (name, value)| request.header(name, *value)).send().await.unwrap()
}

fn shown(response: &Response, name: header::HeaderName) -> &str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

/// The status line of a request whose path no client would send.
async fn raw_status(host: &Host, path: &str) -> u16 {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(host.addr).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn every_level_is_listed_with_relative_links() {
    let host = host_with_results().await;
    let top = get(&host, "").await.text().await.unwrap();
    assert!(top.contains("href=\"@team/\"") && !top.contains("fresh") && !top.contains("../"), "{top}");
    let owner = get(&host, "@team/").await.text().await.unwrap();
    assert!(owner.contains("href=\"./foo:pr:1/\""), "{owner}");
    let build = get(&host, &format!("{BUILD}/")).await;
    assert_eq!(shown(&build, header::CONTENT_TYPE), "text/html; charset=utf-8");
    let build = build.text().await.unwrap();
    assert!(
        build.contains("href=\"gcc-c++-1~rc1%5E2-1.x86_64.rpm\"") && build.contains("href=\"../\""),
        "{build}"
    );
    assert!(!build.contains(".hidden") && !build.contains('?') && !build.contains("href=\"/"), "{build}");
    let moved = get(&host, BUILD).await;
    assert_eq!(moved.status(), StatusCode::MOVED_PERMANENTLY);
    assert_eq!(shown(&moved, header::LOCATION), format!("/results/{BUILD}/"));
}

#[tokio::test]
async fn wget_downloads_a_build_as_copr_cli_asks_it_to() {
    let host = host_with_results().await;
    let to = tempfile::tempdir().unwrap();
    let mut wget = Command::new("wget");
    wget.args([
        "-q",
        "-r",
        "-nH",
        "--no-parent",
        "--reject",
        "index.html*",
        "-e",
        "robots=off",
        "--cut-dirs",
        "6",
    ]);
    wget.arg("-P").arg(to.path()).arg(host.url(&format!("{BUILD}/")));
    let status =
        tokio::task::spawn_blocking(move || wget.status().expect("wget is installed")).await.unwrap();
    assert!(status.success());
    let names = crate::host::everything_below(to.path());
    let wanted = ["build.log.gz", "builder-live.log", "gcc-c++-1~rc1^2-1.x86_64.rpm", "page.html"];
    assert_eq!(names.iter().map(String::as_str).collect::<Vec<_>>(), wanted);
    let log = fs::read(to.path().join("build.log.gz")).unwrap();
    assert_eq!(log, packed("finished\n"), "a packed log stays packed");
}

#[tokio::test]
async fn logs_are_text_in_a_browser_whether_packed_or_not() {
    let host = host_with_results().await;
    for name in ["build.log", "build.log.gz"] {
        let log = get(&host, &format!("{BUILD}/{name}")).await;
        assert_eq!(log.status(), StatusCode::OK, "{name}");
        assert_eq!(shown(&log, header::CONTENT_TYPE), "text/plain; charset=utf-8");
        assert_eq!(shown(&log, header::CONTENT_ENCODING), "gzip");
        assert_eq!(log.bytes().await.unwrap(), packed("finished\n"));
    }
    let growing = get(&host, &format!("{BUILD}/builder-live.log")).await;
    assert_eq!(shown(&growing, header::CONTENT_TYPE), "text/plain; charset=utf-8");
    assert_eq!(shown(&growing, header::CACHE_CONTROL), "no-cache");
    assert_eq!(growing.text().await.unwrap(), "<b>growing</b>\n");
    assert_eq!(get(&host, &format!("{BUILD}/root.log")).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn nothing_that_a_builder_sent_runs_in_a_browser() {
    let host = host_with_results().await;
    for path in ["", &format!("{BUILD}/page.html"), "missing"] {
        let answer = get(&host, path).await;
        let policy = shown(&answer, header::CONTENT_SECURITY_POLICY);
        assert!(policy.contains("sandbox") && policy.contains("default-src 'none'"), "{path}: {policy}");
        assert_eq!(shown(&answer, header::X_CONTENT_TYPE_OPTIONS), "nosniff", "{path}");
    }
    let page = get(&host, &format!("{BUILD}/page.html")).await;
    assert_eq!(shown(&page, header::CONTENT_TYPE), "application/octet-stream");
}

#[tokio::test]
async fn ranges_conditions_and_head_work() {
    let host = host_with_results().await;
    let path = format!("{BUILD}/gcc-c++-1~rc1%5E2-1.x86_64.rpm");
    let whole = get(&host, &path).await;
    assert_eq!(shown(&whole, header::CONTENT_LENGTH), "10");
    let tag = shown(&whole, header::ETAG).to_owned();
    let since = shown(&whole, header::LAST_MODIFIED).to_owned();
    assert_eq!(whole.text().await.unwrap(), "0123456789");
    let parts = [
        ("bytes=2-4", "234", "bytes 2-4/10"),
        ("bytes=7-", "789", "bytes 7-9/10"),
        ("bytes=-2", "89", "bytes 8-9/10"),
    ];
    for (range, text, content_range) in parts {
        let part = get_with(&host, &path, &[(header::RANGE, range)]).await;
        assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT, "{range}");
        assert_eq!(shown(&part, header::CONTENT_RANGE), content_range);
        assert_eq!(part.text().await.unwrap(), text);
    }
    let beyond = get_with(&host, &path, &[(header::RANGE, "bytes=10-")]).await;
    assert_eq!(beyond.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    let stale = [(header::RANGE, "bytes=2-4"), (header::IF_RANGE, "\"old\"")];
    assert_eq!(get_with(&host, &path, &stale).await.text().await.unwrap(), "0123456789");
    for known in [(header::IF_NONE_MATCH, tag.as_str()), (header::IF_MODIFIED_SINCE, since.as_str())] {
        assert_eq!(get_with(&host, &path, &[known]).await.status(), StatusCode::NOT_MODIFIED);
    }
    let head = reqwest::Client::new().head(host.url(&path)).send().await.unwrap();
    assert_eq!((head.status(), shown(&head, header::CONTENT_LENGTH)), (StatusCode::OK, "10"));
    assert_eq!(head.text().await.unwrap(), "");
    let posted = reqwest::Client::new().post(host.url(&path)).send().await.unwrap();
    assert_eq!(posted.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn the_index_is_asked_for_anew_and_what_it_names_is_kept_for_ever() {
    let host = host_with_results().await;
    let repodata = "@team/foo:pr:1/fedora-43-x86_64/repodata";
    let repomd = get(&host, &format!("{repodata}/repomd.xml")).await;
    assert_eq!(shown(&repomd, header::CACHE_CONTROL), "no-cache");
    let primary = get(&host, &format!("{repodata}/abc-primary.xml.gz")).await;
    assert!(shown(&primary, header::CACHE_CONTROL).contains("immutable"));
    assert_eq!(shown(&primary, header::CONTENT_ENCODING), "");
}

#[tokio::test]
async fn nothing_outside_of_the_tree_is_served() {
    let host = host_with_results().await;
    fs::write(host.data.join("secret.txt"), "secret").unwrap();
    symlink(host.data.join("secret.txt"), host.public("link.txt")).unwrap();
    symlink(&host.data, host.public("link")).unwrap();
    let tricks = [
        "/results/../secret.txt",
        "/results/%2e%2e/secret.txt",
        "/results/%2E%2E%2fsecret.txt",
        "/results/@team/..%2f..%2f../secret.txt",
        "/results//secret.txt",
        "/results/link.txt",
        "/results/link/secret.txt",
        "/results/link/",
        "/results/.fresh/",
        "/results/@team/foo:pr:1/fedora-43-x86_64/00000007-gcc-c++/.hidden",
        "/results/@team%00/",
        "/resultsx",
        "/state/",
        "/results/@team/%ff/",
    ];
    for path in tricks {
        assert_eq!(raw_status(&host, path).await, 404, "{path}");
    }
    let listing = get(&host, "").await.text().await.unwrap();
    assert!(!listing.contains("link"), "{listing}");
}

#[tokio::test]
async fn a_package_that_is_fetched_counts_once() {
    let host = host_with_results().await;
    let package = format!("{BUILD}/gcc-c++-1~rc1^2-1.x86_64.rpm");
    get(&host, &package).await;
    // The same download in two pieces, and what is none.
    get_with(&host, &package, &[(header::RANGE, "bytes=0-3")]).await;
    get_with(&host, &package, &[(header::RANGE, "bytes=4-")]).await;
    get_with(&host, &package, &[(header::RANGE, "bytes=99-")]).await;
    reqwest::Client::new().head(host.url(&package)).send().await.unwrap();
    get(&host, &format!("{BUILD}/build.log.gz")).await;
    get(&host, &format!("{BUILD}/missing.rpm")).await;
    let Some(Report::DownloadsV1(downloads)) = host.counter.take() else { panic!("nothing was counted") };
    let [fetched] = downloads.fetched.as_slice() else { panic!("{downloads:?}") };
    assert_eq!(
        (fetched.project.to_string().as_str(), fetched.chroot.as_str(), fetched.count),
        ("@team/foo", "fedora-43-x86_64", 2)
    );
}
