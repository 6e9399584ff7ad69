use coppice_model::{ActionId, BuildId, UnixTime};

use super::world::{EPEL, F43, NOW, Sent, World, finished, key_made, lost, published, rpm};
use crate::ops;

fn order_again(world: &World, before: i64) -> Vec<Sent> {
    let mut action = Some(ActionId(0));
    while let Some(after) = action {
        action = world.write(move |tx, cx| ops::resend_actions(tx, cx, UnixTime(before), after)).unwrap();
    }
    let mut build = Some(BuildId(0));
    while let Some(after) = build {
        build = world.write(move |tx, cx| ops::resend_builds(tx, cx, UnixTime(before), after)).unwrap();
    }
    world.sent()
}

fn sorted(mut sent: Vec<Sent>) -> Vec<Sent> {
    sent.sort_by(|a, b| a.key.cmp(&b.key));
    sent
}

pub fn a_flush_orders_everything_unfinished_with_the_same_keys(world: &World) {
    let alice = world.member("alice");
    let settings = ops::ProjectChanges {
        chroots: Some(vec![F43.into(), EPEL.into()]),
        ..ops::ProjectChanges::default()
    };
    let new = ops::NewProject {
        ownername: "alice".into(),
        name: "tools".into(),
        settings,
        ..ops::NewProject::default()
    };
    let project = world.create(&alice, new).unwrap();
    let mut first = world.sent();
    world.heard(key_made(&first.remove(0)));
    first.extend(world.sent());

    world.submit(&alice, &world.request(&project)).unwrap();
    world.upload(&alice, &project, "hello-1-1.src.rpm");
    first.extend(world.sent());
    let build = world.upload(&alice, &project, "hello-1-1.src.rpm").build.id;
    world.sent();
    world.import(build, &[F43, EPEL]);
    world.heard(finished(&rpm(build, F43), 1, published()));
    world.take(&rpm(build, EPEL), 1);
    world.sent();
    world.heard(lost(&rpm(build, EPEL), 1));
    first.extend(world.sent());

    assert_eq!(sorted(order_again(world, NOW + 1)), sorted(first));
}

pub fn only_what_is_silent_is_ordered_again(world: &World) {
    let alice = world.member("alice");
    let project = world.project(&alice, "tools", &[F43]);
    let old = world.pending(&alice, &project, &[F43]);
    world.app.clock.advance(1_000);
    let fresh = world.pending(&alice, &project, &[F43]);
    let keys = |sent: Vec<Sent>| -> Vec<String> {
        sent.into_iter().map(|sent| sent.key).filter(|key| key.starts_with("rpm")).collect()
    };
    assert_eq!(keys(order_again(world, NOW + 900)), [format!("rpm/{old}/{F43}/1")]);
    assert!(order_again(world, NOW + 900).is_empty());
    world.app.clock.advance(1_000);
    let both = [format!("rpm/{old}/{F43}/1"), format!("rpm/{fresh}/{F43}/1")];
    assert_eq!(keys(order_again(world, NOW + 1_900)), both);
}

pub fn cancellations_are_told_again(world: &World) {
    let alice = world.member("alice");
    let project = world.project(&alice, "tools", &[F43]);
    let build = world.pending(&alice, &project, &[F43]);
    world.pending(&alice, &project, &[F43]);
    world.cancel(&alice, build).unwrap();
    world.sent();
    world.write(ops::resend_cancels).unwrap();
    assert_eq!(world.sent_keys(), [format!("cancel/{build}")]);
    world.app.clock.advance(200_000);
    world.write(ops::resend_cancels).unwrap();
    assert!(world.sent().is_empty());
}
