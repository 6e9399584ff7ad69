use coppice_kit::until;
use coppice_model::{
    ActionId,
    messages::{CreateKey, KeygenTask},
    signing::{KeyAlgorithm, SignatureForm::Binary},
};

use crate::fixture::{Keygen, LIMIT, Verifier, World, item, project};

#[tokio::test(flavor = "multi_thread")]
async fn a_new_project_gets_a_key_that_was_made_ahead_and_bears_its_name_only() {
    let world = World::new().await;
    let keygen = Keygen::start(coppice_keygen::Config { pool: 1, ..world.config() }).await;
    let ready = until("a key is ready", LIMIT, || world.private_keys(&world.gnupg()).first().cloned());
    let tools = project("alice", "tools");
    assert_eq!(world.key_of(1, &tools).await, ready);
    let taken: Vec<_> =
        world.audit().into_iter().filter(|line| line["outcome"] == "key_taken_from_pool").collect();
    assert_eq!((taken.len(), &taken[0]["subject"]), (1, &"action/1".into()));
    let key = keygen.public_key(&tools).await;
    let verifier = Verifier::with(&key);
    let listed = verifier.gpg(&["--with-colons", "--list-keys"]);
    assert!(listed.contains("alice_tools <alice#tools@copr.example.org>"), "{listed}");
    assert!(!listed.contains("pool"), "{listed}");
    assert!(key.expires_on.is_some(), "its end is told");
    let signatures = keygen.signatures(&tools, vec![item("a.rpm", Binary, b"x")]).await;
    assert!(verifier.says(&signatures[0], b"x").contains(&format!("VALIDSIG {ready}")));
    // The pool is filled again, and the next project gets another key.
    until("another key is ready", LIMIT, || (world.private_keys(&world.gnupg()).len() == 2).then_some(()));
    assert_ne!(world.key_of(2, &project("bob", "tools")).await, ready);
    keygen.stop().await;
    // As if killed when the key had its name and its role was not noted.
    std::fs::remove_dir_all(world.data_dir().join("roles")).unwrap();
    let keygen = world.start().await;
    assert_eq!(world.key_of(3, &tools).await, ready);
    assert_eq!(keygen.public_key(&tools).await, key);
    keygen.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ed25519_key_is_made_for_the_project_that_wants_one() {
    let world = World::new().await;
    let keygen = world.start().await;
    let modern = project("alice", "modern");
    let (action, algorithm) = (ActionId(1), KeyAlgorithm::Ed25519);
    let create = CreateKey { action, project: modern.clone(), algorithm };
    world.bus.send(&KeygenTask::CreateKeyV1(create)).await.unwrap();
    let fingerprint = world.reported(1);
    let key = keygen.public_key(&modern).await;
    assert_eq!((&key.fingerprint, key.algorithm), (&fingerprint, KeyAlgorithm::Ed25519));
    let signatures = keygen.signatures(&modern, vec![item("a.rpm", Binary, b"x")]).await;
    let said = Verifier::with(&key).says(&signatures[0], b"x");
    assert!(said.contains(&format!("VALIDSIG {fingerprint}")), "{said}");
    keygen.stop().await;
}
