use std::{fs, os::unix::fs::PermissionsExt};

use coppice_keygen::{Service, StartError};
use coppice_model::signing::SignatureForm::Binary;
use coppice_runtime::Stop;
use reqwest::StatusCode;

use crate::fixture::{SECRET, World, item, project};

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
    for private in ["PRIVATE KEY", "private-key", SECRET] {
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
