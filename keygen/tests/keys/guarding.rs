use std::{fs, os::unix::fs::PermissionsExt};

use coppice_keygen::{Service, StartError};
use coppice_model::{
    UnixTime,
    signing::{SignRequest, SignatureForm::Binary},
};
use coppice_runtime::Stop;
use reqwest::StatusCode;

use crate::fixture::{BACKEND_SECRET, SECRET, World, grant, grant_until, item, project};

#[tokio::test(flavor = "multi_thread")]
async fn without_the_secret_nothing_is_said_and_it_is_noted() {
    let world = World::new().await;
    let keygen = world.start().await;
    world.key_of(1, &project("alice", "tools")).await;
    for wrong in [None, Some("wrong"), Some("")] {
        let answer = keygen.get("/v1/keys/alice/tools", wrong).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        assert!(!answer.text().await.unwrap().contains("PGP"));
    }
    let url = format!("{}/v1/keys/alice/tools/sign", keygen.url);
    let answer = reqwest::Client::new().post(url).body("not even JSON").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(keygen.get("/healthz", None).await.status(), StatusCode::OK);
    let refused: Vec<_> = world.audit().into_iter().filter(|line| line["outcome"] == "refused").collect();
    assert_eq!(refused.len(), 4);
    assert_eq!(refused[0]["project"], "/v1/keys/alice/tools");
    keygen.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_private_key_is_in_nothing_that_is_served_or_logged() {
    let world = World::new().await;
    let keygen = world.start().await;
    let tools = project("alice", "tools");
    world.key_of(1, &tools).await;
    let answer = keygen.ask_signatures(&tools, vec![item("a.rpm", Binary, b"x")]).await;
    let mut served = answer.text().await.unwrap();
    for path in ["/v1/keys/alice/tools", "/metrics", "/healthz"] {
        served.push_str(&keygen.get(path, Some(SECRET)).await.text().await.unwrap());
    }
    for path in ["/v1/keys", "/gnupg/private-keys-v1.d", "/v1/../gnupg", "/v1/keys/alice/tools/private"] {
        assert_eq!(keygen.get(path, Some(SECRET)).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    served.push_str(&fs::read_to_string(world.data_dir().join("audit.log")).unwrap());
    assert!(served.contains("PUBLIC KEY BLOCK"));
    for private in ["PRIVATE KEY", "private-key", SECRET, BACKEND_SECRET] {
        assert!(!served.contains(private), "{private}");
    }
    keygen.stop().await;
    let mode = |path: &str| fs::metadata(world.data_dir().join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("gnupg"), mode("audit.log")), (0o700, 0o600));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_folder_that_others_can_read_stops_the_start() {
    let world = World::new().await;
    fs::create_dir_all(world.gnupg()).unwrap();
    fs::set_permissions(world.gnupg(), fs::Permissions::from_mode(0o755)).unwrap();
    let refused = Service::start(world.config(), Stop::new()).await.unwrap_err();
    assert!(matches!(refused, StartError::Home(_)), "{refused}");
    assert!(refused.to_string().contains("chmod 700"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_service_on_the_same_keys_is_refused() {
    let world = World::new().await;
    let keygen = world.start().await;
    let refused = Service::start(world.config(), Stop::new()).await.unwrap_err();
    assert!(matches!(refused, StartError::InUse(_)), "{refused}");
    keygen.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_backend_signs_and_only_with_leave_for_the_project() {
    let world = World::new().await;
    let keygen = world.start().await;
    let (tools, other) = (project("alice", "tools"), project("alice", "other"));
    world.key_of(1, &tools).await;
    let good = grant(&tools, "action/9");
    let forged = grant_until(&tools, "action/9", UnixTime(i64::MAX), BACKEND_SECRET);
    let cases = [
        (SECRET, Some(good.clone()), "only the backend"),
        (BACKEND_SECRET, None, "is missing"),
        (BACKEND_SECRET, Some(grant(&other, "action/9")), "for another project"),
        (BACKEND_SECRET, Some(grant_until(&tools, "action/9", UnixTime(1), SECRET)), "is over"),
        (BACKEND_SECRET, Some(forged), "not the frontend's"),
        (BACKEND_SECRET, Some("7b7d.00".to_owned().into()), "not the frontend's"),
    ];
    let count = cases.len();
    for (secret, grant, why) in cases {
        for call in ["sign", "rotate"] {
            let url = format!("{}/v1/keys/{tools}/{call}", keygen.url);
            let items = vec![item("a.rpm", Binary, b"x")];
            let question = SignRequest { key: None, grant: grant.clone(), items };
            let answer = reqwest::Client::new().post(url).bearer_auth(secret).json(&question).send().await;
            let answer = answer.unwrap();
            assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{why}");
            let text = answer.text().await.unwrap();
            assert!(text.contains(why), "{text}");
        }
    }
    let refused: Vec<_> = world.audit().into_iter().filter(|line| line["outcome"] == "refused").collect();
    assert_eq!(refused.len(), 2 * count);
    assert!(refused.iter().all(|line| line["reason"].as_str().is_some_and(|reason| !reason.is_empty())));
    assert!(!world.audit().iter().any(|line| line["outcome"] == "signed"));
    keygen.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_backends_secret_there_is_no_start() {
    let world = World::new().await;
    fs::remove_file(world.config().backend_secret_file).unwrap();
    let refused = Service::start(world.config(), Stop::new()).await.unwrap_err();
    assert!(refused.to_string().contains("backend-secret"), "{refused}");
}
