//! Every form here, posted by everybody who may and who may not (the table of `authorization.rs`, for pages).

use reqwest::Method;
use serde_json::json;

use crate::{
    browser::Browser,
    support::{CHROOTS, Frontend},
};

/// Who is the least that a form lets through; each may what those before may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    Visitor,
    Stranger,
    Builder,
    Admin,
    Owner,
}

const EVERYBODY: [Who; 5] = [Who::Visitor, Who::Stranger, Who::Builder, Who::Admin, Who::Owner];

/// Address, fields, and who may.
type Row = (&'static str, Vec<(&'static str, &'static str)>, Who);

/// Forms of `alice/foo`; the last one ends it.
fn forms() -> Vec<Row> {
    use Who::{Admin, Owner, Stranger};
    vec![
        ("/coprs/alice/foo/legal_flag/", vec![("comment", "bad")], Stranger),
        ("/coprs/alice/foo/fork/", vec![("name", "copy"), ("confirm", "true")], Stranger),
        ("/coprs/alice/other/permissions_applier_change/", vec![("builder", "true")], Stranger),
        ("/user/repositories/", vec![("extend", "")], Stranger),
        ("/coprs/alice/foo/update/", vec![("chroots", CHROOTS[0])], Admin),
        ("/coprs/alice/foo/update_chroot/fedora-43-x86_64/", vec![("with_opts", "x")], Admin),
        ("/coprs/id/1/createrepo/", vec![], Admin),
        ("/coprs/alice/foo/update_permissions/", vec![("builder.carol", "nothing")], Admin),
        ("/coprs/alice/foo/integrations/update/", vec![], Admin),
        ("/coprs/alice/foo/repositories/", vec![("extend", "all")], Admin),
        ("/coprs/alice/new/", vec![("name", "more"), ("chroots", CHROOTS[0])], Owner),
        ("/coprs/alice/new-fedora-review/", vec![("name", "review")], Owner),
        ("/coprs/alice/foo/delete/", vec![("verify", "no")], Owner),
        ("/coprs/alice/foo/delete/", vec![("verify", "yes")], Owner),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_posts_what_his_role_allows_and_only_from_a_page_that_was_shown() {
    let frontend = Frontend::start().await;
    let alice = frontend.member("alice").await.with_project("foo").await.with_project("other").await;
    for name in ["eve", "bob", "ann", "carol"] {
        frontend.member(name).await;
    }
    let roles = json!({ "bob": { "builder": "approved" }, "ann": { "admin": "approved" } });
    alice.send(Method::PUT, "/api_3/project/permissions/set/alice/foo", &roles).await.ok();
    let mut browsers: Vec<Browser<'_>> = vec![frontend.visitor()];
    for name in ["eve", "bob", "ann", "alice"] {
        browsers.push(frontend.browser(name).await);
    }
    for (action, fields, least) in forms() {
        for (who, browser) in EVERYBODY.into_iter().zip(&browsers) {
            let told = format!("{action} as {who:?}");
            let forged = browser.forge(action, &fields).await;
            assert_eq!(forged.status, 403, "{told}: {}", forged.text);
            assert!(forged.text.contains("This form was not sent from a page that we showed you"), "{told}");
            if who == Who::Visitor {
                // With the token of a page for visitors he gets further: to the login.
                let answer = browser.submit("/login/", action, &fields).await;
                assert_eq!(answer.status, 302, "{told}: {}", answer.text);
                assert!(answer.header("location").starts_with("/login/?next=%2F"), "{told}");
                continue;
            }
            let name = ["", "eve", "bob", "ann", "alice"][who as usize];
            let answer = browser.submit(&format!("/coprs/{name}/new-fedora-review/"), action, &fields).await;
            assert!(!answer.status.is_server_error(), "{told}: {}", answer.text);
            assert_eq!(answer.status != 403, who >= least, "{told}: {} {}", answer.status, answer.text);
        }
    }
    frontend.close().await;
}
