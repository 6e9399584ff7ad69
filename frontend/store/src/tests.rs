//! What holds for every table: both databases, concurrent writers, bounded work.

mod accounts;
mod looked_at;
mod reading;
mod told;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use coppice_kit::postgres::Postgres;
use coppice_model::{
    BuildId, ProjectRef, UnixTime,
    chroot::{ChrootDefinition, Runner},
    state::{BuildState, ChrootState, SourceState},
};
use diesel::{Connection, connection::InstrumentationEvent};

use super::*;

const NOW: UnixTime = UnixTime(1_800_000_000);

async fn on_both<F: AsyncFn(&str)>(story: F) {
    let folder = tempfile::tempdir().unwrap();
    story(&format!("sqlite://{}/db", folder.path().display())).await;
    let server = Postgres::start().unwrap();
    story(&server.database()).await;
}

fn reference(name: &str) -> ProjectRef {
    ProjectRef { owner: "alice".parse().unwrap(), name: name.parse().unwrap() }
}

fn add_project(tx: &mut Conn, name: &str) -> Result<Project, StoreError> {
    projects::insert(tx, &reference(name), &ProjectSettings::default(), NOW)
}

fn add_build(tx: &mut Conn, project: &Project) -> Result<Build, StoreError> {
    let submitter = match users::find_by_name(tx, "alice")? {
        Some(user) => user,
        None => users::insert(tx, &"alice".parse().unwrap(), None, false, NOW)?,
    };
    let new = builds::NewBuildRow {
        project: project.id,
        dir: (&project.name).into(),
        submitter: submitter.id,
        package: None,
        source: BuildSource::Link { url: "https://x/y.src.rpm".into() },
        source_state: SourceState::Pending,
        options: BuildOptions {
            timeout_s: 1,
            is_background: false,
            enable_net: None,
            bootstrap: None,
            isolation: None,
        },
        batch: None,
    };
    let id = builds::insert(tx, &new, NOW)?;
    for chroot in ["fedora-43-x86_64", "epel-9-x86_64"] {
        build_chroots::insert(tx, id, &chroot.parse().unwrap())?;
    }
    Ok(builds::find(tx, id)?.unwrap().build)
}

#[tokio::test]
async fn a_failed_or_broken_write_leaves_nothing_and_harms_nobody() {
    on_both(async |url| {
        let store = Store::open(url).await.unwrap();
        let failed = store.write(|tx| {
            add_project(tx, "one")?;
            Err::<(), _>(StoreError::Absent("it".into()))
        });
        assert!(matches!(failed.await, Err(StoreError::Absent(_))));
        let broken = store.write(|tx| {
            add_project(tx, "two")?;
            panic!("on purpose");
            #[expect(unreachable_code, reason = "it names the types")]
            Ok::<(), StoreError>(())
        });
        assert!(matches!(broken.await, Err(StoreError::BrokenOff)));
        store.write(|tx| add_project(tx, "three")).await.unwrap();
        let left = store.read(|conn| projects::list(conn, None, Page::ALL)).await.unwrap();
        assert_eq!(left.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), ["three"]);
    })
    .await;
}

#[tokio::test]
async fn processes_that_write_at_the_same_time_all_succeed() {
    on_both(async |url| {
        let (one, other) = (Store::open(url).await.unwrap(), Store::open(url).await.unwrap());
        let mut writes = tokio::task::JoinSet::new();
        for number in 0..60 {
            let store = if number % 2 == 0 { one.clone() } else { other.clone() };
            writes.spawn(async move {
                store
                    .write(move |tx| {
                        let known = projects::list(tx, None, Page::ALL)?.len();
                        add_project(tx, &format!("p-{number}"))?;
                        Ok::<_, StoreError>(known)
                    })
                    .await
            });
        }
        for done in writes.join_all().await {
            done.unwrap();
        }
        assert_eq!(one.read(|conn| projects::list(conn, None, Page::ALL)).await.unwrap().len(), 60);
    })
    .await;
}

#[tokio::test]
async fn a_state_moves_only_from_where_it_was_seen() {
    on_both(async |url| {
        let store = Store::open(url).await.unwrap();
        store
            .write(|tx| {
                let project = add_project(tx, "tools")?;
                let build = add_build(tx, &project)?;
                let running = Build { source_state: SourceState::Running, ..build.clone() };
                assert!(builds::update_source(tx, &build, &running)?);
                assert!(!builds::update_source(tx, &build, &running)?);
                let before = build_chroots::list(tx, build.id)?.remove(0);
                let after = BuildChroot { state: ChrootState::Pending, ..before.clone() };
                assert!(build_chroots::update(tx, &before, &after)?);
                assert!(!build_chroots::update(tx, &before, &after)?);
                let later = BuildChroot { attempt: after.attempt.next(), ..after.clone() };
                assert!(build_chroots::update(tx, &after, &later)?);
                assert!(!build_chroots::update(tx, &after, &after)?);
                assert_eq!(build_chroots::list(tx, build.id)?[0], later);
                Ok::<_, StoreError>(())
            })
            .await
            .unwrap();
    })
    .await;
}

/// Every phase with every two states of chroots.
#[tokio::test]
async fn a_list_of_one_state_holds_what_the_state_machine_says() {
    on_both(async |url| {
        let store = Store::open(url).await.unwrap();
        store
            .write(|tx| {
                let project = add_project(tx, "tools")?;
                for phase in SourceState::ALL {
                    for (n, one) in ChrootState::ALL.iter().enumerate() {
                        for other in &ChrootState::ALL[n..] {
                            let build = add_build(tx, &project)?;
                            let moved = Build { source_state: *phase, ..build.clone() };
                            builds::update_source(tx, &build, &moved)?;
                            for (chroot, state) in build_chroots::list(tx, build.id)?.iter().zip([one, other])
                            {
                                build_chroots::update(
                                    tx,
                                    chroot,
                                    &BuildChroot { state: *state, ..chroot.clone() },
                                )?;
                            }
                        }
                    }
                }
                let mut filter = BuildFilter { project: Some(project.id), ..BuildFilter::default() };
                let all = builds::list(tx, &filter, Page::ALL)?;
                assert_eq!(all.len(), 7 * 45);
                for state in BuildState::ALL {
                    filter.state = Some(*state);
                    let found: Vec<_> =
                        builds::list(tx, &filter, Page::ALL)?.iter().map(|line| line.id).collect();
                    let right: Vec<_> =
                        all.iter().filter(|line| line.state() == *state).map(|line| line.id).collect();
                    assert_eq!(found, right, "{state}");
                }
                Ok::<_, StoreError>(())
            })
            .await
            .unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_report_is_claimed_once() {
    on_both(async |url| {
        let store = Store::open(url).await.unwrap();
        let claim = || store.write(|tx| inbox::claim(tx, "finished/7/1", NOW));
        assert!(claim().await.unwrap());
        assert!(!claim().await.unwrap());
        store.write(|tx| inbox::delete_older(tx, NOW.plus_seconds(1))).await.unwrap();
        assert!(claim().await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn searches_take_every_letter_as_it_is() {
    on_both(async |url| {
        let store = Store::open(url).await.unwrap();
        store
            .write(|tx| {
                for (name, description) in [("Hello", "50% of \\ all"), ("other_one", ""), ("otherXone", "")]
                {
                    let settings =
                        ProjectSettings { description: description.into(), ..ProjectSettings::default() };
                    projects::insert(tx, &reference(name), &settings, NOW)?;
                }
                Ok::<_, StoreError>(())
            })
            .await
            .unwrap();
        for (words, found) in [
            ("hello", vec!["Hello"]),
            ("50% OF \\", vec!["Hello"]),
            ("r_o", vec!["other_one"]),
            ("alice", vec!["Hello", "other_one", "otherXone"]),
            ("ali/xone", vec!["otherXone"]),
            ("bob/hello", vec![]),
            ("'; drop", vec![]),
        ] {
            let views = store.read(move |conn| projects::search(conn, words, Page::ALL)).await.unwrap();
            assert_eq!(views.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), found, "{words}");
        }
    })
    .await;
}

#[tokio::test]
async fn pages_are_cut_after_the_wanted_state_was_found() {
    on_both(async |url| {
        let store = Store::open(url).await.unwrap();
        let views = store
            .write(|tx| {
                let project = add_project(tx, "tools")?;
                for number in 0..6 {
                    let build = add_build(tx, &project)?;
                    if number % 2 == 0 {
                        let failed = Build { source_state: SourceState::Failed, ..build.clone() };
                        builds::update_source(tx, &build, &failed)?;
                    }
                }
                let state = Some(coppice_model::state::BuildState::Failed);
                let filter = BuildFilter { project: Some(project.id), state, ..BuildFilter::default() };
                builds::list(tx, &filter, Page { offset: 1, ..Page::first(2) })
            })
            .await
            .unwrap();
        let states: Vec<_> = views.iter().map(|view| view.source_state).collect();
        assert_eq!(states, [SourceState::Failed; 2]);
        assert!(views[0].id > views[1].id);
    })
    .await;
}

/// Counts what a call asks the database.
fn statements<T>(conn: &mut Conn, call: impl FnOnce(&mut Conn) -> Result<T, StoreError>) -> usize {
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if matches!(event, InstrumentationEvent::StartQuery { .. }) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    });
    call(conn).unwrap();
    count.load(Ordering::Relaxed)
}

#[tokio::test]
async fn lists_take_a_fixed_number_of_statements() {
    on_both(async |url| {
        let store = Store::open(url).await.unwrap();
        store
            .write(|tx| {
                let definition = ChrootDefinition {
                    name: "fedora-43-x86_64".parse().unwrap(),
                    runner: Runner::Sandbox,
                    repositories: vec![],
                    setup_packages: vec![],
                };
                let new =
                    mock_chroots::NewMockChroot { comment: String::new(), branch: "f43".into(), definition };
                mock_chroots::insert(tx, &new)?;
                let chroot = mock_chroots::list(tx)?.remove(0);
                let mut ids = Vec::new();
                for name in ["a", "b", "c"] {
                    let project = add_project(tx, name)?;
                    project_chroots::insert(tx, project.id, &chroot)?;
                    for _ in 0..5 {
                        add_build(tx, &project)?;
                    }
                    ids.push(project.id);
                }
                let of_first = BuildFilter { project: Some(ids[0]), ..BuildFilter::default() };
                assert_eq!(statements(tx, |c| builds::list(c, &of_first, Page::first(3))), 2);
                assert_eq!(statements(tx, |c| builds::list(c, &BuildFilter::default(), Page::ALL)), 2);
                assert_eq!(statements(tx, |c| projects::list(c, None, Page::ALL)), 1);
                assert_eq!(statements(tx, |c| projects::search(c, "a", Page::ALL)), 1);
                assert_eq!(statements(tx, |c| project_chroots::names(c, &ids)), 1);
                assert_eq!(statements(tx, |c| project_chroots::list(c, ids[0])), 1);
                assert_eq!(statements(tx, |c| packages::list(c, ids[0], Page::ALL)), 1);
                let names = ["x".parse().unwrap(), "y".parse().unwrap()];
                let main = "a".parse().unwrap();
                let chroots = [chroot.definition.name.clone()];
                assert_eq!(statements(tx, |c| builds::newest_in_chroots(c, ids[0], &main, &chroots)), 1);
                assert_eq!(statements(tx, |c| builds::latest(c, ids[0])), 1);
                for only_succeeded in [false, true] {
                    let newest = |c: &mut Conn| builds::latest_of_packages(c, ids[0], &names, only_succeeded);
                    assert_eq!(statements(tx, newest), 2);
                }
                assert_eq!(statements(tx, |c| builds::find(c, coppice_model::BuildId(1))), 1);
                assert_eq!(statements(tx, |c| built_packages::list(c, coppice_model::BuildId(1))), 1);
                assert_eq!(statements(tx, |c| tokens::find(c, "nobody")), 1);
                Ok::<_, StoreError>(())
            })
            .await
            .unwrap();
    })
    .await;
}

#[tokio::test]
async fn only_known_databases_are_opened() {
    for wrong in ["", "sqlite://", "mysql://x/y", "/plain/path"] {
        assert!(matches!(Store::open(wrong).await, Err(StoreError::Address)), "{wrong}");
    }
    let missing = Store::open("sqlite:///nowhere/at/all/db").await.unwrap_err();
    assert!(matches!(missing, StoreError::Open(_)), "{missing:?}");
}

#[tokio::test]
async fn a_commit_tells_which_builds_it_changed_and_a_rollback_tells_nothing() {
    on_both(async |url| {
        let store = Store::open(url).await.unwrap();
        let project = store.write(|tx| add_project(tx, "one")).await.unwrap();
        let mut changes = store.changes();
        let of = project.clone();
        let build = store.write(move |tx| add_build(tx, &of)).await.unwrap();
        assert_eq!(changes.recv().await.unwrap().to_vec(), [build.id]);
        let failed = store.write(move |tx| {
            builds::lock(tx, build.id, NOW)?;
            Err::<(), _>(StoreError::Absent("it".into()))
        });
        assert!(failed.await.is_err());
        store.write(|tx| users::insert(tx, &"bob".parse().unwrap(), None, false, NOW)).await.unwrap();
        store.write(move |tx| builds::delete(tx, &[build.id])).await.unwrap();
        assert_eq!(changes.recv().await.unwrap().to_vec(), [build.id]);
        assert!(changes.try_recv().is_err());
    })
    .await;
}

#[tokio::test]
async fn earlier_good_builds_and_what_a_log_said_are_found() {
    on_both(async |url| {
        let store = Store::open(url).await.unwrap();
        let told = store.write(|tx| {
            let project = add_project(tx, "one")?;
            let mut last = None;
            for (state, ended) in
                [(ChrootState::Succeeded, 160), (ChrootState::Failed, 170), (ChrootState::Succeeded, 190)]
            {
                let build = add_build(tx, &project)?;
                let package = Some("hello".parse().unwrap());
                assert!(builds::update_source(tx, &build, &Build { package, ..build.clone() })?);
                let before = build_chroots::list(tx, build.id)?.remove(0);
                let (started_on, ended_on) = (Some(UnixTime(100)), Some(UnixTime(ended)));
                let after = BuildChroot { state, started_on, ended_on, ..before.clone() };
                assert!(build_chroots::update(tx, &before, &after)?);
                build_chroots::keep_failure_log(tx, before.id, "said")?;
                last = Some(build.id);
            }
            let last = last.unwrap();
            let good = build_chroots::list_good(tx, project.id, &"hello".parse().unwrap(), last, 10)?;
            let kept: Vec<_> = (last.0 - 2..=last.0)
                .map(|id| build_chroots::list(tx, BuildId(id)).map(|mut all| all.remove(0).failure_log))
                .collect::<Result<_, _>>()?;
            let open = build_chroots::count_unfinished(tx)?;
            Ok::<_, StoreError>((good, kept, open, last))
        });
        let (good, kept, open, last) = told.await.unwrap();
        let found: Vec<_> = good.iter().map(|good| (good.build.0, good.seconds())).collect();
        assert_eq!(found, [(last.0 - 2, Some(60))], "only those before, and only good ones");
        assert_eq!(kept, [None, Some("said".to_owned()), None], "only a failure has a reason");
        assert_eq!(open, [("waiting".to_owned(), 3)]);
    })
    .await;
}
