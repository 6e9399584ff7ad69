use crate::fixture::{Verifier, World, project};

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_made_once_however_often_it_is_asked_for() {
    let world = World::new().await;
    let keygen = world.start().await;
    let tools = project("alice", "tools");
    for action in 1..=4 {
        world.asks_for_key(action, &tools).await;
    }
    let first = world.reported(1);
    for action in 2..=4 {
        assert_eq!(world.reported(action), first);
    }
    assert_eq!(world.key_of(1, &tools).await, first, "a repeat");
    assert_eq!(keygen.public_key(&tools).await.fingerprint, first);
    assert_eq!(world.private_keys(&world.gnupg()), [first]);
    keygen.stop().await;
    let made = world.audit().iter().filter(|line| line["outcome"] == "key_made").count();
    assert_eq!(made, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_rsa_4096_for_signing_only_and_ends_in_ten_years() {
    let world = World::new().await;
    let keygen = world.start().await;
    let group = project("@team", "gp");
    let fingerprint = world.key_of(1, &group).await;
    let key = keygen.public_key(&group).await;
    assert_eq!(key.fingerprint, fingerprint);
    assert!(key.armored.starts_with("-----BEGIN PGP PUBLIC KEY BLOCK-----"));
    let listed = Verifier::with(&key).gpg(&["--with-colons", "--list-keys"]);
    let field = |record: &str, at: usize| {
        let line = listed.lines().find(|line| line.starts_with(record)).unwrap();
        line.split(':').nth(at).unwrap().to_owned()
    };
    assert_eq!(field("uid:", 9), "@team_gp <@team#gp@copr.example.org>");
    assert_eq!((field("pub:", 2).as_str(), field("pub:", 3).as_str()), ("4096", "1"));
    assert_eq!(field("pub:", 11), "scSC");
    assert!(!listed.contains("\nsub:"), "{listed}");
    let (made, ends): (i64, i64) = (field("pub:", 5).parse().unwrap(), field("pub:", 6).parse().unwrap());
    assert_eq!((ends - made) / 86_400, 3_653);
    keygen.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn projects_that_look_alike_have_their_own_keys() {
    let world = World::new().await;
    let keygen = world.start().await;
    let (small, large) = (project("alice", "tools"), project("alice", "Tools"));
    let first = world.key_of(1, &small).await;
    let second = world.key_of(2, &large).await;
    assert_ne!(first, second);
    keygen.stop().await;
    let keygen = world.start().await;
    assert_eq!(keygen.public_key(&small).await.fingerprint, first);
    assert_eq!(keygen.public_key(&large).await.fingerprint, second);
    keygen.stop().await;
}
