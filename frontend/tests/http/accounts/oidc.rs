//! Logging in at a real OpenID provider, and what is not believed.

use coppice_kit::Provider;
use coppice_model::UnixTime;
use coppice_store::{groups, users};
use serde_json::json;

use super::{
    people::{PASSWORD, with_password},
    provider::{back_address, log_in, offer, through},
};
use crate::{browser::between, support::Frontend};

async fn with_provider(issuer: &str) -> (Provider, Frontend) {
    let provider = Provider::start();
    provider.people(&json!({
        "alice": { "nickname": "alice", "email": "alice@example.com", "groups": ["editors", "secret-ops"] },
        "bob": { "nickname": "bob", "groups": [] },
    }));
    let frontend = Frontend::start_with(|config| {
        offer(config, provider.oidc(issuer));
        config.accounts.ignore_teams = vec!["secret-*".into()];
    })
    .await;
    (provider, frontend)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_login_makes_the_account_and_the_next_one_finds_it() {
    let (provider, frontend) = with_provider("").await;
    let page = frontend.get("/login/").await.text;
    assert!(page.contains("Fedora Accounts") && page.contains("or with a local account"), "{page}");
    let browser = frontend.visitor();
    let (at, home) = log_in(&browser, "alice").await;
    assert!(at.ends_with("/coprs/") && home.status == 200, "{at} {}", home.text);
    assert_eq!(browser.user().await.as_deref(), Some("alice"));
    let account = browser.get("/user/account/").await.text;
    assert!(account.contains("alice@example.com") && account.contains("Fedora Accounts"), "{account}");
    // Renamed there: still the same person.
    provider.people(&json!({ "alice": { "nickname": "alicia" } }));
    let again = frontend.visitor();
    log_in(&again, "alice").await;
    assert_eq!(again.user().await.as_deref(), Some("alice"));
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_is_activated_and_its_members_come_and_go() {
    let (provider, frontend) = with_provider("").await;
    let alice = frontend.visitor();
    log_in(&alice, "alice").await;
    let teams = alice.get("/groups/list/my/").await.text;
    assert!(teams.contains("editors") && !teams.contains("secret-ops"), "{teams}");
    let page = "/groups/activate/editors/?provider=fedora";
    let refused =
        alice.submit(page, "/groups/activate/editors/", &[("provider", "fedora"), ("name", "a b")]).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("cannot be a name"), "{}", refused.text);
    let form = [("provider", "fedora"), ("name", "the-editors")];
    assert_eq!(alice.submit(page, "/groups/activate/editors/", &form).await.status, 303);
    assert!(alice.get("/groups/list/my/").await.text.contains("@the-editors"));
    let of = async |name: &'static str| {
        let read = frontend.store().read(move |conn| {
            let user = users::find_by_name(conn, name)?.unwrap();
            groups::is_member(conn, "the-editors", user.id)
        });
        read.await.unwrap()
    };
    assert!(of("alice").await);
    let bob = frontend.visitor();
    log_in(&bob, "bob").await;
    assert!(!of("bob").await);
    assert_eq!(bob.get(page).await.status, 404, "not his team");
    let steal = bob.submit("/user/account/", "/groups/activate/editors/", &form).await;
    assert_eq!(steal.status, 403);
    // The team changed: so does the group, at the next login of each.
    provider.people(
        &json!({ "alice": { "nickname": "alice" }, "bob": { "nickname": "bob", "groups": ["editors"] } }),
    );
    log_in(&frontend.visitor(), "alice").await;
    log_in(&frontend.visitor(), "bob").await;
    assert_eq!((of("alice").await, of("bob").await), (false, true));
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_taken_is_chosen_anew_or_connected() {
    let (_provider, frontend) = with_provider("").await;
    with_password(&frontend, "alice", false).await;
    let browser = frontend.visitor();
    let (at, page) = log_in(&browser, "alice").await;
    assert!(
        at.ends_with("/oidc_login/name/") && page.text.contains("cannot be your name here"),
        "{}",
        page.text
    );
    assert_eq!(browser.user().await, None);
    let taken = browser.submit("/oidc_login/name/", "/oidc_login/name/", &[("name", "Alice")]).await;
    assert!(taken.status == 400 && taken.text.contains("already: choose another name"), "{}", taken.text);
    // Another browser knows nothing of it.
    assert_eq!(frontend.visitor().get("/oidc_login/name/").await.status, 400);

    assert_eq!(browser.log_in("alice", PASSWORD).await.status, 303);
    let asked = browser.get("/user/identities/pending/").await;
    assert!(asked.text.contains("as <b>alice</b> will come in here as <b>alice</b>"), "{}", asked.text);
    let done = browser.submit("/user/identities/pending/", "/user/identities/pending/", &[]).await;
    assert_eq!(done.status, 303);
    let other = frontend.visitor();
    log_in(&other, "alice").await;
    assert_eq!(other.user().await.as_deref(), Some("alice"), "the provider logs in to the old account");
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_whose_name_is_taken_takes_another() {
    let (_provider, frontend) = with_provider("").await;
    with_password(&frontend, "alice", false).await;
    let browser = frontend.visitor();
    log_in(&browser, "alice").await;
    let made = browser.submit("/oidc_login/name/", "/oidc_login/name/", &[("name", "alice2")]).await;
    assert_eq!((made.status.as_u16(), made.header("location")), (303, "/coprs/"));
    assert_eq!(browser.user().await.as_deref(), Some("alice2"));
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ways_in_are_connected_and_disconnected_but_for_the_last() {
    let (_provider, frontend) = with_provider("").await;
    with_password(&frontend, "carol", false).await;
    let carol = frontend.visitor();
    carol.log_in("carol", PASSWORD).await;
    let started =
        carol.submit("/user/account/", "/user/identities/connect/", &[("provider", "fedora")]).await;
    let (at, _) = through(&carol, started, "alice").await;
    assert!(at.ends_with("/user/account/") || at.ends_with("/user/account"), "{at}");
    let elsewhere = frontend.visitor();
    log_in(&elsewhere, "alice").await;
    assert_eq!(elsewhere.user().await.as_deref(), Some("carol"));
    // Somebody else cannot connect the same person.
    with_password(&frontend, "dave", false).await;
    let dave = frontend.visitor();
    dave.log_in("dave", PASSWORD).await;
    let started = dave.submit("/user/account/", "/user/identities/connect/", &[("provider", "fedora")]).await;
    let (_, refused) = through(&dave, started, "alice").await;
    assert_eq!(refused.status, 409);
    assert!(refused.text.contains("logs in to the account"), "{}", refused.text);

    let id = between(&carol.get("/user/account/").await.text, "name=\"identity\" value=\"", "\"").to_owned();
    let gone = carol.submit("/user/account/", "/user/identities/disconnect/", &[("identity", &id)]).await;
    assert_eq!(gone.status, 303);
    // Bob has no other way in.
    let bob = frontend.visitor();
    log_in(&bob, "bob").await;
    let id = between(&bob.get("/user/account/").await.text, "name=\"identity\" value=\"", "\"").to_owned();
    let kept = bob.submit("/user/account/", "/user/identities/disconnect/", &[("identity", &id)]).await;
    assert_eq!(kept.status, 400);
    assert!(kept.text.contains("the only way to log in"), "{}", kept.text);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_taken_over_from_elsewhere_waits_for_its_person() {
    let provider = Provider::start();
    provider.people(&json!({ "alice": { "nickname": "alice" }, "root": { "nickname": "root" } }));
    let frontend = Frontend::start_with(|config| {
        offer(config, provider.oidc(""));
        config.accounts.providers[0].adopts_accounts = true;
        config.accounts.admins = vec!["root".into()];
    })
    .await;
    frontend
        .store()
        .write(|tx| users::insert(tx, &"alice".parse().unwrap(), None, false, UnixTime(1)))
        .await
        .unwrap();
    let alice = frontend.visitor();
    log_in(&alice, "alice").await;
    assert_eq!(alice.user().await.as_deref(), Some("alice"));
    let root = frontend.visitor();
    log_in(&root, "root").await;
    assert_eq!(
        root.get("/admin/invitations/").await.status,
        200,
        "named by the operator, vouched for by the first"
    );
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_holds_once_and_only_in_the_browser_that_began() {
    let (_provider, frontend) = with_provider("").await;
    let browser = frontend.visitor();
    let started = browser.get("/oidc_login/").await;
    let back = back_address(&browser, started, "alice").await;
    let stranger = frontend.visitor();
    stranger.get("/login/").await;
    let forged_state = back.replace("state=", "state=x");
    for (who, address) in [(&stranger, back.clone()), (&browser, forged_state)] {
        let (_, refused) = who.visit(&address).await;
        assert_eq!(refused.status, 400);
        assert!(refused.text.contains("was not begun in this browser"), "{}", refused.text);
        assert!(refused.text.contains("href=\"/login/\""), "what to do");
        assert_eq!(who.user().await, None);
    }
    // The forged answer ended it; and who begins again comes in once.
    let started = browser.get("/oidc_login/").await;
    let flow = browser.cookie("coppice_login").unwrap();
    let back = back_address(&browser, started, "alice").await;
    browser.visit(&back).await;
    assert_eq!(browser.user().await.as_deref(), Some("alice"));
    let (_, replayed) = browser.visit(&back).await;
    assert_eq!(replayed.status, 400);
    // Even with the cookies of before, the provider takes a code once.
    let thief = frontend.visitor();
    thief.set_cookie("coppice_login", &flow);
    assert_eq!(thief.visit(&back).await.1.status, 400);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_provider_signs_wrongly_is_not_believed() {
    let (provider, frontend) = with_provider("/liar").await;
    let lies = [
        (json!({ "claims": { "nonce": "another" } }), "a forged nonce"),
        (json!({ "claims": { "aud": "somebody else" } }), "a wrong audience"),
        (json!({ "claims": { "exp": 1_700_000_000 } }), "an expired token"),
        (json!({ "claims": { "iss": "https://evil.example" } }), "another issuer"),
        (json!({ "key": "stranger" }), "a stranger's signature"),
        (json!({ "key": "none" }), "no signature"),
        (json!({ "claims": { "at_hash": "AAAA" } }), "another access token"),
    ];
    for (lie, what) in lies {
        provider.lie(&lie);
        let browser = frontend.visitor();
        let (_, refused) = browser.visit("/oidc_login/").await;
        assert_eq!(refused.status, 400, "{what}");
        let page = &refused.text;
        assert!(page.contains("does not hold") && page.contains("Nobody is logged in"), "{what}: {page}");
        assert_eq!(browser.user().await, None, "{what}");
    }
    provider.lie(&json!({ "state": "forged" }));
    let (_, refused) = frontend.visitor().visit("/oidc_login/").await;
    assert!(refused.status == 400 && refused.text.contains("was not begun in this browser"));
    provider.lie(&json!({}));
    let browser = frontend.visitor();
    browser.visit("/oidc_login/").await;
    assert_eq!(browser.user().await.as_deref(), Some("eve"), "the same provider, honest");
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_no_at_the_provider_reads_why_he_is_not_logged_in() {
    let (provider, frontend) = with_provider("").await;
    let browser = frontend.visitor();
    let started = browser.get("/oidc_login/").await;
    let state = between(started.header("location"), "state=", "&").to_owned();
    let back = format!("/oidc_auth/?error=access_denied&error_description=you+said+no&state={state}");
    let refused = browser.get(&back).await;
    assert!(
        refused.status == 400 && refused.text.contains("Fedora Accounts did not log you in: you said no.")
    );
    drop(provider);
    let gone = Frontend::start_with(|config| {
        let text =
            json!({ "kind": "oidc", "name": "gone", "issuer": "http://127.0.0.1:9", "client_id": "x" });
        config.accounts.providers.push(serde_json::from_value(text).unwrap());
    })
    .await;
    let answer = gone.visitor().get("/oidc_login/").await;
    assert!(answer.status == 400 && answer.text.contains("gone did not answer"), "{}", answer.text);
    gone.close().await;
    frontend.close().await;
}
