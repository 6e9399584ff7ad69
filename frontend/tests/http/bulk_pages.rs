//! Many builds at once: asked first, then done.

use reqwest::Method;
use serde_json::json;

use crate::{
    build_forms::{alice_with_foo, leads_to},
    support::{Frontend, Member},
};

const FOO: &str = "/coprs/alice/foo/";
const SHOWN: &str = "/coprs/alice/foo/add_build/";

async fn state(alice: &Member<'_>, id: i64) -> String {
    let answer = alice.get(&format!("/api_3/build/{id}")).await;
    if answer.status == 404 { "gone".into() } else { answer.ok()["state"].as_str().unwrap().into() }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_chosen_is_shown_then_canceled_then_deleted() {
    let frontend = Frontend::start().await;
    let alice = alice_with_foo(&frontend).await;
    let (a, b, c) = (alice.submits("foo").await, alice.submits("foo").await, alice.submits("foo").await);
    alice.send(Method::PUT, &format!("/api_3/build/cancel/{c}"), &json!({})).await.ok();
    let browser = frontend.browser("alice").await;
    let (cancel, delete) = (format!("{FOO}cancel_builds/"), format!("{FOO}delete_builds/"));
    let texts = [a, b, c].map(|id| id.to_string());
    let chosen: Vec<(&str, &str)> = texts.iter().map(|id| ("build_ids", id.as_str())).collect();
    let asked = browser.submit(SHOWN, &cancel, &chosen).await.text;
    assert!(asked.contains("<h1>Cancel 2 builds</h1>") && asked.contains("These have ended."), "{asked}");
    assert_eq!(asked.matches("name=\"build_ids\"").count(), 2);
    assert_eq!(state(&alice, a).await, "pending");
    let sure: Vec<_> = [("confirm", "yes")].into_iter().chain(chosen[..2].iter().copied()).collect();
    assert_eq!(leads_to(&browser.submit(SHOWN, &cancel, &sure).await), format!("{FOO}builds/"));
    assert_eq!((state(&alice, a).await, state(&alice, b).await), ("canceled".into(), "canceled".into()));
    let d = alice.submits("foo").await;
    let both = format!("{a},{d}");
    let asked = browser.submit(SHOWN, &delete, &[("build_ids", both.as_str())]).await.text;
    assert!(asked.contains("<h1>Delete 1 build</h1>") && asked.contains("These still run"), "{asked}");
    let refused = browser.submit(SHOWN, &delete, &[("confirm", "yes"), ("build_ids", both.as_str())]).await;
    assert_eq!((refused.status.as_u16(), state(&alice, a).await), (400, "canceled".into()));
    leads_to(&browser.submit(SHOWN, &delete, &sure).await);
    assert_eq!(
        [state(&alice, a).await, state(&alice, b).await, state(&alice, c).await],
        ["gone", "gone", "canceled"]
    );
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_reaches_builds_of_others() {
    let frontend = Frontend::start().await;
    let alice = alice_with_foo(&frontend).await;
    let id = alice.submits("foo").await.to_string();
    frontend.member("mallory").await.with_project("own").await;
    let mallory = frontend.browser("mallory").await;
    let (shown, sure) = ("/coprs/mallory/own/add_build/", [("build_ids", id.as_str()), ("confirm", "yes")]);
    for verb in ["cancel_builds", "delete_builds"] {
        for (fields, theirs, own) in [(&sure[..], 403, 404), (&sure[..1], 403, 404)] {
            assert_eq!(
                mallory.submit(shown, &format!("{FOO}{verb}/"), fields).await.status,
                theirs,
                "{verb}"
            );
            let own_action = format!("/coprs/mallory/own/{verb}/");
            assert_eq!(mallory.submit(shown, &own_action, fields).await.status, own, "{verb}");
        }
        assert_eq!(mallory.forge(&format!("{FOO}{verb}/"), &sure).await.status, 403);
        let browser = frontend.browser("alice").await;
        for (field, value) in [("build_ids", "x"), ("build_ids", ""), ("other", "1")] {
            let answer = browser.submit(SHOWN, &format!("{FOO}{verb}/"), &[(field, value)]).await;
            assert_eq!(answer.status, 400, "{verb} {value}");
        }
        assert_eq!(
            browser.submit(SHOWN, &format!("{FOO}{verb}/"), &[("build_ids", "99999")]).await.status,
            404
        );
    }
    assert_eq!(state(&alice, id.parse().unwrap()).await, "pending");
    frontend.close().await;
}
