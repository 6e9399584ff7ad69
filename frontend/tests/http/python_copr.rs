//! The real python-copr against the real server; its part is in `python_copr.py`.

use std::{path::PathBuf, process::Command};

use crate::support::Frontend;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/http/python_copr.py");

#[tokio::test(flavor = "multi_thread")]
async fn the_library_of_other_programs_works_unchanged() {
    let client: PathBuf = std::env::var_os("COPPICE_COPR_CLI")
        .expect("COPPICE_COPR_CLI names the copr-cli to use: run the tests by tools/test")
        .into();
    let frontend = Frontend::start().await;
    frontend.member("root").await;
    let alice = frontend.member("alice").await.with_project("foo").await.with_project("bar").await;
    for _ in 0..7 {
        alice.submits("foo").await;
    }
    let mut python = Command::new(client.with_file_name("python"));
    python.arg(SCRIPT).args([&frontend.url, &alice.login, &alice.token, &alice.name]);
    let output = tokio::task::spawn_blocking(move || python.output()).await.unwrap().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    frontend.close().await;
}
