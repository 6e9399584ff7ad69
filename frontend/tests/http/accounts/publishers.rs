//! Trusted publishing: a CI job builds with nothing but what its forge signed.

use coppice_kit::Provider;
use coppice_runtime::Clock;
use reqwest::Method;
use serde_json::{Value, json};

use super::people::{PASSWORD, with_password};
use crate::{
    browser::{Browser, between},
    support::{Answer, CHROOTS, Frontend, send},
};

const PAGE: &str = "/coprs/alice/tools/integrations/publishers/";

async fn with_issuer() -> (Provider, Frontend) {
    let provider = Provider::start();
    let issuer = json!({ "kind": "github", "name": "github", "issuer": format!("{}/liar", provider.url) });
    let frontend = Frontend::start_with(|config| {
        config.accounts.trusted_issuers.push(serde_json::from_value(issuer).unwrap());
    })
    .await;
    (provider, frontend)
}

/// With the project that is to trust somebody.
async fn admin(frontend: &Frontend) -> Browser<'_> {
    with_password(frontend, "alice", false).await;
    let alice = frontend.visitor();
    alice.log_in("alice", PASSWORD).await;
    let made = alice.submit("/api/", "/api/new/", &[]).await.text;
    let value = |key: &str| made.lines().find_map(|line| line.split(&format!("{key} = ")).nth(1)).unwrap();
    for name in ["tools", "other"] {
        let add = frontend.request(Method::POST, "/api_3/project/add/alice");
        let body = json!({ "name": name, "chroots": [CHROOTS[0]] });
        send(add.basic_auth(value("login"), Some(value("token"))).json(&body)).await.ok();
    }
    alice
}

fn claims(provider: &Provider) -> Value {
    let now = Clock::System.now().0;
    json!({
        "iss": format!("{}/liar", provider.url), "aud": "http://copr.example:8080", "iat": now, "exp": now + 300,
        "sub": "repo:alice/hello:ref:refs/heads/main", "repository": "alice/hello", "ref": "refs/heads/main",
        "workflow_ref": "alice/hello/.github/workflows/release.yml@refs/heads/main",
    })
}

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

async fn exchange(frontend: &Frontend, token: &str, project: &str) -> Answer {
    let body = json!({ "token": token, "ownername": "alice", "projectname": project });
    send(frontend.request(Method::POST, "/api_3/trusted-publishing/exchange").json(&body)).await
}

async fn build(frontend: &Frontend, token: &Value, project: &str) -> Answer {
    let body =
        json!({ "ownername": "alice", "projectname": project, "pkgs": ["https://e.com/a-1-1.src.rpm"] });
    let request = frontend.request(Method::POST, "/api_3/build/create/url");
    let (login, secret) = (token["api_login"].as_str().unwrap(), token["api_token"].as_str());
    send(request.basic_auth(login, secret).json(&body)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_job_builds_here_and_nowhere_else() {
    let (provider, frontend) = with_issuer().await;
    let alice = admin(&frontend).await;
    let job = provider.mint(&claims(&provider));
    let stranger = exchange(&frontend, &job, "tools").await.error();
    assert_eq!(stranger.0, 403);
    assert!(
        stranger.1.contains("does not trust this job: github alice/hello, workflow release.yml"),
        "{}",
        stranger.1
    );
    for (form, text) in [
        (vec![("issuer", "github"), ("repository", "hello")], "is no repository"),
        (vec![("issuer", "nowhere"), ("repository", "alice/hello")], "Choose one of the forges"),
    ] {
        let refused = alice.submit(PAGE, PAGE, &form).await;
        assert!(refused.status == 400 && refused.text.contains(text), "{text}: {}", refused.text);
    }
    let form = [
        ("issuer", "github"),
        ("repository", "alice/hello"),
        ("workflow", "release.yml"),
        ("git_ref", "main"),
    ];
    assert_eq!(alice.submit(PAGE, PAGE, &form).await.status, 303);
    let list = alice.get(PAGE).await.text.replace("&#x2F;", "/");
    assert!(list.contains("github · alice/hello") && list.contains("refs/heads/main"), "{list}");

    let token = exchange(&frontend, &job, "tools").await.ok();
    assert_eq!(token["project"], "alice/tools");
    assert_eq!(build(&frontend, &token, "tools").await.status, 200);
    assert_eq!(build(&frontend, &token, "other").await.status, 403);
    let more = frontend.request(Method::POST, "/api_3/tokens").json(&json!({ "name": "x" }));
    let more = more.basic_auth(token["api_login"].as_str().unwrap(), token["api_token"].as_str());
    assert_eq!(send(more).await.status, 403, "no other tokens");
    assert_eq!(exchange(&frontend, &job, "other").await.status, 403);

    let id = between(&list, "name=\"remove\" value=\"", "\"").to_owned();
    assert_eq!(alice.submit(PAGE, PAGE, &[("remove", &id)]).await.status, 303);
    assert_eq!(exchange(&frontend, &job, "tools").await.status, 403);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_jobs_and_tokens_that_do_not_hold_get_nothing() {
    let (provider, frontend) = with_issuer().await;
    let alice = admin(&frontend).await;
    let form = [
        ("issuer", "github"),
        ("repository", "alice/hello"),
        ("workflow", "release.yml"),
        ("git_ref", "main"),
    ];
    assert_eq!(alice.submit(PAGE, PAGE, &form).await.status, 303);
    let good = claims(&provider);
    for (lie, text) in [
        (with(good.clone(), "repository", json!("mallory/hello")), "does not trust this job"),
        (with(good.clone(), "ref", json!("refs/pull/1/merge")), "does not trust this job"),
        (
            with(good.clone(), "workflow_ref", json!("alice/hello/.github/workflows/x.yml@a")),
            "does not trust",
        ),
        (with(good.clone(), "aud", json!("https://elsewhere.example")), "does not hold"),
        (with(good.clone(), "exp", json!(1_700_000_000)), "does not hold"),
        (with(good.clone(), "iss", json!("https://evil.example")), "none that this service trusts"),
    ] {
        let answer = exchange(&frontend, &provider.mint(&lie), "tools").await.error();
        assert!(answer.0 == 403 && answer.1.contains(text), "{answer:?}");
    }
    for key in ["stranger", "none"] {
        let forged = provider.mint_by(key, &good);
        let answer = exchange(&frontend, &forged, "tools").await.error();
        assert!(
            answer.1.contains("does not hold") || answer.1.contains("no identity token"),
            "{key}: {answer:?}"
        );
    }
    assert_eq!(exchange(&frontend, "rubbish", "tools").await.status, 400);
    let honest = provider.mint(&good);
    assert_eq!(exchange(&frontend, &honest, "tools").await.status, 200);
    assert_eq!(exchange(&frontend, &honest, "nope").await.status, 404);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_admins_of_the_project_say_whom_it_trusts() {
    let (_provider, frontend) = with_issuer().await;
    let _alice = admin(&frontend).await;
    with_password(&frontend, "bob", false).await;
    let bob = frontend.visitor();
    assert_eq!(bob.get(PAGE).await.status, 302, "log in first");
    bob.log_in("bob", PASSWORD).await;
    assert_eq!(bob.get(PAGE).await.status, 403);
    let form = [("issuer", "github"), ("repository", "bob/hello")];
    assert_eq!(bob.submit("/user/account/", PAGE, &form).await.status, 403);
    frontend.close().await;
}
