//! New accounts: open, by invitation, or not at all.

use coppice_frontend::{Config, manage};
use coppice_model::UnixTime;
use coppice_runtime::secret::hash_token;
use coppice_store::{NewInvitation, invitations};

use super::people::{PASSWORD, with_password};
use crate::{
    browser::{Browser, between},
    support::{Answer, Frontend},
};

async fn sign_up(browser: &Browser<'_>, link: &str, name: &str, password: &str) -> Answer {
    let invitation = link.split("invitation=").nth(1).unwrap_or_default();
    let form =
        [("name", name), ("password", password), ("password_again", password), ("invitation", invitation)];
    browser.submit(link, "/signup/", &form).await
}

fn open(config: &mut Config) {
    config.accounts.sign_up = serde_json::from_str("\"open\"").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn where_it_is_open_everybody_makes_an_account_with_a_name_that_is_free() {
    let frontend = Frontend::start_with(|config| {
        open(config);
        config.accounts.admins = vec!["root".into()];
    })
    .await;
    with_password(&frontend, "alice", false).await;
    assert!(frontend.get("/login/").await.text.contains("Create one"));
    let browser = frontend.visitor();
    for (name, password, text) in [
        ("alice", PASSWORD, "There is an account &#39;alice&#39; already"),
        ("ALICE", PASSWORD, "There is an account &#39;ALICE&#39; already"),
        ("root", PASSWORD, "There is an account &#39;root&#39; already"),
        ("@team", PASSWORD, "leave out the"),
        ("a b", PASSWORD, "cannot be a name"),
        ("g", PASSWORD, "means something else in our addresses"),
        ("bob", "short", "At least 10 characters"),
    ] {
        let refused = sign_up(&browser, "/signup/", name, password).await;
        assert_eq!(refused.status, 400, "{name}");
        assert!(refused.text.replace("&#x27;", "&#39;").contains(text), "{text}: {}", refused.text);
    }
    assert_eq!(browser.user().await, None);
    assert_eq!(sign_up(&browser, "/signup/", "bob", PASSWORD).await.status, 303);
    assert_eq!(browser.user().await.as_deref(), Some("bob"));
    assert_eq!(frontend.visitor().log_in("bob", PASSWORD).await.status, 303);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_makes_one_account() {
    let frontend = Frontend::start_with(|config| {
        config.accounts.sign_up = serde_json::from_str("\"invitation\"").unwrap();
    })
    .await;
    with_password(&frontend, "root", true).await;
    let without = frontend.visitor().get("/signup/").await;
    assert_eq!(without.status, 403);
    assert!(without.text.contains("An account needs an invitation"), "{}", without.text);
    let admin = frontend.visitor();
    admin.log_in("root", PASSWORD).await;
    let made = admin.submit("/admin/invitations/", "/admin/invitations/", &[("note", "for Bob")]).await;
    let link = between(&made.text, "tabindex=\"0\">", "</code>").replace("&#x2F;", "/");
    assert!(link.starts_with("http://copr.example:8080/signup/?invitation="), "{link}");
    let listed = admin.get("/admin/invitations/").await.text;
    assert!(listed.contains("for Bob") && !listed.contains(link.split('=').nth(1).unwrap()), "shown once");

    let bob = frontend.visitor();
    assert_eq!(sign_up(&bob, &link, "bob", PASSWORD).await.status, 303);
    assert_eq!(bob.user().await.as_deref(), Some("bob"));
    assert_eq!(bob.get("/admin/invitations/").await.status, 403);
    let again = frontend.visitor().get(&link).await;
    assert_eq!(again.status, 403);
    assert!(again.text.contains("was used or is over"), "{}", again.text);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_ends_by_itself_or_is_withdrawn() {
    let frontend = Frontend::start_with(|config| {
        config.accounts.sign_up = serde_json::from_str("\"invitation\"").unwrap();
    })
    .await;
    with_password(&frontend, "root", true).await;
    let over = NewInvitation {
        token_hash: hash_token("over"),
        note: String::new(),
        made_by: None,
        expires_at: UnixTime(2),
    };
    frontend.store().write(move |tx| invitations::insert(tx, &over, UnixTime(1))).await.unwrap();
    let late = frontend.visitor().get("/signup/?invitation=over").await;
    assert!(late.status == 403 && late.text.contains("was used or is over"), "{}", late.text);
    let admin = frontend.visitor();
    admin.log_in("root", PASSWORD).await;
    let made = admin.submit("/admin/invitations/", "/admin/invitations/", &[]).await.text;
    let link = between(&made, "tabindex=\"0\">", "</code>").replace("&#x2F;", "/");
    let id = between(&made, "name=\"invitation\" value=\"", "\"").to_owned();
    assert_eq!(frontend.visitor().get(&link).await.status, 200);
    let gone =
        admin.submit("/admin/invitations/", "/admin/invitations/withdraw/", &[("invitation", &id)]).await;
    assert_eq!(gone.status, 303);
    assert_eq!(frontend.visitor().get(&link).await.status, 403);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_it_is_closed_the_operator_makes_accounts_on_the_command_line() {
    let mut kept = None;
    let frontend = Frontend::start_with(|config| kept = Some(config.clone())).await;
    let config = kept.unwrap();
    assert_eq!(frontend.visitor().get("/signup/").await.status, 403);
    assert!(!frontend.get("/login/").await.text.contains("Create one"));
    let file = frontend.folder.path().join("password");
    std::fs::write(&file, format!("{PASSWORD}\n")).unwrap();
    let set = |name: &str| manage::Command::SetPassword { name: name.into(), file: Some(file.clone()) };
    assert!(manage::run(&config, set("carol")).await.is_err(), "no such user");
    let add = manage::Command::UserAdd { name: "carol".into(), admin: false, mail: None };
    manage::run(&config, add).await.unwrap();
    manage::run(&config, set("carol")).await.unwrap();
    let carol = frontend.visitor();
    assert_eq!(carol.log_in("carol", PASSWORD).await.status, 303);
    manage::run(&config, set("carol")).await.unwrap();
    assert_eq!(carol.user().await, None, "a set password logs out everywhere");
    frontend.close().await;
}
