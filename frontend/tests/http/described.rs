//! The description of the API holds: schemathesis asks everything that it allows, and much that it does not.

use std::{path::Path, process::Command};

use serde_json::json;

use crate::support::{CHROOTS, Frontend};

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

const WITHOUT: [&str; 4] =
    ["/api_3/api-token", "/api_3/project/key", "/api_3/project-chroot/snapshots", "/api_3/publish-queue"];

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_the_description_allows_is_answered_as_it_says() {
    let frontend = Frontend::start_with(|config| {
        config.http.token_requests_per_minute = 0;
        config.http.address_requests_per_minute = 0;
    })
    .await;
    let alice = frontend.member("alice").await.with_project("foo").await;
    alice.post("/api_3/package/add/alice/foo/rake/rubygems", &json!({ "gem_name": "rake" })).await.ok();
    alice.submits("foo").await;
    let auth = format!("{}:{}", alice.login, alice.token);
    let known = KNOWN.replace("CHROOT", CHROOTS[0]);
    for (name, config) in [("anything", "[parameters]\n"), ("known", known.as_str())] {
        let file = frontend.folder.path().join(format!("{name}.toml"));
        std::fs::write(&file, config).unwrap();
        let (url, auth) = (frontend.url.clone(), auth.clone());
        let run = tokio::task::spawn_blocking(move || run(&file, &url, &auth));
        let (is_good, said) = run.await.unwrap();
        assert!(is_good, "{name}:\n{said}");
    }
    frontend.close().await;
}

fn run(config: &Path, url: &str, auth: &str) -> (bool, String) {
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
        // The first would take away the token that all requests carry; the others ask services that are not here.
        .args(WITHOUT.iter().flat_map(|path| ["--exclude-path", path]))
        .arg("--no-color")
        .current_dir(config.parent().unwrap())
        .output()
        .unwrap();
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), said)
}
