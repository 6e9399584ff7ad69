//! What is told of all builds at once: the queue, its batches, the statistics.

use coppice_model::{Attempt, BuildId, UnixTime, state::SourceState};

use super::*;
use crate::{
    plain,
    queue::{OpenTasks, QueuedTask},
    statistics::{self, Slots},
};

fn told(tasks: &[OpenTasks]) -> Vec<String> {
    let line = |one: &OpenTasks| {
        let chroot = one.chroot.as_ref().map_or("source", |name| name.as_str());
        let back = if one.is_background { " background" } else { "" };
        format!("{} {chroot} {}{back} {}", one.owner, one.state, one.tasks)
    };
    tasks.iter().map(line).collect()
}

fn named(tasks: &[QueuedTask]) -> Vec<String> {
    let chroot = |one: &QueuedTask| one.chroot.as_ref().map_or("source".to_owned(), ToString::to_string);
    tasks.iter().map(|one| format!("{} {}", one.build, chroot(one))).collect()
}

/// Six builds: pending, held by the batch of the first, importing, running in a chroot, one ended, one in the background.
fn corpus(tx: &mut Conn) -> Result<Vec<BuildId>, StoreError> {
    let project = add_project(tx, "tools")?;
    let ids: Vec<BuildId> =
        (0..6).map(|_| add_build(tx, &project).map(|build| build.id)).collect::<Result<_, _>>()?;
    let first = batches::insert(tx, None, NOW)?;
    let second = batches::insert(tx, Some(first), NOW)?;
    builds::update_batch(tx, ids[0], first)?;
    builds::update_batch(tx, ids[1], second)?;
    let state = |id: BuildId, state: SourceState| {
        format!("UPDATE builds SET source_state = '{state}' WHERE id = {id};")
    };
    let mut text = state(ids[2], SourceState::Importing);
    for id in [ids[3], ids[4], ids[5]] {
        text += &state(id, SourceState::Succeeded);
    }
    let chroots = |id: BuildId, set: &str| format!("UPDATE build_chroots SET {set} WHERE build_id = {id};");
    text += &chroots(ids[3], "state = 'running', started_on = 1800000001, builder = 'b-1'");
    text += &chroots(ids[4], "state = 'succeeded', ended_on = 1799999000");
    text += &chroots(ids[5], "state = 'pending'");
    text += &format!("UPDATE builds SET options = REPLACE(options, 'false', 'true') WHERE id = {};", ids[5]);
    text += "UPDATE build_chroots SET state = 'failed', ended_on = 1799990000 WHERE chroot = 'epel-9-x86_64' AND state = 'succeeded';";
    plain::run(tx, &text)?;
    Ok(ids)
}

#[tokio::test]
async fn the_queue_tells_what_waits_and_runs_but_not_what_is_held() {
    on_both(async |url| {
        let store = Store::open(url).await.unwrap();
        let story = store.write(|tx| {
            let ids = corpus(tx)?;
            assert_eq!(
                told(&queue::count(tx)?),
                [
                    "alice source importing 1",
                    "alice source pending 1",
                    "alice epel-9-x86_64 pending background 1",
                    "alice epel-9-x86_64 running 1",
                    "alice fedora-43-x86_64 pending background 1",
                    "alice fedora-43-x86_64 running 1",
                ]
            );
            let pending = queue::list(tx, "pending", false, Page::ALL)?;
            assert_eq!(named(&pending), [format!("{} source", ids[0])]);
            assert!(pending[0].source.is_some() && pending[0].batch.is_some());
            let all = queue::list(tx, "pending", true, Page::ALL)?;
            assert_eq!(
                named(&all)[1..],
                [format!("{} epel-9-x86_64", ids[5]), format!("{} fedora-43-x86_64", ids[5])]
            );
            let running = queue::list(tx, "running", true, Page { offset: 1, ..Page::first(1) })?;
            assert_eq!(named(&running), [format!("{} fedora-43-x86_64", ids[3])]);
            assert_eq!(
                (running[0].builder.as_deref(), running[0].started_on),
                (Some("b-1"), Some(UnixTime(1_800_000_001)))
            );
            assert_eq!(queue::list_background(tx, "pending", 9)?, [(reference("tools"), 2)]);
            let open = queue::list_batches(tx, 9)?;
            assert_eq!(
                open.iter().map(|batch| (batch.waits_for, batch.open_builds)).collect::<Vec<_>>(),
                [(None, 1), (Some(open[0].id), 1)]
            );
            builds::delete(tx, &ids[..1])?;
            assert_eq!(named(&queue::list(tx, "pending", false, Page::ALL)?), [format!("{} source", ids[1])]);
            assert_eq!(statements(tx, queue::count), 1);
            assert_eq!(statements(tx, |c| queue::list(c, "pending", true, Page::ALL)), 1);
            assert_eq!(statements(tx, |c| queue::list_batches(c, 9)), 1);
            Ok::<_, StoreError>(())
        });
        story.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn statistics_count_what_ended_by_time_and_state() {
    on_both(async |url| {
        let store = Store::open(url).await.unwrap();
        let story = store.write(|tx| {
            corpus(tx)?;
            let slots = Slots { since: UnixTime(1_799_990_000), until: UnixTime(1_800_000_001), seconds: 3_600 };
            let read = |all: Vec<statistics::Counted>| -> Vec<String> {
                all.into_iter().map(|one| format!("{} {} {}", one.slot, one.word, one.number)).collect()
            };
            assert_eq!(read(statistics::ended(tx, slots)?), ["0 failed 1", "2 succeeded 1"]);
            assert_eq!(read(statistics::submitted(tx, slots)?), ["2 1 6"]);
            assert_eq!(read(statistics::chroots(tx, slots)?), ["0 epel-9-x86_64 1", "0 fedora-43-x86_64 1"]);
            let publish = "INSERT INTO actions (kind, owner, project, message, state, created_at, touched_on) \
                VALUES ('publish', 'alice', 'tools', '', 'failure', 1800000000, 0)";
            plain::run(tx, publish)?;
            assert_eq!(read(statistics::actions(tx, slots)?), ["0 publish failure 1"]);
            let long_ago = Slots { until: UnixTime(1_799_990_000), since: UnixTime(0), seconds: 60 };
            assert_eq!(statistics::ended(tx, long_ago)?, []);
            Ok::<_, StoreError>(())
        });
        story.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn admins_find_people_failures_and_the_one_notice() {
    on_both(async |url| {
        let store = Store::open(url).await.unwrap();
        let story = store.write(|tx| {
            for name in ["alice", "Malice", "bob_b"] {
                users::insert(tx, &name.parse().unwrap(), None, false, NOW)?;
            }
            let names = |found: Vec<User>| -> Vec<String> {
                found.iter().map(|user| user.name.to_string()).collect()
            };
            let mut found = names(users::search(tx, "LICE", Page::ALL)?);
            found.sort();
            assert_eq!(found, ["Malice", "alice"]);
            assert_eq!(names(users::search(tx, "_", Page::ALL)?), ["bob_b"]);
            assert_eq!(users::search(tx, "", Page::first(2))?.len(), 2);
            let bob = users::find_by_name(tx, "bob_b")?.unwrap();
            for hash in ["a", "b"] {
                let new = NewSession {
                    token_hash: hash.into(),
                    method: "m".into(),
                    address: String::new(),
                    agent: String::new(),
                    expires_at: NOW,
                };
                sessions::insert(tx, bob.id, &new, NOW)?;
            }
            assert_eq!(sessions::count(tx, &[bob.id])?.get(&bob.id), Some(&2));
            assert_eq!(sessions::count(tx, &[])?.len(), 0);
            let told = |text: &str| Notice { text: text.into(), set_by: bob.name.clone(), set_at: NOW };
            assert_eq!(notice::find(tx)?, None);
            notice::set(tx, &told("first"))?;
            notice::set(tx, &told("second"))?;
            assert_eq!(notice::find(tx)?, Some(told("second")));
            notice::delete(tx)?;
            assert_eq!(notice::find(tx)?, None);
            assert_eq!(actions::list_failed(tx, NOW, 5)?, []);
            Ok::<_, StoreError>(())
        });
        story.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn what_builders_do_is_told_with_how_long_it_took_before() {
    on_both(async |url| {
        let store = Store::open(url).await.unwrap();
        let story = store.write(|tx| {
            let ids = corpus(tx)?;
            let chroot = "fedora-43-x86_64";
            let set = |id: BuildId, set: &str| {
                format!("UPDATE build_chroots SET {set} WHERE build_id = {id} AND chroot = '{chroot}';")
            };
            let mut text = format!("UPDATE builds SET package = 'hello' WHERE id IN ({}, {}, {});", ids[0], ids[3], ids[4]);
            text += &set(ids[0], "state = 'succeeded', started_on = 500, built_on = 590, ended_on = 600");
            text += &set(ids[4], "started_on = 1799998000, built_on = 1799998900");
            text += &format!("UPDATE builds SET source_state = 'running', source_started_on = 70 WHERE id = {};", ids[1]);
            // No builder has what is built.
            text += &format!("UPDATE build_chroots SET built_on = 1800000002 WHERE build_id = {} AND chroot <> '{chroot}';", ids[3]);
            plain::run(tx, &text)?;
            let work = queue::at_work(tx, UnixTime(1_799_000_000))?;
            let running: Vec<_> = work
                .running
                .iter()
                .map(|one| {
                    let name = one.chroot.as_ref().map_or("source", |name| name.as_str());
                    let submitter = one.submitter.as_ref().map(ToString::to_string);
                    (name.to_owned(), one.project.to_string(), submitter, one.started_on, one.usual_s)
                })
                .collect();
            let of = |name: &str, started, usual_s| {
                let project = "alice/tools".to_owned();
                (name.to_owned(), project, Some("alice".to_owned()), Some(UnixTime(started)), usual_s)
            };
            // Only builds before it tell how long it takes, the newest of them first.
            assert_eq!(running, [of(chroot, 1_800_000_001, Some(90)), of("source", 70, None)]);
            assert_eq!(work.recent, [(chroot.parse().unwrap(), 900)]);
            let none = queue::at_work(tx, UnixTime(1_799_999_500))?;
            assert_eq!((none.running.len(), none.recent.len()), (2, 0));
            let line = &builds::list_lines_by_id(tx, &[ids[3]])?[0];
            let first = line.chroots.iter().find(|own| own.chroot.as_str() == chroot).unwrap();
            assert_eq!((first.stage, first.attempt, line.source_attempt), (None, Attempt::FIRST, Attempt::FIRST));
            Ok::<_, StoreError>(())
        });
        story.await.unwrap();
    })
    .await;
}
