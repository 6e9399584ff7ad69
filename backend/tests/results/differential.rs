//! Clients read the same from our index as from createrepo_c's, whatever a package holds.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use coppice_backend::{
    actions,
    publisher::{Compression, PublishConfig},
};

use crate::{
    deleting::delete,
    host::{Host, dnf, everything_below, work_for},
    packages::{ARCH, HELLO, Sent, Spec, build, build_text},
    publishing::publish,
};

const EDGE: &str = include_str!("edge.spec");
const EDGE_SPEC: Spec = Spec { name: "edge", epoch: Some(2), version: "1.0~rc1^git2", release: "3.fc43" };
const OLDER: Spec = Spec { name: "hello", epoch: Some(1), version: "0.9", release: "1.fc43" };

/// What is asked, and whether anything must come.
const QUERIES: [(&[&str], bool); 17] = [
    (&[], true),
    (
        &[
            "--qf",
            "%{name}|%{epoch}|%{evr}|%{arch}|%{location}|%{size}|%{installsize}|%{buildtime}|%{summary}|%{url}|\
             %{license}|%{sourcerpm}|%{packager}|%{vendor}|%{group}|%{description}|%{source_name}",
        ],
        true,
    ),
    (&["--info"], true),
    (&["--list"], true),
    (&["--provides"], true),
    (&["--requires"], true),
    (&["--requires-pre"], true),
    (&["--recommends"], true),
    (&["--suggests"], true),
    (&["--supplements"], true),
    (&["--enhances"], true),
    (&["--conflicts"], true),
    (&["--obsoletes"], true),
    (&["--changelogs"], true),
    (&["--source"], true),
    (&["--file", "/usr/share/edge/many/file-300"], true),
    (&["--whatprovides", "edge(virtual)"], true),
];

#[tokio::test]
async fn dnf_reads_the_same_as_from_createrepo_c_whatever_a_package_holds() {
    let host = Host::start().await;
    let names = ingest_all(&host).await;
    compare(&host, &names).await;
    actions::handle(&host.results, &publish(true)).await.unwrap();
    compare(&host, &names).await;
}

#[tokio::test]
async fn also_in_an_index_of_zstd() {
    let config = PublishConfig { compression: Compression::Zstd, ..PublishConfig::default() };
    let host = Host::start_with(config, None).await;
    let names = ingest_all(&host).await;
    compare(&host, &names).await;
}

/// One build for each way to pack a payload, then some that share names with each other.
async fn ingest_all(host: &Host) -> Vec<String> {
    let packed = ["w9.gzdio", "w2.xzdio", "w3.zstdio"];
    let mut id = 0;
    for payload in packed {
        let dir = build_text("edge", EDGE, &[&format!("_binary_payload {payload}")]);
        id += 1;
        let sent = Sent::copy_of(dir.path());
        assert_eq!(sent.names().iter().filter(|name| name.ends_with(".rpm")).count(), 6);
        host.ingest(&work_for(id, &EDGE_SPEC), &sent).await.unwrap();
    }
    for spec in [&HELLO, &OLDER] {
        id += 1;
        host.ingest(&work_for(id, spec), &Sent::copy_of(build(spec, &[]).path())).await.unwrap();
    }
    let placed = |name: &String| name.ends_with(".rpm");
    everything_below(&host.repository()).into_iter().filter(placed).collect()
}

async fn compare(host: &Host, names: &[String]) {
    let reference = tempfile::tempdir().unwrap();
    for name in names {
        let (from, to) = (host.repository().join(name), reference.path().join(name));
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        // The same file: its time is part of the index.
        fs::hard_link(&from, &to).or_else(|_| fs::copy(&from, &to).map(drop)).unwrap();
    }
    let made = Command::new("createrepo_c").args(["--quiet", "--no-database"]).arg(reference.path()).status();
    assert!(made.expect("createrepo_c is installed").success());
    let (ours, theirs) = (host.repository_url(), format!("file://{}", reference.path().display()));
    let count = names.len();
    let compared = tokio::task::spawn_blocking(move || {
        let (root_of_ours, root_of_theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for (query, must_say) in QUERIES {
            let said = asked(root_of_ours.path(), &ours, query);
            assert_eq!(said, asked(root_of_theirs.path(), &theirs, query), "{query:?}");
            assert_eq!(said.is_empty(), !must_say, "{query:?}");
        }
        let all = asked(root_of_ours.path(), &ours, &["--qf", "%{location}"]);
        assert_eq!(all.lines().collect::<BTreeSet<_>>().len(), count);
    });
    compared.await.unwrap();
}

/// What dnf prints; installed packages of this host play no part.
fn asked(root: &Path, url: &str, query: &[&str]) -> String {
    let output =
        dnf(root, url).args(["repoquery", "--quiet", "--showduplicates"]).args(query).output().unwrap();
    assert!(output.status.success(), "{query:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn versions_that_meet_in_a_repository_are_all_there_and_the_newest_wins() {
    let host = Host::start().await;
    let hello = Sent::copy_of(build(&HELLO, &[]).path());
    host.ingest(&work_for(1, &HELLO), &hello).await.unwrap();
    // The same NEVRA again.
    host.ingest(&work_for(2, &HELLO), &hello).await.unwrap();
    // An epoch outranks every version.
    host.ingest(&work_for(3, &OLDER), &Sent::copy_of(build(&OLDER, &[]).path())).await.unwrap();

    let said = host.dnf(&["repoquery", "--quiet", "--qf", "%{location}", "hello.src"]).await;
    assert_eq!(String::from_utf8(said.stdout).unwrap().lines().count(), 3, "every build keeps its sources");
    let newest = host.dnf(&["repoquery", "--quiet", "--latest-limit=1", "hello", "hello-data"]).await;
    let newest = String::from_utf8(newest.stdout).unwrap();
    let newest: BTreeSet<&str> = newest.lines().collect();
    let wanted = [format!("hello-1:0.9-1.fc43.{ARCH}"), "hello-data-1:0.9-1.fc43.noarch".into()];
    assert!(wanted.iter().all(|package| newest.contains(package.as_str())), "{newest:?}");

    for package in ["hello-data-0:1.0-1.fc43.noarch", "hello-data-1:0.9-1.fc43.noarch"] {
        let installed =
            host.dnf(&["install", "--setopt=gpgcheck=1", "--setopt=install_weak_deps=0", package]).await;
        let said = String::from_utf8_lossy(&installed.stdout).into_owned();
        let error = String::from_utf8_lossy(&installed.stderr).into_owned();
        assert!(installed.status.success(), "{said}{error}");
    }
    // One of two equal builds goes: the other is still installed from.
    let gone = delete(1, Some("hello"));
    actions::handle(&host.results, &gone).await.unwrap();
    let said = host.dnf(&["repoquery", "--quiet", "--qf", "%{location}", "hello-data-0:1.0-1.fc43"]).await;
    let said = String::from_utf8(said.stdout).unwrap();
    assert_eq!(said.trim(), "00000002-hello/hello-data-1.0-1.fc43.noarch.rpm");
}
