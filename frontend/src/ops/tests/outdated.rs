//! Chroots that are built no more, and what retention takes next.

use coppice_model::BuildId;
use coppice_store::{Project, mock_chroots, project_chroots};

use super::world::{EPEL, F43, World, finished, published, rpm};
use crate::ops::{self, Caller, EndWish, OpError, ProjectChanges};

const DAY_S: i64 = 86_400;

fn wish(world: &World, by: &Caller, project: &Project, wish: EndWish) -> Result<(), OpError> {
    let (by, project) = (by.clone(), project.clone());
    world.write(move |tx, cx| ops::move_ends(tx, cx, &by, &project, (&[EPEL.to_owned()], wish)))
}

fn set_active(world: &World, is_active: bool) {
    let set = world.write(move |tx, _| {
        let epel = mock_chroots::find(tx, EPEL)?.expect("it is there");
        if is_active {
            project_chroots::forget_ends(tx, &epel)?;
        }
        Ok(mock_chroots::update_active(tx, epel.id, is_active)?)
    });
    set.unwrap();
}

/// With results in both chroots.
fn built(world: &World, by: &Caller, project: &Project) -> BuildId {
    let build = world.pending(by, project, &[F43, EPEL]);
    for chroot in [F43, EPEL] {
        world.heard(finished(&rpm(build, chroot), 1, published()));
    }
    world.sent();
    build
}

fn has_results(world: &World, build: BuildId) -> Vec<bool> {
    world.view(build).chroots.iter().map(|chroot| chroot.result_dir.is_some()).collect()
}

fn expire(world: &World) -> usize {
    world.write(ops::expire_chroots).unwrap()
}

pub fn a_chroot_at_its_end_stays_until_its_project_gives_it_up(world: &World) {
    let alice = world.member("alice");
    let project = world.project(&alice, "tools", &[F43, EPEL]);
    let build = built(world, &alice, &project);
    assert!(
        matches!(wish(world, &alice, &project, EndWish::Expire), Err(OpError::Invalid(_))),
        "it is built for"
    );
    set_active(world, false);
    world.app.clock.advance(400 * DAY_S);
    assert_eq!(expire(world), 0, "nobody said that it may go");
    let eve = world.member("eve");
    assert!(matches!(wish(world, &eve, &project, EndWish::Expire), Err(OpError::Forbidden(_))));
    wish(world, &alice, &project, EndWish::Expire).unwrap();
    wish(world, &alice, &project, EndWish::Extend).unwrap();
    world.app.clock.advance(400 * DAY_S);
    assert_eq!(expire(world), 0, "it was taken back");
    wish(world, &alice, &project, EndWish::Expire).unwrap();
    world.app.clock.advance(11 * 3_600);
    wish(world, &alice, &project, EndWish::Expire).unwrap();
    assert_eq!(expire(world), 0, "there is time to think again");
    world.app.clock.advance(2 * 3_600);
    assert_eq!((expire(world), has_results(world, build)), (1, vec![true, false]));
}

pub fn a_chroot_that_is_built_again_forgets_its_end(world: &World) {
    let alice = world.member("alice");
    let project = world.project(&alice, "tools", &[F43, EPEL]);
    let build = built(world, &alice, &project);
    set_active(world, false);
    wish(world, &alice, &project, EndWish::Expire).unwrap();
    set_active(world, true);
    world.app.clock.advance(DAY_S);
    set_active(world, false);
    assert_eq!((expire(world), has_results(world, build)), (0, vec![true, true]));
}

pub fn a_dropped_chroot_stays_longer_when_it_is_extended(world: &World) {
    let alice = world.member("alice");
    let project = world.project(&alice, "tools", &[F43, EPEL]);
    built(world, &alice, &project);
    let only = ProjectChanges { chroots: Some(vec![F43.to_owned()]), ..ProjectChanges::default() };
    world.edit(&alice, &project, only).unwrap();
    wish(world, &alice, &project, EndWish::Extend).unwrap();
    world.app.clock.advance(179 * DAY_S);
    assert_eq!(expire(world), 0);
    wish(world, &alice, &project, EndWish::Extend).unwrap();
    world.app.clock.advance(2 * DAY_S);
    assert_eq!(expire(world), 0, "it was extended once more");
    world.app.clock.advance(179 * DAY_S);
    assert_eq!(expire(world), 1);
}

pub fn what_retention_takes_next_is_known_before(world: &World) {
    let alice = world.member("alice");
    let project = world.project(&alice, "tools", &[F43, EPEL]);
    let old = built(world, &alice, &project);
    let preview = || {
        let project = project.clone();
        world.read(move |conn| ops::preview_prune(conn, &project)).unwrap()
    };
    assert_eq!(preview(), []);
    let newer = world.pending(&alice, &project, &[F43]);
    world.heard(finished(&rpm(newer, F43), 1, published()));
    world.sent();
    let ended = world.view(newer).chroots[0].ended_on.unwrap();
    let told: Vec<_> = preview()
        .into_iter()
        .map(|(results, goes_on)| (results.build, results.chroot.to_string(), goes_on))
        .collect();
    assert_eq!(told, [(old, F43.to_owned(), ended.plus_seconds(14 * DAY_S))]);
    world.app.clock.advance(14 * DAY_S + 120);
    world.write(|tx, cx| ops::prune_results(tx, cx, 0)).unwrap();
    assert_eq!((preview(), has_results(world, old)), (vec![], vec![false, true]), "exactly that went");
}
