//! Files as DNF reads them.

use coppice_model::ProjectRef;

use super::*;
use crate::pages::Templates;
use crate::repofile::project::PublishedDir;

fn site() -> Site {
    Site { host: "copr.example.com".into(), results_url: "https://download.copr.example.com/results".into() }
}

fn published(owner: &str, chroots: &[&str]) -> Published {
    Published {
        id: coppice_model::ProjectId(1),
        project: ProjectRef { owner: owner.parse().unwrap(), name: "foo".parse().unwrap() },
        dirs: vec![PublishedDir { name: "foo".parse().unwrap(), delete_after_days: None }],
        chroots: chroots.iter().map(|chroot| chroot.parse().unwrap()).collect(),
        multilib: false,
        options: Options::default(),
        delete_after_days: None,
        dependencies: vec![],
    }
}

fn text(published: &Published, name_release: &str, arch: Option<&str>) -> Option<String> {
    let dir = "foo".parse().unwrap();
    let sections = sections(&site(), published, Wanted { dir: &dir, name_release, arch })?;
    Some(Templates::embedded().unwrap().repo_file(&sections).unwrap())
}

#[test]
fn a_whole_file_reads_as_the_contract_shows_it() {
    let mut foo = published("alice", &["fedora-43-i386", "fedora-43-x86_64"]);
    foo.multilib = true;
    foo.options = Options { module_hotfixes: true, priority: Some(7) };
    foo.dependencies = vec![
        Dependency::Copr {
            owner: "alice".parse().unwrap(),
            dir: "dep".parse().unwrap(),
            options: Options::default(),
        },
        Dependency::Missing { name: "alice/gone\n[evil]".into() },
        Dependency::External { pattern: "http://ext.example/$chroot/".into(), priority: None },
    ];
    let expected = include_str!("expected.repo");
    assert_eq!(text(&foo, "fedora-43", Some("x86_64")).unwrap(), expected);
}

#[test]
fn the_release_stays_literal_where_dnf_does_not_know_it() {
    for (chroot, url) in [
        ("fedora-rawhide-x86_64", "fedora-$releasever-$basearch"),
        ("centos-stream-9-x86_64", "centos-stream-$releasever-$basearch"),
        ("mageia-cauldron-x86_64", "mageia-cauldron-$basearch"),
        ("epel-9-x86_64", "epel-9-$basearch"),
    ] {
        let file = text(&published("alice", &[chroot]), chroot, None).unwrap();
        assert!(file.contains(&format!("/results/alice/foo/{url}/\n")), "{file}");
    }
}

#[test]
fn groups_are_written_group_name_in_ids_only() {
    let file = text(&published("@team", &["epel-9-x86_64"]), "epel-9", None).unwrap();
    assert!(
        file.starts_with("[copr:copr.example.com:group_team:foo]\nname=Copr repo for foo owned by @team\n")
    );
    assert!(file.contains("/results/@team/foo/pubkey.gpg\n"));
}

#[test]
fn a_client_finds_its_chroot_by_name_and_architecture() {
    let foo = published("alice", &["epel-9-x86_64"]);
    for (name_release, arch) in [
        ("epel-9", None),
        ("epel-9-x86_64", None),
        ("epel-9", Some("x86_64")),
        ("epel-9-x86_64", Some("x86_64")),
    ] {
        assert!(text(&foo, name_release, arch).is_some(), "{name_release} {arch:?}");
    }
    for (name_release, arch) in [("epel-8", None), ("epel-9", Some("aarch64")), ("fedora-43", Some("x86_64"))]
    {
        assert!(text(&foo, name_release, arch).is_none(), "{name_release} {arch:?}");
    }
}
