use coppice_keygen::{Config, SignBy};
use coppice_model::{
    ActionId,
    messages::{CreateKey, KeygenTask},
    signing::{
        KeyAlgorithm,
        SignatureForm::{Armored, Binary},
    },
};
use futures_util::future::join_all;
use reqwest::StatusCode;
use sha2::{Digest, Sha256};

use crate::fixture::{Keygen, SECRET, Verifier, World, item, project};

#[tokio::test(flavor = "multi_thread")]
async fn signatures_convince_somebody_who_has_only_the_public_key() {
    let world = World::new().await;
    let keygen = world.start().await;
    let tools = project("alice", "tools");
    let fingerprint = world.key_of(1, &tools).await;
    let header = vec![7_u8; 300_000];
    let items = vec![item("a.rpm", Binary, &header), item("repomd.xml", Armored, b"<repomd/>")];
    let signatures = keygen.signatures(&tools, items).await;
    let verifier = Verifier::with(&keygen.public_key(&tools).await);
    for (signature, content) in signatures.iter().zip([header.as_slice(), b"<repomd/>"]) {
        let said = verifier.says(signature, content);
        assert!(said.contains(&format!("VALIDSIG {fingerprint}")), "{said}");
        let forged = verifier.says(signature, b"something else");
        assert!(forged.contains("BADSIG"), "{forged}");
    }
    assert!(signatures[1].starts_with(b"-----BEGIN PGP SIGNATURE-----"));
    ensure_rpm_takes_it(&signatures[0]);
    keygen.stop().await;
}

/// RPM's header holds a bare packet: version 4, RSA, SHA-256, of binary content.
fn ensure_rpm_takes_it(packet: &[u8]) {
    // RFC 9580, section 4.2: a new-format signature packet, its length in two bytes.
    assert_eq!(packet[0], 0xc2);
    let length = ((usize::from(packet[1]) - 192) << 8) + usize::from(packet[2]) + 192;
    assert_eq!(packet.len(), 3 + length, "nothing beside the packet");
    assert_eq!(packet[3..7], [4, 0, 1, 8]);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_items_come_back_in_their_order_and_are_noted() {
    let world = World::new().await;
    let keygen = world.start().await;
    let tools = project("alice", "tools");
    let fingerprint = world.key_of(1, &tools).await;
    let contents: Vec<Vec<u8>> = (0..12).map(|n| format!("header {n}").into_bytes()).collect();
    let items = contents.iter().enumerate().map(|(n, c)| item(&format!("{n}.rpm"), Binary, c)).collect();
    let signatures = keygen.signatures(&tools, items).await;
    let verifier = Verifier::with(&keygen.public_key(&tools).await);
    for (signature, content) in signatures.iter().zip(&contents) {
        assert!(verifier.says(signature, content).contains("VALIDSIG"));
    }
    let signed: Vec<_> = world.audit().into_iter().filter(|line| line["outcome"] == "signed").collect();
    assert_eq!(signed.len(), 12);
    assert_eq!(signed[3]["label"], "3.rpm");
    assert_eq!(signed[3]["subject"], "7-fedora-43-x86_64");
    assert_eq!(signed[3]["project"], "alice/tools");
    assert_eq!(signed[3]["fingerprint"], fingerprint);
    assert_eq!(signed[3]["sha256"], hex::encode(Sha256::digest(b"header 3")));
    assert!(signed[3]["who"].as_str().unwrap().starts_with("127.0.0.1:"));
    keygen.stop().await;
}

/// What gpg says of a signature beside its moment: key, version, algorithms, class (GnuPG's DETAILS, VALIDSIG).
fn nature(said: &str) -> Vec<String> {
    let line = said.lines().find_map(|line| line.strip_prefix("[GNUPG:] VALIDSIG "));
    let fields: Vec<&str> = line.unwrap_or_else(|| panic!("{said}")).split(' ').collect();
    [&fields[..1], &fields[4..]].concat().into_iter().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_does_the_arithmetic_many_clients_get_signatures_of_the_same_nature() {
    const CLIENTS: usize = 4;
    for algorithm in [KeyAlgorithm::Rsa4096, KeyAlgorithm::Ed25519] {
        let (world, tools) = (World::new().await, project("alice", "tools"));
        let create = CreateKey { action: ActionId(1), project: tools.clone(), algorithm };
        world.bus.send(&KeygenTask::CreateKeyV1(create)).await.unwrap();
        let mut natures = Vec::new();
        for sign_by in [SignBy::Ourselves, SignBy::Gnupg] {
            let keygen = Keygen::start(Config { sign_by, ..world.config() }).await;
            world.reported(1);
            let verifier = Verifier::with(&keygen.public_key(&tools).await);
            let contents: Vec<String> = (0..CLIENTS).map(|n| format!("content {n}")).collect();
            let ask = |content: &String| {
                let bytes = content.as_bytes();
                let items = vec![item("a.rpm", Binary, bytes), item("repomd.xml", Armored, bytes)];
                keygen.signatures(&tools, items)
            };
            let answers = join_all(contents.iter().map(ask)).await;
            for (content, signatures) in contents.iter().zip(answers) {
                for signature in &signatures {
                    natures.push(nature(&verifier.says(signature, content.as_bytes())));
                }
            }
            keygen.stop().await;
        }
        assert_eq!(natures.len(), 4 * CLIENTS);
        assert!(natures.iter().all(|nature| *nature == natures[0]), "{natures:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_without_a_key_gets_a_sentence() {
    let world = World::new().await;
    let keygen = world.start().await;
    let nobody = project("alice", "new");
    let answers = [
        keygen.get("/v1/keys/alice/new", Some(SECRET)).await,
        keygen.ask_signatures(&nobody, vec![item("a.rpm", Binary, b"x")]).await,
    ];
    for answer in answers {
        assert_eq!(answer.status(), StatusCode::NOT_FOUND);
        let text = answer.text().await.unwrap();
        assert!(text.contains("alice/new is not made yet"), "{text}");
    }
    assert_eq!(keygen.get("/v1/keys/alice/..%2Fx", Some(SECRET)).await.status(), StatusCode::NOT_FOUND);
    keygen.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_beyond_the_limits_are_refused() {
    let world = World::new().await;
    let mut config = world.config();
    config.limits.items = 2;
    config.limits.item_bytes = 1_000;
    config.limits.request_bytes = 10_000;
    let keygen = crate::fixture::Keygen::start(config).await;
    let tools = project("alice", "tools");
    let small = || item("a.rpm", Binary, b"x");
    let mut wrong = small();
    wrong.content = "no base64!".into();
    for (items, status) in [
        (vec![small(), small(), small()], StatusCode::BAD_REQUEST),
        (vec![wrong], StatusCode::BAD_REQUEST),
        (vec![item(&"l".repeat(400), Binary, b"x")], StatusCode::BAD_REQUEST),
        (vec![item("a.rpm", Binary, &[0; 1_001])], StatusCode::PAYLOAD_TOO_LARGE),
        (vec![item("a.rpm", Binary, &[0; 10_001])], StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let answer = keygen.ask_signatures(&tools, items).await;
        assert_eq!(answer.status(), status);
        assert!(answer.text().await.unwrap().contains("\"error\""));
    }
    keygen.stop().await;
}
