use coppice_model::{
    ActionId, UnixTime,
    messages::{KeygenTask, RenewKey},
    signing::SignatureForm::Binary,
};
use coppice_runtime::Clock;

use crate::fixture::{Verifier, World, item, project};

const DAY: i64 = 86_400;

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_key_is_the_same_key_and_what_it_signed_before_stays_good() {
    let world = World::new().await;
    let keygen = world.start().await;
    let tools = project("alice", "tools");
    let fingerprint = world.key_of(1, &tools).await;
    let before = keygen.public_key(&tools).await;
    let signatures = keygen.signatures(&tools, vec![item("a.rpm", Binary, b"x")]).await;
    let end = Clock::default().now().plus_seconds(5_000 * DAY);
    for action in [2, 3] {
        let renew = RenewKey { action: ActionId(action), project: tools.clone(), expires_on: end };
        world.bus.send(&KeygenTask::RenewKeyV1(renew)).await.unwrap();
        assert_eq!(world.reported(action), fingerprint);
        let told = world.report(action).key_expires_on.unwrap();
        assert!((told.0 - end.0).abs() <= 60, "{told:?} for {end:?}");
    }
    let after = keygen.public_key(&tools).await;
    assert!(before.expires_on < after.expires_on && before.armored != after.armored);
    for key in [&before, &after] {
        let said = Verifier::with(key).says(&signatures[0], b"x");
        assert!(said.contains(&format!("VALIDSIG {fingerprint}")), "{said}");
    }
    // Who has the old key takes the new one over it.
    let client = Verifier::with(&before);
    client.imports(&after);
    assert!(client.knows_end(&after) && !client.knows_end(&before));
    let later = keygen.signatures(&tools, vec![item("b.rpm", Binary, b"y")]).await;
    assert!(client.says(&later[0], b"y").contains("VALIDSIG"));
    keygen.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_would_end_in_the_past_or_is_not_there_is_refused_with_a_sentence() {
    let world = World::new().await;
    let keygen = world.start().await;
    let tools = project("alice", "tools");
    world.key_of(1, &tools).await;
    for (action, project, why) in
        [(2, tools.clone(), "in the past"), (3, project("bob", "x"), "not made yet")]
    {
        let renew = RenewKey { action: ActionId(action), project, expires_on: UnixTime(1_000) };
        world.bus.send(&KeygenTask::RenewKeyV1(renew)).await.unwrap();
        let error = world.report(action).error.unwrap();
        assert!(error.contains(why), "{error}");
    }
    keygen.stop().await;
}
