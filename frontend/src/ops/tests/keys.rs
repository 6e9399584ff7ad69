use coppice_model::{
    UnixTime,
    messages::{ActionDone, BackendTask, KeygenTask, RenewKey, Report},
    signing::{Grant, GrantClaims, KeyAlgorithm},
};
use coppice_store::{Project, projects};

use super::world::{F43, NOW, Sent, World};
use crate::ops;

const DAY: i64 = 86_400;
const LIFE: i64 = 3_653 * DAY;

/// keygen made or changed a key that ends then.
fn told(world: &World, sent: &Sent, ends_on: i64) {
    let action = match sent.keygen() {
        KeygenTask::CreateKeyV1(create) => create.action,
        KeygenTask::RenewKeyV1(renew) => renew.action,
    };
    world.heard(Report::ActionDoneV1(ActionDone {
        taken: None,
        action,
        error: None,
        fingerprint: Some("ABCD".into()),
        key_expires_on: Some(UnixTime(ends_on)),
        at: UnixTime(NOW),
    }));
    world.sent();
}

fn project_with_key(world: &World) -> (ops::Caller, Project) {
    let alice = world.member("alice");
    let settings = ops::ProjectChanges { chroots: Some(vec![F43.into()]), ..Default::default() };
    let (ownername, name) = ("alice".into(), "tools".into());
    let new = ops::NewProject { ownername, name, settings, ..Default::default() };
    let project = world.create(&alice, new).unwrap();
    let created = world.sent().remove(0);
    told(world, &created, NOW + LIFE);
    (alice, project)
}

/// The end of each renewal that is ordered now.
fn renewals(world: &World) -> Vec<(Sent, i64)> {
    world.write(ops::renew_keys).unwrap();
    let end = |sent: Sent| match sent.keygen() {
        KeygenTask::RenewKeyV1(RenewKey { expires_on, .. }) => (sent, expires_on.0),
        other => panic!("{other:?}"),
    };
    world.sent().into_iter().map(end).collect()
}

pub fn a_key_lives_longer_when_a_tenth_of_its_life_is_over(world: &World) {
    project_with_key(world);
    world.app.clock.advance(LIFE / 10 - 1);
    assert!(renewals(world).is_empty());
    world.app.clock.advance(1);
    let due = NOW + LIFE / 10;
    let (lost, end) = renewals(world).remove(0);
    assert_eq!(end, due + LIFE);
    assert!(renewals(world).is_empty(), "it is under way");
    world.app.clock.advance(DAY);
    assert_eq!(renewals(world).len(), 1, "nobody answered for a day");
    told(world, &lost, due + LIFE);
    world.app.clock.advance(DAY);
    assert!(renewals(world).is_empty());
    world.app.clock.advance(LIFE / 10);
    assert_eq!(renewals(world).len(), 1, "and so on");
}

pub fn a_key_whose_end_was_chosen_is_left_alone_until_nobody_wants_that_any_more(world: &World) {
    let (alice, project) = project_with_key(world);
    let renew = |end: Option<i64>| {
        let (by, id) = (alice.clone(), project.id);
        let ordered = world.write(move |tx, cx| {
            let project = projects::get(tx, id)?;
            ops::renew_key(tx, cx, &by, &project, end.map(UnixTime))
        });
        ordered.unwrap();
        let sent = world.sent().remove(0);
        let KeygenTask::RenewKeyV1(RenewKey { expires_on, .. }) = sent.keygen() else { panic!("{sent:?}") };
        told(world, &sent, expires_on.0);
        expires_on.0
    };
    assert_eq!(renew(Some(NOW + 30 * DAY)), NOW + 30 * DAY);
    world.app.clock.advance(LIFE);
    assert!(renewals(world).is_empty());
    assert_eq!(renew(None), NOW + LIFE + LIFE);
    world.app.clock.advance(LIFE / 10);
    assert_eq!(renewals(world).len(), 1);
}

pub fn the_kind_of_key_goes_to_keygen(world: &World) {
    let alice = world.member("alice");
    for (name, key_algorithm) in [("usual", None), ("small", Some(KeyAlgorithm::Ed25519))] {
        let settings = ops::ProjectChanges { chroots: Some(vec![F43.into()]), ..Default::default() };
        let (ownername, name) = ("alice".into(), name.into());
        let new = ops::NewProject { ownername, name, key_algorithm, settings, ..Default::default() };
        world.create(&alice, new).unwrap();
        let KeygenTask::CreateKeyV1(create) = world.sent().remove(0).keygen() else { panic!("no key") };
        assert_eq!(create.algorithm, key_algorithm.unwrap_or_default());
    }
}

/// What keygen reads in a grant.
fn claims(world: &World, grant: Option<Grant>) -> GrantClaims {
    let text = world.app.settings.keygen_secret.unseal(grant.expect("a grant").as_str());
    serde_json::from_str(&text.expect("our own seal")).unwrap()
}

pub fn leave_to_sign_comes_with_every_order_for_its_project_only(world: &World) {
    let (alice, project) = project_with_key(world);
    world.write(move |tx, cx| ops::regenerate_repos(tx, cx, &alice, &project)).unwrap();
    let first = world.sent().remove(0);
    world.app.clock.advance(1_000);
    // Sent again after a silence.
    let now = world.app.clock.now();
    world.write(move |tx, cx| ops::resend_actions(tx, cx, now, coppice_model::ActionId(0))).unwrap();
    let again = world.sent().into_iter().find(|sent| sent.key == first.key).expect("the same order");
    for (sent, age) in [(first, 0), (again, 1_000)] {
        let BackendTask::PublishV1(publish) = sent.backend() else { panic!("{sent:?}") };
        let claims = claims(world, publish.grant);
        assert_eq!(claims.project, publish.project);
        assert_eq!(claims.subject, format!("action/{}", publish.action));
        assert!(claims.until.0 > NOW + age + 30 * DAY && claims.until.0 < NOW + age + 365 * DAY);
    }
}

pub fn a_build_task_has_leave_for_its_project(world: &World) {
    let alice = world.member("alice");
    let project = world.project(&alice, "tools", &[F43]);
    let build = world.upload(&alice, &project, "hello-1-1.src.rpm").build.id;
    world.sent();
    world.import(build, &[F43]);
    let sent = world.sent().remove(0);
    let BackendTask::RpmBuildV1(work) = sent.backend() else { panic!("{sent:?}") };
    let claims = claims(world, work.grant);
    assert_eq!((claims.project, claims.subject), (project.reference(), format!("{build}-{F43}")));
}
