//! What pages ask, on both databases.

use coppice_model::{DirName, permission::PermissionState};

use super::*;
use crate::{built_packages::Search, packages::PackageFilter, plain, project_chroots::Fetched};

fn nevra(version: &str) -> coppice_model::package::Nevra {
    let (name, release, arch) = ("Bat".into(), "1".into(), "noarch".into());
    coppice_model::package::Nevra { name, epoch: Some(0), version: version.into(), release, arch }
}

/// Two builds of one package: one chroot ended well in the older, badly in the newer; the other was built once.
fn fill(tx: &mut Conn) -> Result<Project, StoreError> {
    let project = add_project(tx, "foo")?;
    for name in ["fedora-43-x86_64", "epel-9-x86_64"] {
        add_chroot(tx, &project, name)?;
    }
    let source = BuildSource::Link { url: "https://x/y.src.rpm".into() };
    packages::ensure(tx, project.id, &"Bat".parse().unwrap(), &source, NOW)?;
    packages::ensure(tx, project.id, &"fd_find".parse().unwrap(), &source, NOW)?;
    for (version, state) in [("1.0", ChrootState::Succeeded), ("1.1", ChrootState::Failed)] {
        let build = add_build(tx, &project)?;
        let name = "Bat".parse().unwrap();
        let header = coppice_model::package::SourceHeader {
            name,
            epoch: None,
            version: version.into(),
            release: "1".into(),
            exclusive_arch: vec![],
            exclude_arch: vec![],
        };
        let source_state = SourceState::Succeeded;
        let after = Build {
            header: Some(header),
            package: Some("Bat".parse().unwrap()),
            source_state,
            ..build.clone()
        };
        assert!(builds::update_source(tx, &build, &after)?);
        let chroot = build_chroots::find(tx, build.id, "fedora-43-x86_64")?.unwrap();
        build_chroots::update(tx, &chroot, &BuildChroot { state, ..chroot.clone() })?;
        built_packages::insert(tx, chroot.id, &[nevra(version)])?;
    }
    Ok(project)
}

/// Of `fd_find`, before its chroots are known.
fn add_bare(tx: &mut Conn, project: &Project) -> Result<coppice_model::BuildId, StoreError> {
    let first = builds::find(tx, coppice_model::BuildId(1))?.unwrap().build;
    let new = builds::NewBuildRow {
        project: project.id,
        dir: (&project.name).into(),
        submitter: users::find_by_name(tx, "alice")?.unwrap().id,
        package: Some("fd_find".parse().unwrap()),
        source: first.source,
        source_state: SourceState::Pending,
        options: first.options,
        batch: None,
    };
    builds::insert(tx, &new, NOW)
}

fn add_chroot(tx: &mut Conn, project: &Project, name: &str) -> Result<(), StoreError> {
    let definition = ChrootDefinition {
        name: name.parse().unwrap(),
        runner: Runner::Sandbox,
        repositories: vec![],
        setup_packages: vec![],
    };
    let new = mock_chroots::NewMockChroot { comment: String::new(), branch: String::new(), definition };
    mock_chroots::insert(tx, &new)?;
    let mock = mock_chroots::find(tx, name)?.unwrap();
    project_chroots::insert(tx, project.id, &mock)
}

#[tokio::test]
async fn matrix_and_lists_know_the_newest_build() {
    on_both(async |url| {
        let store = Store::open(url).await.unwrap();
        let told = store.write(|tx| {
            let project = fill(tx)?;
            let dir = DirName::from(&project.name);
            let names = ["fedora-43-x86_64", "epel-9-x86_64"].map(|name| name.parse().unwrap());
            let cells = builds::matrix(tx, project.id, &dir, &names)?;
            let mut cells: Vec<_> =
                cells.iter().map(|c| (c.package.as_str(), c.chroot.as_str(), c.build.0, c.state)).collect();
            cells.sort_unstable_by_key(|cell| cell.1);
            let wanted = [
                ("Bat", "epel-9-x86_64", 2, ChrootState::Waiting),
                ("Bat", "fedora-43-x86_64", 2, ChrootState::Failed),
            ];
            assert_eq!(cells, wanted);
            let source = add_build(tx, &project)?;
            let package = Some("fd_find".parse().unwrap());
            builds::update_source(tx, &source, &Build { package, ..source.clone() })?;
            for chroot in ["fedora-43-x86_64", "epel-9-x86_64"] {
                let fresh = build_chroots::find(tx, source.id, chroot)?.unwrap();
                let after = BuildChroot { state: ChrootState::Succeeded, ..fresh.clone() };
                build_chroots::update(tx, &fresh, &after)?;
            }
            assert_eq!(builds::matrix(tx, project.id, &dir, &names)?.len(), 4);
            // One that has no chroots yet hides nothing of what the others told.
            let bare = add_bare(tx, &project)?;
            assert_eq!(builds::matrix(tx, project.id, &dir, &names)?.len(), 4, "{bare}");
            let newest = builds::newest_in_chroots(tx, project.id, &dir, &names)?;
            let bat = newest.iter().find(|one| one.package.as_str() == "Bat").unwrap();
            assert_eq!((newest.len(), bat.build.0), (4, 2));
            assert_eq!(bat.header.as_ref().unwrap().evr(), "1.1-1");
            let filter = BuildFilter { project: Some(project.id), ..BuildFilter::default() };
            assert_eq!(builds::latest(tx, project.id)?, builds::list(tx, &filter, Page::first(5))?);
            let versions = builds::versions(tx, &[coppice_model::BuildId(2)])?;
            assert_eq!(versions[&coppice_model::BuildId(2)], "1.1-1");
            let filter = PackageFilter::default();
            let listed = packages::list_with_newest(tx, (project.id, &project.name), &filter, 9)?;
            let listed: Vec<_> = listed.iter().map(|(name, id)| (name.as_str(), id.map(|id| id.0))).collect();
            assert_eq!(listed, [("Bat", Some(2)), ("fd_find", Some(4))]);
            let latest = builds::latest_of_projects(tx, &[project.id])?;
            assert_eq!(latest[&project.reference()].id.0, 4);
            assert_eq!(builds::recent_projects(tx, 9)?, [project.id; 4]);
            let open = build_chroots::count_open(tx)?;
            assert_eq!(
                open.iter().map(|(name, _, count)| (name.as_str(), *count)).collect::<Vec<_>>(),
                [("epel-9-x86_64", 2)]
            );
            Ok::<_, StoreError>(())
        });
        told.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn words_and_names_find_what_they_say() {
    on_both(async |url| {
        let store = Store::open(url).await.unwrap();
        let told = store.write(|tx| {
            let project = fill(tx)?;
            let mut count =
                |filter: BuildFilter| Ok::<_, StoreError>(builds::list(tx, &filter, Page::ALL)?.len());
            for (words, found) in
                [("bat", 2), ("BAT 1.1", 1), ("alice 1.0", 1), ("version", 0), ("b_t", 0), ("%", 0)]
            {
                let words = words.split(' ').map(str::to_owned).collect();
                assert_eq!(count(BuildFilter { words, ..BuildFilter::default() })?, found);
            }
            assert_eq!(count(BuildFilter { is_active: true, ..BuildFilter::default() })?, 2);
            let after = Some(coppice_model::BuildId(1));
            assert_eq!(count(BuildFilter { after, ..BuildFilter::default() })?, 1);
            for (wanted, found) in [
                ("Ba", 1),
                ("bAT", 1),
                ("fd_", 1),
                ("Find", 1),
                ("find FD", 1),
                ("find bat", 0),
                ("fdX", 0),
                ("at", 0),
                ("%", 0),
                ("_", 0),
                ("- find", 0),
                ("", 0),
            ] {
                assert_eq!(packages::search(tx, wanted, 9)?.len(), found, "{wanted}");
            }
            let search = |version: Option<&str>, before| Search {
                name: "Bat".into(),
                epoch: Some(0),
                version: version.map(str::to_owned),
                release: Some("1".into()),
                arch: Some("noarch".into()),
                before,
            };
            let all = built_packages::search(tx, &search(None, None), 9)?;
            assert_eq!(all.iter().map(|found| found.build.0).collect::<Vec<_>>(), [2, 1]);
            assert_eq!(built_packages::search(tx, &search(Some("1.0"), None), 9)?.len(), 1);
            assert_eq!(built_packages::search(tx, &search(None, Some(all[0].id)), 9)?.len(), 1);
            assert_eq!(all[0].project, project.reference());
            Ok::<_, StoreError>(())
        });
        told.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn owners_have_projects_copies_requests_and_a_profile() {
    on_both(async |url| {
        let store = Store::open(url).await.unwrap();
        let told = store.write(|tx| {
            let project = fill(tx)?;
            let copy = add_project(tx, "copy")?;
            projects::update_origin(tx, copy.id, project.id)?;
            let owners = [project.owner.clone()];
            assert_eq!(projects::count_of(tx, &owners)?, 2);
            assert_eq!(projects::list_of_owners(tx, &owners, Page::first(1))?[0].id, copy.id);
            assert_eq!(projects::list_forks(tx, project.id, Page::ALL)?[0].forked_from, Some(project.id));
            assert_eq!(projects::most_forked(tx, 9)?, [(project.id, 1)]);
            let bob = users::insert(tx, &"bob".parse().unwrap(), None, false, NOW)?;
            let asks = Roles { builder: PermissionState::Request, ..Roles::NONE };
            permissions::put(tx, project.id, bob.id, asks)?;
            let asked = permissions::list_requests(tx, &[project.id, copy.id])?;
            assert_eq!(asked, [(project.id, "bob".parse().unwrap())]);
            let chroot = project_chroots::find(tx, project.id, "epel-9-x86_64")?.unwrap();
            assert_eq!(project_chroots::list_ending(tx, &[project.id])?, []);
            let settings = ChrootSettings { delete_on: Some(NOW), ..chroot.settings };
            project_chroots::update_settings(tx, chroot.id, &settings)?;
            assert_eq!(project_chroots::list_ending(tx, &[project.id])?.len(), 1);
            let group = groups::insert(tx, &"@sig".parse().unwrap(), NOW)?;
            groups::insert_member(tx, &group, bob.id)?;
            assert_eq!(groups::list_of(tx, bob.id)?, ["@sig".parse().unwrap()]);
            let profile = Profile { text: "x".into(), pinned: vec![copy.id, project.id] };
            profiles::put(tx, &bob.name, &Profile::default())?;
            profiles::put(tx, &bob.name, &profile)?;
            assert_eq!(profiles::find(tx, &bob.name)?, profile);
            // A copy outlives what it is a copy of.
            projects::delete(tx, project.id)?;
            assert_eq!(projects::get(tx, copy.id)?.forked_from, None);
            Ok::<_, StoreError>(())
        });
        told.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn votes_and_downloads_add_up() {
    on_both(async |url| {
        let store = Store::open(url).await.unwrap();
        let told = store.write(|tx| {
            let project = fill(tx)?;
            let other = add_project(tx, "bar")?;
            let [alice, bob] = ["ann", "ben"]
                .map(|name| users::insert(tx, &name.parse().unwrap(), None, false, NOW).unwrap());
            let score = |tx: &mut Conn| {
                let found = projects::list_by_id(tx, &[project.id])?;
                Ok::<_, StoreError>(found[0].score)
            };
            votes::set(tx, project.id, alice.id, Some(Vote::Up))?;
            votes::set(tx, project.id, bob.id, Some(Vote::Up))?;
            votes::set(tx, other.id, bob.id, Some(Vote::Down))?;
            assert_eq!((score(tx)?, projects::most_upvoted(tx, 9)?), (2, vec![(project.id, 2)]));
            votes::set(tx, project.id, alice.id, Some(Vote::Down))?;
            assert_eq!((score(tx)?, votes::find(tx, project.id, alice.id)?), (0, Some(Vote::Down)));
            votes::delete_of(tx, alice.id)?;
            assert_eq!((score(tx)?, votes::find(tx, project.id, alice.id)?), (1, None));
            assert_eq!(votes::list_of(tx, bob.id)?.len(), 2);
            let chroot: coppice_model::ChrootName = "epel-9-x86_64".parse().unwrap();
            for fetched in [Fetched::Package, Fetched::Package, Fetched::RepoFile] {
                project_chroots::count(tx, project.id, &chroot, (fetched, 3))?;
            }
            let counted = project_chroots::find(tx, project.id, chroot.as_str())?.unwrap();
            assert_eq!((counted.package_downloads, counted.repo_downloads), (6, 3));
            assert_eq!(projects::most_downloaded(tx, 9)?, [(project.id, 6)]);
            Ok::<_, StoreError>(())
        });
        told.await.unwrap();
    })
    .await;
}

/// What a migration does to the words of packages that were there before it.
fn words_from_before(up: &str) -> &str {
    let start = up.find("INSERT INTO package_words").unwrap();
    &up[start..up.find("DROP INDEX").unwrap()]
}

#[tokio::test]
async fn packages_from_before_are_found_as_new_ones_are() {
    on_both(async |url| {
        let up = if url.starts_with("sqlite") {
            include_str!("../../migrations/sqlite/2026-11-28-000163_package_words/up.sql")
        } else {
            include_str!("../../migrations/postgres/2026-11-28-000163_package_words/up.sql")
        };
        let store = Store::open(url).await.unwrap();
        let told = store.write(move |tx| {
            let project = add_project(tx, "foo")?;
            let source = BuildSource::Link { url: "https://x/y.src.rpm".into() };
            for name in ["python3-Requests_oauth", "libstdc++-devel", "a-a", "gtk4"] {
                packages::ensure(tx, project.id, &name.parse().unwrap(), &source, NOW)?;
            }
            let found = |tx: &mut Conn| {
                let wanted =
                    ["python3-r", "REQ", "oauth", "devel", "++", "a", "gtk", "tk4", "3-", "requests python3"];
                let count = |word: &str| Ok::<_, StoreError>(packages::search(tx, word, 9)?.len());
                wanted.map(count).into_iter().collect::<Result<Vec<_>, _>>()
            };
            let new = found(tx)?;
            assert_eq!(new, [1, 1, 1, 1, 0, 1, 1, 0, 0, 1]);
            plain::run(tx, "DELETE FROM package_words")?;
            assert_eq!(found(tx)?, [0; 10]);
            plain::run(tx, words_from_before(up))?;
            assert_eq!(found(tx)?, new);
            let gtk = packages::find(tx, project.id, "gtk4")?.unwrap();
            packages::delete(tx, gtk.id)?;
            assert!(packages::search(tx, "gtk4", 9)?.is_empty());
            Ok::<_, StoreError>(())
        });
        told.await.unwrap();
    })
    .await;
}
