use super::*;

struct Fixture {
    _dir: tempfile::TempDir,
    repositories: Repositories,
    project: ProjectRef,
    package: PackageName,
}

impl Fixture {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let temporary = dir.path().join("tmp");
        fs::create_dir(&temporary).unwrap();
        let repositories = Repositories::open(dir.path().join("git"), temporary).unwrap();
        let project = ProjectRef { owner: "@team".parse().unwrap(), name: "tools".parse().unwrap() };
        Self { _dir: dir, repositories, project, package: "gcc-c++".parse().unwrap() }
    }

    async fn commit(&self, content: &str, branches: &[&str], again: bool) -> BTreeMap<String, String> {
        let branches: Vec<String> = branches.iter().map(ToString::to_string).collect();
        let tree = Tree::from_iter([
            ("a \"b\"\\c.spec".to_owned(), false, content.as_bytes().to_vec()),
            ("run".to_owned(), true, Vec::new()),
        ]);
        let commit = Commit {
            project: &self.project,
            package: &self.package,
            branches: &branches,
            title: "Import".into(),
            tree,
            at: UnixTime(1_800_000_000),
            again,
        };
        self.repositories.commit(&commit).await.unwrap()
    }

    async fn git(&self, arguments: &[&str]) -> String {
        git::ask(&self.repositories.path(&self.project, &self.package), arguments).await.unwrap()
    }
}

#[tokio::test]
async fn equal_content_makes_no_second_commit() {
    let fixture = Fixture::new();
    let first = fixture.commit("one", &["f43", "f44"], false).await;
    assert_eq!(fixture.commit("one", &["f43", "f44"], false).await, first);
    let second = fixture.commit("two", &["f43"], false).await;
    assert_ne!(second["f43"], first["f43"]);
    assert_eq!(fixture.git(&["rev-list", "--count", "f43"]).await, "2\n");
    assert_eq!(fixture.git(&["rev-list", "--count", "f44"]).await, "1\n");
    assert_eq!(fixture.git(&["show", "f43:a \"b\"\\c.spec"]).await, "two");
    assert!(fixture.git(&["ls-tree", "f43", "run"]).await.starts_with("100755 blob"));
    fixture.git(&["fsck", "--strict"]).await;
}

#[tokio::test]
async fn a_repeated_import_finds_its_commit_behind_newer_ones() {
    let fixture = Fixture::new();
    let first = fixture.commit("one", &["f43"], false).await;
    let second = fixture.commit("two", &["f43"], false).await;
    assert_eq!(fixture.commit("one", &["f43"], true).await, first);
    assert_eq!(fixture.git(&["rev-parse", "f43"]).await.trim(), second["f43"]);
    let newer = fixture.commit("one", &["f43"], false).await;
    assert!(newer["f43"] != first["f43"] && newer["f43"] != second["f43"]);
}

#[tokio::test]
async fn locks_of_a_killed_git_do_not_stop_the_next_import() {
    let fixture = Fixture::new();
    fixture.commit("one", &["f43"], false).await;
    let path = fixture.repositories.path(&fixture.project, &fixture.package);
    for left in ["refs/heads/f43.lock", "packed-refs.lock", "objects/pack/tmp_pack_XyZ"] {
        fs::write(path.join(left), "").unwrap();
    }
    fixture.commit("two", &["f43"], false).await;
    assert_eq!(fixture.git(&["rev-list", "--count", "f43"]).await, "2\n");
    assert!(!path.join("objects/pack/tmp_pack_XyZ").exists());
}

#[tokio::test]
async fn concurrent_imports_of_one_package_follow_one_another() {
    let fixture = Fixture::new();
    let (a, b, c) = tokio::join!(
        fixture.commit("one", &["f43"], false),
        fixture.commit("two", &["f43"], false),
        fixture.commit("three", &["f43"], false),
    );
    let commits = fixture.git(&["rev-list", "f43"]).await;
    assert_eq!(commits.lines().count(), 3);
    assert!([a, b, c].iter().all(|made| commits.contains(&made["f43"])));
}

#[test]
fn branch_names_that_harm_a_ref_or_a_path_are_refused() {
    for good in ["f43", "epel9", "rawhide", "centos-stream-9", "opensuse-leap-15.6"] {
        assert!(is_branch_name(good), "{good}");
    }
    for bad in ["", "-x", ".x", "a/b", "a..b", "a b", "a\nb", "a.lock", "a.", "refs~1", &"a".repeat(101)] {
        assert!(!is_branch_name(bad), "{bad:?}");
    }
}
