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
    let issuers = [
        json!({ "kind": "github", "name": "github", "issuer": format!("{}/liar", provider.url) }),
        json!({ "kind": "forgejo", "name": "forgejo", "issuer": format!("{}/forgejo/api/actions", provider.url) }),
    ];
    let frontend = Frontend::start_with(|config| {
        let issuers = issuers.map(|issuer| serde_json::from_value(issuer).unwrap());
        config.accounts.trusted_issuers.extend(issuers);
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

/// The page with its slashes as they are read.
async fn listed(alice: &Browser<'_>) -> String {
    alice.get(PAGE).await.text.replace("&#x2F;", "/")
}

async fn trust(alice: &Browser<'_>, workflow: &str) {
    let form = [("issuer", "github"), ("repository", "alice/hello"), ("workflow", workflow)];
    assert_eq!(alice.submit(PAGE, PAGE, &form).await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_token_is_exchanged_once() {
    let (provider, frontend) = with_issuer().await;
    let alice = admin(&frontend).await;
    for token in [claims(&provider), with(claims(&provider), "jti", json!("a-number"))] {
        let job = provider.mint(&token);
        // Nothing came of this one, so the job may go on with its token when the project trusts it.
        assert_eq!(exchange(&frontend, &job, "other").await.status, 403);
        if !listed(&alice).await.contains("release.yml</td>") {
            trust(&alice, "release.yml").await;
        }
        assert_eq!(exchange(&frontend, &job, "tools").await.status, 200);
        let again = exchange(&frontend, &job, "tools").await.error();
        assert_eq!(again.0, 403);
        assert!(again.1.starts_with("This identity token was exchanged already"), "{}", again.1);
        assert!(again.1.contains("Ask the forge for a new one"), "{}", again.1);
    }
    // The same number in another wrapping is the same token; a new number is another one.
    let later = with(with(claims(&provider), "jti", json!("a-number")), "nbf", json!(1));
    assert_eq!(exchange(&frontend, &provider.mint(&later), "tools").await.status, 403);
    let next = with(claims(&provider), "jti", json!("another"));
    assert_eq!(exchange(&frontend, &provider.mint(&next), "tools").await.status, 200);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_get_one_token_for_one_proof() {
    let (provider, frontend) = with_issuer().await;
    let alice = admin(&frontend).await;
    trust(&alice, "release.yml").await;
    let job = provider.mint(&claims(&provider));
    let asked = (0..8).map(|_| exchange(&frontend, &job, "tools"));
    let answers = futures_util::future::join_all(asked).await;
    let good = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(good, 1, "{answers:?}");
    frontend.close().await;
}

fn numbered(provider: &Provider, repository: &str, owner: &str, jti: &str) -> Value {
    let claims = with(claims(provider), "repository_id", json!(repository));
    with(with(claims, "repository_owner_id", json!(owner)), "jti", json!(jti))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_that_was_made_anew_under_the_name_is_another_one() {
    let (provider, frontend) = with_issuer().await;
    let alice = admin(&frontend).await;
    trust(&alice, "release.yml").await;
    let first = provider.mint(&numbered(&provider, "74", "65", "1"));
    assert_eq!(exchange(&frontend, &first, "tools").await.status, 200);
    // Also where the stranger's workflow is one that no job used yet.
    trust(&alice, "nightly.yml").await;
    let nightly = json!("alice/hello/.github/workflows/nightly.yml@refs/heads/main");
    for (claims, what) in [
        (numbered(&provider, "99", "65", "2"), "another repository"),
        (numbered(&provider, "74", "66", "3"), "another owner"),
        (with(numbered(&provider, "99", "66", "4"), "workflow_ref", nightly.clone()), "another workflow"),
        (claims(&provider), "no number any more"),
    ] {
        let refused = exchange(&frontend, &provider.mint(&claims), "tools").await.error();
        assert_eq!(refused.0, 403, "{what}");
        assert!(refused.1.contains("made anew under this name"), "{what}: {}", refused.1);
        assert!(refused.1.contains("removes its workflows under Integrations and adds them again"), "{what}");
    }
    let same = with(numbered(&provider, "74", "65", "5"), "workflow_ref", nightly);
    assert_eq!(exchange(&frontend, &provider.mint(&same), "tools").await.status, 200);
    for _ in 0..2 {
        let id = between(&listed(&alice).await, "name=\"remove\" value=\"", "\"").to_owned();
        assert_eq!(alice.submit(PAGE, PAGE, &[("remove", &id)]).await.status, 303);
    }
    trust(&alice, "release.yml").await;
    let anew = provider.mint(&numbered(&provider, "99", "65", "6"));
    assert_eq!(exchange(&frontend, &anew, "tools").await.status, 200, "it was said anew who is meant");
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_of_a_forgejo_build_too_and_nobody_else_signs_for_it() {
    let (provider, frontend) = with_issuer().await;
    let alice = admin(&frontend).await;
    let form = [("issuer", "forgejo"), ("repository", "alice/hello"), ("workflow", "release.yml")];
    assert_eq!(alice.submit(PAGE, PAGE, &form).await.status, 303);
    let now = Clock::System.now().0;
    // As Forgejo 15 writes them: without a number of the token.
    let claims = json!({
        "iss": format!("{}/forgejo/api/actions", provider.url), "aud": "http://copr.example:8080",
        "iat": now, "nbf": now, "exp": now + 300, "sub": "repo:alice/hello:ref:refs/heads/main",
        "actor": "alice", "actor_id": "65", "event_name": "push", "ref": "refs/heads/main", "ref_type": "branch",
        "repository": "alice/hello", "repository_id": "74", "repository_owner": "alice", "repository_owner_id": "65",
        "workflow": "release.yml", "workflow_ref": "alice/hello/.forgejo/workflows/release.yml@refs/heads/main",
    });
    let job = provider.mint(&claims.clone());
    let token = exchange(&frontend, &job, "tools").await.ok();
    assert_eq!(build(&frontend, &token, "tools").await.status, 200);
    assert!(exchange(&frontend, &job, "tools").await.error().1.contains("exchanged already"));
    let anew = with(claims.clone(), "repository_id", json!("75"));
    let refused = exchange(&frontend, &provider.mint(&anew), "tools").await.error();
    assert!(refused.1.contains("made anew under this name"), "{}", refused.1);
    let github = with(claims.clone(), "iss", json!(format!("{}/liar", provider.url)));
    let refused = exchange(&frontend, &provider.mint(&github), "tools").await.error();
    assert!(refused.1.contains("does not trust this job: github alice/hello"), "{}", refused.1);
    let forged = provider.mint_by("stranger", &with(claims, "nonce", json!("x")));
    assert!(exchange(&frontend, &forged, "tools").await.error().1.contains("does not hold"));
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_see_the_workflows_that_build_for_them_beside_their_tokens() {
    let (_provider, frontend) = with_issuer().await;
    let alice = admin(&frontend).await;
    let tokens = "/user/tokens/";
    assert!(!alice.get(tokens).await.text.contains("github ·"));
    trust(&alice, "release.yml").await;
    let shown = alice.get(tokens).await.text.replace("&#x2F;", "/");
    assert!(shown.contains("github · alice/hello") && shown.contains("<td>release.yml</td>"), "{shown}");
    assert!(shown.contains(&format!("<a href=\"{PAGE}\">alice/tools</a>")), "{shown}");
    with_password(&frontend, "bob", false).await;
    let bob = frontend.visitor();
    bob.log_in("bob", PASSWORD).await;
    assert!(!bob.get(tokens).await.text.contains("alice"), "of others nothing is told");
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_of_somebody_who_is_blocked_gets_no_token() {
    let (provider, frontend) = with_issuer().await;
    let alice = admin(&frontend).await;
    trust(&alice, "release.yml").await;
    with_password(&frontend, "root", true).await;
    let root = frontend.visitor();
    root.log_in("root", PASSWORD).await;
    let job = provider.mint(&claims(&provider));
    root.submit("/admin/users/alice/", "/admin/users/alice/block/", &[]).await;
    let refused = exchange(&frontend, &job, "tools").await.error();
    assert!(refused.0 == 403 && refused.1.contains("The account 'alice' is blocked."), "{refused:?}");
    root.submit("/admin/users/alice/", "/admin/users/alice/unblock/", &[]).await;
    assert_eq!(exchange(&frontend, &job, "tools").await.status, 200);
    frontend.close().await;
}
