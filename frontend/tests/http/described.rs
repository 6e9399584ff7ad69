//! The description of the API holds: schemathesis asks everything that it allows, and much that it does not.

use std::{path::Path, process::Command};

use serde_json::json;

use crate::{
    peers::Peers,
    support::{CHROOTS, Frontend, Member},
};

/// Names that exist, so that requests get further than 404.
const KNOWN: &str = r#"
[parameters]
"path.owner" = "alice"
"path.project" = "foo"
"path.package" = "rake"
"path.chroot" = "CHROOT"
"path.name_release" = "fedora-43"
"path.dir" = "foo"
"path.who" = "alice"
"path.id" = 1
"query.ownername" = "alice"
"query.projectname" = "foo"
"query.chrootname" = "CHROOT"
"query.packagename" = "rake"
"query.build_id" = 1
"#;

/// They take away what everything else asks about, so each comes alone, and in this order.
const TAKES_AWAY: [&str; 4] = [
    "/api_3/build/delete/list",
    "/api_3/build/delete/{id}",
    "/api_3/package/delete",
    "/api_3/project/delete/{owner}/{project}",
];

/// They take away tokens, maybe the one that all requests of a run carry: nobody else may need it.
const TAKES_TOKENS: [&str; 2] = [REVOKES, RENEWS];
const REVOKES: &str = "/api_3/tokens/{id}";
const RENEWS: &str = "/api_3/api-token";

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_the_description_allows_is_answered_as_it_says() {
    let peers = Peers::with_all();
    let frontend = Frontend::start_with(|config| {
        peers.are_told_to(config);
        config.http.token_requests_per_minute = 0;
        config.http.address_requests_per_minute = 0;
    })
    .await;
    let alice = frontend.member("alice").await;
    has_one_of_everything(&alice).await;
    let folder = frontend.folder.path().to_owned();
    let without = |paths: &[&'static str]| paths.iter().flat_map(|path| ["--exclude-path", path]).collect();
    let known = KNOWN.replace("CHROOT", CHROOTS[0]);
    let most = [&TAKES_AWAY[..], &TAKES_TOKENS].concat();
    let mut runs = vec![(known.as_str(), without(&most))];
    runs.extend(TAKES_AWAY.map(|path| (known.as_str(), alone(path).to_vec())));
    runs.push(("[parameters]\n", without(&TAKES_TOKENS)));
    for (config, paths) in runs {
        let said = asks(&alice, &folder, config, &paths).await;
        assert!(!said.contains("401 Unauthorized ("), "nobody was let in: {paths:?}\n{said}");
        alice.get("/api_3/auth-check").await.ok();
    }
    takes_tokens(&frontend, &known).await;
    frontend.close().await;
    peers.close().await;
}

/// What `KNOWN` names.
async fn has_one_of_everything(alice: &Member<'_>) {
    alice.post("/api_3/project/add/alice", &json!({ "name": "foo", "chroots": CHROOTS })).await.ok();
    alice.post("/api_3/package/add/alice/foo/rake/rubygems", &json!({ "gem_name": "rake" })).await.ok();
    let build = json!({
        "ownername": "alice", "projectname": "foo", "pkgs": ["https://example.com/hello-1-1.src.rpm"],
        "chroots": [CHROOTS[0]]
    });
    assert_eq!(alice.post("/api_3/build/create/url", &build).await.ok()["items"][0]["id"], 1);
}

fn alone(path: &'static str) -> [&'static str; 2] {
    ["--include-path", path]
}

/// Each by a member of its own, who loses what is asked for.
async fn takes_tokens(frontend: &Frontend, known: &str) {
    let folder = frontend.folder.path();
    let zoe = frontend.member("zoe").await;
    zoe.with_token("narrow", json!({})).await;
    let tokens = async || zoe.get("/api_3/tokens").await.ok()["items"].as_array().unwrap().clone();
    let narrow = tokens().await.into_iter().find(|token| token["name"] == "narrow").unwrap();
    let known = known.replace("\"path.id\" = 1", &format!("\"path.id\" = {}", narrow["id"]));
    asks(&zoe, folder, &known, &alone(REVOKES)).await;
    assert!(!tokens().await.contains(&narrow), "it was revoked");
    asks(&zoe, folder, &known, &alone(RENEWS)).await;
    assert_eq!(zoe.get("/api_3/auth-check").await.status, 401, "there is a new one");
}

/// Every answer is as the description says; what schemathesis told of it.
async fn asks(by: &Member<'_>, folder: &Path, config: &str, paths: &[&'static str]) -> String {
    let file = folder.join("schemathesis.toml");
    std::fs::write(&file, config).unwrap();
    let (url, auth, paths) = (by.url().to_owned(), format!("{}:{}", by.login, by.token), paths.to_vec());
    let run = tokio::task::spawn_blocking(move || run(&file, &url, &auth, &paths));
    let (is_good, said) = run.await.unwrap();
    assert!(is_good, "{said}");
    said
}

fn run(config: &Path, url: &str, auth: &str, paths: &[&str]) -> (bool, String) {
    let program = std::env::var_os("COPPICE_SCHEMATHESIS")
        .expect("COPPICE_SCHEMATHESIS names the schemathesis to use: run the tests by tools/test");
    let output = Command::new(program)
        .arg("--config-file")
        .arg(config)
        .args(["run", &format!("{url}/api_3/openapi.json"), "--url", url, "--auth", auth])
        .args([
            "--checks",
            "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
        ])
        .args([
            "--phases",
            "examples,coverage,fuzzing",
            "--max-examples",
            "10",
            "--seed",
            "7",
            "--request-timeout",
            "20",
        ])
        .args(paths)
        .arg("--no-color")
        .current_dir(config.parent().unwrap())
        .output()
        .unwrap();
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), said)
}
