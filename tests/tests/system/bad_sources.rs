//! Bad input gets a clear sentence, and nothing is lost or left behind.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    thread,
};

use coppice_kit::{Database, Member, StackOptions, distro, distro::CHROOT, member::fetch};

use crate::{on_both_databases, stack, usual};

on_both_databases!(
    what_is_no_source_package_is_refused_with_a_reason,
    failing_builds_say_why_and_keep_their_logs,
    addresses_that_are_not_public_are_refused_unless_the_operator_allows_them,
);

/// The sentence of a failed build.
fn failure(member: &Member, build: i64) -> String {
    let seen = member.waits_for(build, &["failed"]);
    let chroots = member.chroots(build);
    let said = [&seen["failure"], &chroots[0]["failure"]];
    said.iter()
        .find_map(|value| value.as_str())
        .unwrap_or_else(|| panic!("no reason: {seen} {chroots}"))
        .to_owned()
}

fn what_is_no_source_package_is_refused_with_a_reason(database: Database) {
    let Some((stack, _turn)) = usual(database) else { return };
    let alice = stack.member("alice");
    alice.copr(&["create", "tools", "--chroot", CHROOT]).ok();
    let good = fs::read(distro::srpm("libgreet", stack.scratch())).unwrap();
    let write = |name: &str, content: &[u8]| {
        let path = stack.scratch().join(name);
        fs::write(&path, content).unwrap();
        path
    };
    let cases: Vec<(PathBuf, &str)> = vec![
        (write("text-1-1.src.rpm", b"this is no package"), "not an RPM"),
        (write("short-1-1.src.rpm", &good[..good.len() / 2]), "truncated"),
        (write("empty-1-1.src.rpm", b""), "not an RPM"),
    ];
    for (path, words) in cases {
        let build = alice.submits("tools", &path);
        let said = failure(&alice, build);
        assert!(said.to_lowercase().contains(&words.to_lowercase()), "{}: {said}", path.display());
        assert_eq!(alice.copr(&["watch-build", &build.to_string()]).code, 4);
    }
    let said = alice.copr(&["build", "tools", &write("notes.txt", b"x").display().to_string()]).fails(1);
    assert!(said.contains(".src.rpm"), "{said}");
    // After all that a good one goes through.
    let build = alice.submits("tools", &distro::srpm("noarch-hello", stack.scratch()));
    alice.waits_for(build, &["succeeded"]);
    stack.close();
}

fn failing_builds_say_why_and_keep_their_logs(database: Database) {
    let Some((stack, _turn)) = usual(database) else { return };
    let alice = stack.member("alice");
    alice.copr(&["create", "tools", "--chroot", CHROOT]).ok();
    let sample = |name: &str| distro::srpm(name, stack.scratch()).display().to_string();

    let said = alice.copr(&["build", "tools", &sample("broken")]).fails(4);
    let build: i64 =
        said.lines().find_map(|l| l.strip_prefix("Created builds: ")?.trim().parse().ok()).unwrap();
    assert!(failure(&alice, build).contains("%build"), "{}", failure(&alice, build));
    let folder = alice.chroots(build)[0]["result_url"].as_str().unwrap().to_owned();
    let (status, log) = fetch(&format!("{folder}builder-live.log"));
    assert!(status == 200 && log.contains("Bad exit status"), "{log}");
    assert_eq!(fetch(&format!("{folder}success")).0, 404);
    let (_, listing) = fetch(&folder);
    assert!(!listing.contains(".rpm\""), "nothing that failed is offered: {listing}");

    let build = alice.submits("tools", &PathBuf::from(sample("missing-dep")));
    let said = failure(&alice, build);
    assert!(said.contains("nobody-provides-this-devel"), "the missing package is named: {said}");

    let said = alice.copr(&["build", "tools", "--timeout", "4", &sample("never-ends")]).fails(4);
    let build: i64 =
        said.lines().find_map(|l| l.strip_prefix("Created builds: ")?.trim().parse().ok()).unwrap();
    assert!(failure(&alice, build).contains("4 s"), "{}", failure(&alice, build));
    stack.close();
}

fn addresses_that_are_not_public_are_refused_unless_the_operator_allows_them(database: Database) {
    let site = Site::serving(&distro_file());
    let options = StackOptions {
        allow: vec![format!("127.0.0.1:{}", site.address.port())],
        ..StackOptions::on(database)
    };
    let Some((stack, _turn)) = stack(&options) else { return };
    let alice = stack.member("alice");
    alice.copr(&["create", "tools", "--chroot", CHROOT]).ok();
    let closed = Site::serving(b"secret of the inner network");
    let from = |url: &str| {
        let said = alice.copr(&["build", "tools", "--nowait", url]).ok();
        said.lines().find_map(|l| l.strip_prefix("Created builds: ")?.trim().parse::<i64>().ok()).unwrap()
    };
    let port = closed.address.port();
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "169.254.169.254", "10.0.0.1"]
    {
        let said = failure(&alice, from(&format!("http://{host}:{port}/x-1-1.src.rpm")));
        assert!(said.contains("not on the public internet"), "{host}: {said}");
    }
    let redirected = failure(&alice, from(&format!("http://{}/redirect/{port}/x-1-1.src.rpm", site.address)));
    assert!(redirected.contains("not on the public internet"), "{redirected}");
    let said = alice.copr(&["build", "tools", "--nowait", "ftp://127.0.0.1/x-1-1.src.rpm"]);
    assert!(said.code != 0 || failure_of(&alice, &said.out).contains("http"), "{said:?}");

    let allowed = from(&format!("http://{}/noarch-hello-1.0-1.src.rpm", site.address));
    alice.waits_for(allowed, &["succeeded"]);
    let source = alice.get(&format!("build/source-chroot/{allowed}"));
    assert_eq!(source["state"], "succeeded", "{source}");
    stack.close();
}

fn failure_of(alice: &Member, said: &str) -> String {
    let build = said.lines().find_map(|l| l.strip_prefix("Created builds: ")?.trim().parse().ok()).unwrap();
    failure(alice, build)
}

fn distro_file() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    fs::read(distro::srpm("noarch-hello", folder.path())).unwrap()
}

/// A web site outside of Coppice. `/redirect/PORT/…` sends on to another port of this host.
struct Site {
    address: SocketAddr,
}

impl Site {
    fn serving(content: &[u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let content = content.to_owned();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                answer(stream, &content).ok();
            }
        });
        Self { address }
    }
}

fn answer(mut stream: std::net::TcpStream, content: &[u8]) -> std::io::Result<()> {
    let mut request = [0; 4096];
    let length = stream.read(&mut request)?;
    let text = String::from_utf8_lossy(&request[..length]).into_owned();
    let path = text.split(' ').nth(1).unwrap_or("/").to_owned();
    if let Some((port, rest)) = path.strip_prefix("/redirect/").and_then(|rest| rest.split_once('/')) {
        return write!(
            stream,
            "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{port}/{rest}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
    }
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", content.len())?;
    stream.write_all(content)
}
