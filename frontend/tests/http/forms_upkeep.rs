//! Webhooks and ending chroots, kept up in the browser.

use coppice_model::{BuildId, UnixTime};
use coppice_store::{NewWebhookDelivery, StoreError, mock_chroots, projects, webhook_deliveries};
use reqwest::Method;
use serde_json::json;

use crate::{
    forms_world::{assert_login, assert_taken, group_project},
    support::{CHROOTS, Frontend, Member},
};

const INTEGRATIONS: &str = "/coprs/alice/foo/integrations/";

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_made_and_renewed_and_deliveries_say_what_came_of_them() {
    let frontend = Frontend::start().await;
    frontend.member("alice").await.with_project("foo").await;
    let browser = frontend.browser("alice").await;
    let shown = browser.get(INTEGRATIONS).await.text;
    assert!(shown.contains("No secret yet") && shown.contains("No delivery yet"), "{shown}");
    let renew = async || {
        let action = "/coprs/alice/foo/integrations/update/";
        assert_taken(&browser.submit(INTEGRATIONS, action, &[]).await, INTEGRATIONS);
        let shown = browser.get(INTEGRATIONS).await.text;
        let (_, rest) =
            shown.split_once("http://copr.example:8080/webhooks/github/1/").expect("the address for GitHub");
        let secret = rest.split('/').next().unwrap().to_owned();
        assert!(shown.contains(&format!("/webhooks/custom/1/{secret}/PACKAGE/")), "{shown}");
        secret
    };
    let first = renew().await;
    assert_eq!(first.len(), 36);
    assert_ne!(renew().await, first);
    let deliver = |status: u16, outcome: &'static str, builds: Vec<BuildId>| NewWebhookDelivery {
        forge: "github".into(),
        event: "push main to <alice>/foo".into(),
        delivery: Some("6c1e0f0a".into()),
        agent: Some("GitHub-Hookshot".into()),
        status,
        outcome: outcome.into(),
        builds,
    };
    let told = frontend.store().write(move |tx| {
        let project = projects::find(tx, "alice", "foo")?.expect("the project is there").id;
        webhook_deliveries::insert(
            tx,
            project,
            &deliver(200, "Matched hello.", vec![BuildId(7)]),
            UnixTime(1),
        )?;
        webhook_deliveries::insert(tx, project, &deliver(403, "The secret was another.", vec![]), UnixTime(2))
    });
    told.await.map_err(|error: StoreError| error).unwrap();
    let shown = browser.get(INTEGRATIONS).await.text;
    for text in [
        "push main to &lt;alice&gt;/foo",
        "rejected 403",
        "1 build",
        "href=\"/coprs/alice/foo/build/7/\"",
        "Matched hello.",
        "6c1e0f0a",
    ] {
        assert!(shown.contains(text), "{text} is missing in {shown}");
    }
    frontend.close().await;
}

async fn end(frontend: &Frontend, chroot: &'static str, is_active: bool) {
    let ended = frontend.store().write(move |tx| {
        let known = mock_chroots::find(tx, chroot)?.expect("the chroot is there");
        mock_chroots::update_active(tx, known.id, is_active)
    });
    ended.await.map_err(|error: StoreError| error).unwrap();
}

/// Rounded up: a moment goes by between an order and its answer.
async fn days(member: &Member<'_>, owner: &str, chroot: &str) -> Option<i64> {
    let path = format!("/api_3/project-chroot?ownername={owner}&projectname=foo&chrootname={chroot}");
    member.get(&path).await.ok()["delete_after_days"].as_i64().map(|days| match days {
        6 => 7,
        179 => 180,
        days => days,
    })
}

async fn drop_to_first(member: &Member<'_>, owner: &str) {
    let path = format!("/api_3/project/edit/{owner}/foo");
    for chroots in [json!([CHROOTS[0], CHROOTS[1], CHROOTS[3]]), json!([CHROOTS[0], CHROOTS[3]])] {
        member.send(Method::PUT, &path, &json!({ "chroots": chroots })).await.ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ending_chroots_are_extended_or_given_up() {
    let frontend = Frontend::start().await;
    let alice = frontend.member("alice").await.with_project("foo").await;
    let browser = frontend.browser("alice").await;
    let path = "/coprs/alice/foo/repositories/";
    assert!(browser.get(path).await.text.contains("Nothing is ending"));
    drop_to_first(&alice, "alice").await;
    end(&frontend, CHROOTS[3], false).await;
    let shown = browser.get(path).await.text;
    for text in ["dropped from the project", "built no more by the operators", "kept until you say otherwise"]
    {
        assert!(shown.contains(text), "{text} is missing in {shown}");
    }
    assert!(shown.contains(">6 days<") || shown.contains(">7 days<"), "{shown}");
    assert_taken(&browser.submit(path, path, &[("extend", CHROOTS[1])]).await, path);
    assert_eq!(
        (days(&alice, "alice", CHROOTS[1]).await, days(&alice, "alice", CHROOTS[3]).await),
        (Some(180), None)
    );
    assert_taken(&browser.submit(path, path, &[("expire", "all")]).await, path);
    assert_eq!(
        (days(&alice, "alice", CHROOTS[1]).await, days(&alice, "alice", CHROOTS[3]).await),
        (Some(0), Some(0))
    );
    assert!(browser.get(path).await.text.contains("Given up: 2 chroots."));
    assert_eq!(browser.submit(path, path, &[("extend", CHROOTS[0])]).await.status, 400, "it is built for");
    assert_eq!(browser.submit(path, path, &[]).await.status, 400);
    // Who takes it back has it for good.
    alice.send(Method::PUT, "/api_3/project/edit/alice/foo", &json!({ "chroots": CHROOTS[..2] })).await.ok();
    assert_eq!(days(&alice, "alice", CHROOTS[1]).await, None);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_ending_chroots_of_a_user_and_his_groups_stand_on_one_page() {
    let frontend = Frontend::start().await;
    let alice = frontend.member("alice").await.with_project("foo").await;
    let carol = frontend.member("carol").await.with_project("foo").await;
    group_project(&frontend, &alice).await;
    for owner in ["alice", "@tools"] {
        drop_to_first(&alice, owner).await;
    }
    drop_to_first(&carol, "carol").await;
    let browser = frontend.browser("alice").await;
    let path = "/user/repositories/";
    let shown = browser.get(path).await.text;
    for value in [
        format!("value=\"alice/foo/{}\"", CHROOTS[1]),
        format!("value=\"@tools/foo/{}\"", CHROOTS[1]),
        "value=\"@tools/foo/all\"".into(),
    ] {
        assert!(shown.contains(&value), "{value} is missing in {shown}");
    }
    assert!(!shown.contains("carol/foo"), "{shown}");
    assert_taken(&browser.submit(path, path, &[("extend", "@tools/foo/all")]).await, path);
    assert_eq!(
        (days(&alice, "@tools", CHROOTS[1]).await, days(&alice, "alice", CHROOTS[1]).await),
        (Some(180), Some(7))
    );
    assert_taken(
        &browser.submit(path, path, &[("expire", &format!("alice/foo/{}", CHROOTS[1]))]).await,
        path,
    );
    assert_eq!(days(&alice, "alice", CHROOTS[1]).await, Some(0));
    assert_taken(&browser.submit(path, path, &[("extend", "all")]).await, path);
    assert_eq!(days(&alice, "alice", CHROOTS[1]).await, Some(180));
    let foreign = format!("carol/foo/{}", CHROOTS[1]);
    assert_eq!(browser.submit(path, path, &[("expire", &foreign)]).await.status, 404);
    assert_eq!(days(&carol, "carol", CHROOTS[1]).await, Some(7));
    assert_login(&frontend.visitor().get("/user/repositories").await, "/user/repositories");
    assert_eq!(frontend.visitor().forge(path, &[("extend", "all")]).await.status, 403);
    frontend.close().await;
}
