use coppice_model::{
    ProjectRef,
    signing::{BeginRotation, EndRotation, KeyRing, KeyRole, SignRequest, SignatureForm::Binary},
};
use reqwest::{Response, StatusCode};
use serde::Serialize;

use crate::fixture::{BACKEND_SECRET, Keygen, SECRET, Verifier, World, grant, item, project};

async fn post(keygen: &Keygen, project: &ProjectRef, call: &str, body: &impl Serialize) -> Response {
    let url = format!("{}/v1/keys/{project}/{call}", keygen.url);
    reqwest::Client::new().post(url).bearer_auth(BACKEND_SECRET).json(body).send().await.unwrap()
}

async fn begin(keygen: &Keygen, project: &ProjectRef) -> KeyRing {
    let begin = BeginRotation { algorithm: None, grant: Some(grant(project, "action/5")) };
    let answer = post(keygen, project, "rotate", &begin).await;
    assert_eq!(answer.status(), StatusCode::OK);
    answer.json().await.unwrap()
}

async fn finish(keygen: &Keygen, project: &ProjectRef, key: &str, compromised: bool) -> KeyRing {
    let end = EndRotation { key: key.into(), compromised, grant: Some(grant(project, "action/5")) };
    let answer = post(keygen, project, "rotate/finish", &end).await;
    assert_eq!(answer.status(), StatusCode::OK);
    answer.json().await.unwrap()
}

async fn signs(keygen: &Keygen, project: &ProjectRef, key: &str) -> StatusCode {
    let items = vec![item("a.rpm", Binary, b"x")];
    let question = SignRequest { key: Some(key.into()), grant: Some(grant(project, "action/5")), items };
    post(keygen, project, "sign", &question).await.status()
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_rotation_goes_on_both_keys_sign_and_afterwards_the_new_one() {
    let world = World::new().await;
    let keygen = world.start().await;
    let tools = project("alice", "tools");
    let old = world.key_of(1, &tools).await;
    let ring = begin(&keygen, &tools).await;
    let next = ring.with_role(KeyRole::Next).unwrap().fingerprint.clone();
    assert_ne!(next, old);
    assert_eq!(begin(&keygen, &tools).await, ring, "a repeat finds the same key");
    keygen.stop().await;
    let keygen = world.start().await;
    assert_eq!(begin(&keygen, &tools).await, ring, "also after a restart");
    assert_eq!(keygen.public_key(&tools).await.fingerprint, old);
    for key in [&old, &next] {
        assert_eq!(signs(&keygen, &tools, key).await, StatusCode::OK);
    }
    for _ in 0..2 {
        let ring = finish(&keygen, &tools, &next, false).await;
        assert_eq!(ring.with_role(KeyRole::Current).unwrap().fingerprint, next);
        assert_eq!(ring.with_role(KeyRole::Retired).unwrap().fingerprint, old);
    }
    assert_eq!(keygen.public_key(&tools).await.fingerprint, next);
    assert_eq!(signs(&keygen, &tools, &old).await, StatusCode::FORBIDDEN);
    let signatures = keygen.signatures(&tools, vec![item("a.rpm", Binary, b"x")]).await;
    let said = Verifier::with(&keygen.public_key(&tools).await).says(&signatures[0], b"x");
    assert!(said.contains(&format!("VALIDSIG {next}")), "{said}");
    let all: KeyRing = keygen.get("/v1/keys/alice/tools/all", Some(SECRET)).await.json().await.unwrap();
    assert_eq!(all.keys[0].key.fingerprint, next);
    let outcomes: Vec<_> = world.audit().iter().map(|line| line["outcome"].clone()).collect();
    assert!(outcomes.contains(&"rotation_begun".into()) && outcomes.contains(&"rotation_finished".into()));
    keygen.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compromised_key_is_revoked_and_a_foreign_one_never_becomes_current() {
    let world = World::new().await;
    let keygen = world.start().await;
    let tools = project("alice", "tools");
    let old = world.key_of(1, &tools).await;
    let stranger = world.key_of(2, &project("bob", "x")).await;
    let next = begin(&keygen, &tools).await.with_role(KeyRole::Next).unwrap().fingerprint.clone();
    let end = EndRotation { key: stranger, compromised: true, grant: Some(grant(&tools, "action/5")) };
    assert_eq!(post(&keygen, &tools, "rotate/finish", &end).await.status(), StatusCode::FORBIDDEN);
    let ring = finish(&keygen, &tools, &next, true).await;
    assert_eq!(ring.with_role(KeyRole::Revoked).unwrap().fingerprint, old);
    assert_eq!(signs(&keygen, &tools, &old).await, StatusCode::FORBIDDEN);
    keygen.stop().await;
}
