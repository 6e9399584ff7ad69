//! Logging in at GitHub and GitLab, which a small server pretends to be.

use coppice_kit::Provider;
use serde_json::json;

use super::provider::offer;
use crate::support::Frontend;

#[tokio::test(flavor = "multi_thread")]
async fn github_tells_who_a_person_is_and_which_organizations_and_teams_they_are_in() {
    let provider = Provider::start();
    provider.people(&json!({ "forge": {
            "/user": { "id": 583231, "login": "octocat", "email": null },
            "/user/orgs": [{ "login": "rpm-makers" }],
            "/user/teams": [{ "slug": "release", "organization": { "login": "rpm-makers" } }],
        } }));
    let frontend = Frontend::start_with(|config| offer(config, provider.forge("github"))).await;
    let page = frontend.get("/login/").await.text;
    assert!(page.contains("/oidc_login/?provider=github") && page.contains("> GitHub</a>"), "{page}");
    let browser = frontend.visitor();
    let (_, home) = browser.visit("/oidc_login/?provider=github").await;
    assert_eq!(home.status, 200, "{}", home.text);
    assert_eq!(browser.user().await.as_deref(), Some("octocat"));
    let teams = browser.get("/groups/list/my/").await.text.replace("&#x2F;", "/");
    assert!(teams.contains("rpm-makers</th>") && teams.contains("rpm-makers/release"), "{teams}");
    let page = "/groups/activate/rpm-makers/release/?provider=github";
    let form = [("provider", "github"), ("name", "release")];
    let made = browser.submit(page, "/groups/activate/rpm-makers/release/", &form).await;
    assert_eq!(made.status, 303, "{}", made.text);
    assert!(browser.get("/groups/list/my/").await.text.contains("@release"));
    // Renamed there: the number is the person.
    provider.people(&json!({ "forge": { "/user": { "id": 583231, "login": "octodog", "email": null } } }));
    let again = frontend.visitor();
    again.visit("/oidc_login/?provider=github").await;
    assert_eq!(again.user().await.as_deref(), Some("octocat"));
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gitlab_tells_the_groups_and_a_code_holds_once() {
    let provider = Provider::start();
    provider.people(&json!({ "forge": {
            "/user": { "id": 7, "username": "tanuki", "email": "t@example.com" },
            "/groups": [{ "full_path": "builders/rust" }],
        } }));
    let frontend = Frontend::start_with(|config| offer(config, provider.forge("gitlab"))).await;
    let browser = frontend.visitor();
    let started = browser.get("/oidc_login/?provider=gitlab").await;
    let authorize = started.header("location").to_owned();
    assert!(
        authorize.contains("code_challenge_method=S256") && authorize.contains("scope=read_api"),
        "{authorize}"
    );
    let back = browser.get(&authorize).await.header("location").to_owned();
    let kept = browser.cookie("coppice_login").unwrap();
    browser.visit(&back).await;
    assert_eq!(browser.user().await.as_deref(), Some("tanuki"));
    assert!(browser.get("/groups/list/my/").await.text.replace("&#x2F;", "/").contains("builders/rust"));
    let account = browser.get("/user/account/").await.text;
    assert!(account.contains("(t@example.com)"), "{account}");
    browser.set_cookie("coppice_login", &kept);
    let (_, replayed) = browser.visit(&back).await;
    assert_eq!(replayed.status, 400, "the state is the old visit's, and GitLab knows the code no more");
    frontend.close().await;
}
