//! Logging in with a password, the devices of an account, and what guessing brings.

use super::people::{PASSWORD, with_password};
use crate::{
    browser::{between, form_token},
    support::Frontend,
};

const WRONG: &str = "That user name and password do not go together.";

#[tokio::test(flavor = "multi_thread")]
async fn who_logs_in_comes_back_to_where_he_was_and_goes_again() {
    let frontend = Frontend::start().await;
    with_password(&frontend, "alice", false).await;
    let browser = frontend.visitor();
    let sent = browser.get("/user/account/").await;
    assert_eq!((sent.status.as_u16(), sent.header("location")), (302, "/login/?next=%2Fuser%2Faccount"));
    let page = browser.get(sent.header("location")).await;
    assert!(page.text.contains("You need no account to read"), "{}", page.text);
    let next = between(&page.text, "name=\"next\" value=\"", "\"").replace("&#x2F;", "/");
    let form = [("user", "alice"), ("password", PASSWORD), ("next", next.as_str())];
    let answer = browser.submit("/login/?next=/user/account", "/login/", &form).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/user/account"));
    let cookie =
        answer.headers.get_all("set-cookie").iter().find(|c| c.to_str().unwrap().contains("session"));
    let cookie = cookie.unwrap().to_str().unwrap().to_owned();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Path=/"),
        "{cookie}"
    );
    let account = browser.get("/user/account/").await.text;
    assert!(
        account.contains("Tester/1.0") && account.contains("this device") && account.contains("127.0.0.1")
    );

    let old = browser.cookie("coppice_session").unwrap();
    let asked = browser.get("/logout/").await;
    assert!(asked.text.contains("This browser is logged in as <b>alice</b>"), "{}", asked.text);
    let out = browser.submit("/logout/", "/logout/", &[]).await;
    assert_eq!((out.status.as_u16(), browser.cookie("coppice_session")), (303, None));
    browser.set_cookie("coppice_session", &old);
    assert_eq!(browser.user().await, None, "the old cookie is worth nothing");
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_is_answered_alike_for_every_name_and_then_pauses() {
    let frontend = Frontend::start_with(|config| config.accounts.tries = 3).await;
    with_password(&frontend, "alice", false).await;
    for name in ["alice", "nobody"] {
        let browser = frontend.visitor();
        let mut texts = Vec::new();
        for left in ["2 are left", "1 is left", "0 are left"] {
            let answer = browser.log_in(name, "wrong").await;
            assert_eq!(answer.status, 400);
            assert!(answer.text.contains(WRONG) && answer.text.contains(left), "{name}: {}", answer.text);
            assert!(!answer.text.contains("value=\"wrong\""), "passwords are never sent back");
            texts.push(answer.text.replace(name, ""));
        }
        let paused = browser.log_in(name, PASSWORD).await;
        assert_eq!(paused.status, 400, "the right one does not help now");
        assert!(paused.text.contains("try again in 10 minutes"), "{}", paused.text);
        assert_eq!(browser.cookie("coppice_session"), None);
    }
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_tries_many_names_pauses_too_and_right_passwords_do_not_count() {
    let frontend = Frontend::start_with(|config| config.accounts.address_tries = 4).await;
    with_password(&frontend, "alice", false).await;
    for _ in 0..6 {
        assert_eq!(frontend.visitor().log_in("alice", PASSWORD).await.status, 303);
    }
    for name in ["a", "b", "c", "d"] {
        assert!(frontend.visitor().log_in(name, "x").await.text.contains(WRONG));
    }
    assert!(frontend.visitor().log_in("alice", PASSWORD).await.text.contains("Too many wrong passwords"));
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_of_other_sites_and_other_browsers_are_refused() {
    let frontend = Frontend::start().await;
    with_password(&frontend, "alice", false).await;
    let (browser, other) = (frontend.visitor(), frontend.visitor());
    let form = [("user", "alice"), ("password", PASSWORD)];
    for _ in 0..2 {
        let bare = browser.forge("/login/", &form).await;
        assert_eq!(bare.status, 403);
        assert!(bare.text.contains("load the page again"), "{}", bare.text);
        browser.get("/login/").await;
    }
    let foreign = form_token(&other.get("/login/").await.text);
    let stolen = [("csrf_token", foreign.as_str()), form[0], form[1]];
    assert_eq!(browser.forge("/login/", &stolen).await.status, 403);
    assert_eq!(browser.log_in("alice", PASSWORD).await.status, 303);
    for action in ["/logout/", "/user/password/", "/user/sessions/end-others/", "/user/sessions/end/"] {
        assert_eq!(browser.forge(action, &[]).await.status, 403, "{action}");
    }
    assert_eq!(browser.user().await.as_deref(), Some("alice"));
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_makes_a_new_cookie_and_ends_the_one_before() {
    let frontend = Frontend::start().await;
    with_password(&frontend, "alice", false).await;
    let browser = frontend.visitor();
    // Somebody planted a cookie.
    browser.set_cookie("coppice_session", "planted-by-somebody-who-waits-for-a-login");
    browser.log_in("alice", PASSWORD).await;
    let first = browser.cookie("coppice_session").unwrap();
    assert_ne!(first, "planted-by-somebody-who-waits-for-a-login");
    // Logged in already: the same form again.
    let token = form_token(&browser.get("/user/account/").await.text);
    let form = [("csrf_token", token.as_str()), ("user", "alice"), ("password", PASSWORD)];
    assert_eq!(browser.forge("/login/", &form).await.status, 303);
    assert_ne!(browser.cookie("coppice_session").unwrap(), first);
    let old = frontend.visitor();
    old.set_cookie("coppice_session", &first);
    assert_eq!(old.user().await, None);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_are_listed_and_logged_out_one_by_one_or_all() {
    let frontend = Frontend::start().await;
    with_password(&frontend, "alice", false).await;
    let [laptop, phone, library] = ["Laptop", "Phone", "Library"].map(|name| frontend.visitor().named(name));
    for browser in [&laptop, &phone, &library] {
        browser.log_in("alice", PASSWORD).await;
    }
    let list = laptop.get("/user/account/").await.text;
    assert!(list.contains("Phone") && list.contains("Library"), "{list}");
    let row = list.split("<tr>").find(|row| row.contains("Library")).unwrap();
    let id = between(row, "name=\"session\" value=\"", "\"");
    let ended = laptop.submit("/user/account/", "/user/sessions/end/", &[("session", id)]).await;
    assert_eq!(ended.status, 303);
    assert_eq!((library.user().await, phone.user().await.as_deref()), (None, Some("alice")));
    let said = laptop.get("/user/account/").await.text;
    assert!(said.contains("That device is logged out."), "{said}");
    laptop.submit("/user/account/", "/user/sessions/end-others/", &[]).await;
    assert_eq!((phone.user().await, laptop.user().await.as_deref()), (None, Some("alice")));
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_needs_the_old_one_and_logs_the_others_out() {
    let frontend = Frontend::start().await;
    with_password(&frontend, "alice", false).await;
    let (here, elsewhere) = (frontend.visitor(), frontend.visitor());
    here.log_in("alice", PASSWORD).await;
    elsewhere.log_in("alice", PASSWORD).await;
    let new = "another long one";
    for (old, first, second, text) in [
        ("guess", new, new, "That is not your present password."),
        (PASSWORD, "short", "short", "At least 10 characters"),
        (PASSWORD, "alice in wonderland", "alice in wonderland", "It holds your user name"),
        (PASSWORD, new, "another short one", "This is another one than above."),
    ] {
        let form = [("old_password", old), ("password", first), ("password_again", second)];
        let refused = here.submit("/user/account/", "/user/password/", &form).await;
        assert_eq!(refused.status, 400);
        assert!(refused.text.contains(text), "{text}: {}", refused.text);
    }
    let form = [("old_password", PASSWORD), ("password", new), ("password_again", new)];
    assert_eq!(here.submit("/user/account/", "/user/password/", &form).await.status, 303);
    assert_eq!((here.user().await.as_deref(), elsewhere.user().await), (Some("alice"), None));
    assert!(elsewhere.log_in("alice", PASSWORD).await.text.contains(WRONG));
    assert_eq!(elsewhere.log_in("alice", new).await.status, 303);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operators_lists_say_who_may_come_in_and_who_is_an_administrator() {
    let frontend = Frontend::start_with(|config| {
        config.accounts.deny_users = vec!["bot-*".into()];
        config.accounts.admins = vec!["alice".into()];
    })
    .await;
    for name in ["alice", "bot-7"] {
        with_password(&frontend, name, false).await;
    }
    let refused = frontend.visitor().log_in("bot-7", PASSWORD).await;
    assert_eq!(refused.status, 403);
    assert!(refused.text.contains("may not log in here"), "{}", refused.text);
    let alice = frontend.visitor();
    alice.log_in("alice", PASSWORD).await;
    assert_eq!(alice.get("/admin/invitations/").await.status, 200);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn frontends_count_wrong_passwords_together_and_a_restart_forgives_nothing() {
    let one = Frontend::start_with(|config| config.accounts.tries = 3).await;
    with_password(&one, "alice", false).await;
    let other = one.second().await;
    assert!(one.visitor().log_in("alice", "wrong").await.text.contains("2 are left"));
    assert!(other.visitor().log_in("alice", "wrong").await.text.contains("1 is left"));
    assert!(one.visitor().log_in("alice", "wrong").await.text.contains("0 are left"));
    other.close().await;
    let again = one.second().await;
    for frontend in [&one, &again] {
        let paused = frontend.visitor().log_in("alice", PASSWORD).await;
        assert!(paused.status == 400 && paused.text.contains("Too many wrong passwords"), "{}", paused.text);
    }
    again.close().await;
    one.close().await;
}
