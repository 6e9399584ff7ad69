//! Permissions, forks, deletions and reports: what people do with projects of others and of their own.

use coppice_store::{Page, StoreError, legal_flags};
use serde_json::{Value, json};

use crate::{
    forms_world::{assert_login, assert_refused, assert_taken, group_project, problem_at},
    support::{Frontend, Member},
};

const PERMISSIONS: &str = "/coprs/alice/foo/permissions/";
const ASK: &str = "/coprs/alice/foo/permissions_applier_change/";
const DECIDE: &str = "/coprs/alice/foo/update_permissions/";

async fn roles(alice: &Member<'_>, user: &str) -> Value {
    alice.get("/api_3/project/permissions/get/alice/foo").await.ok()["permissions"][user].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_is_asked_for_approved_and_given_up() {
    let frontend = Frontend::start().await;
    let alice = frontend.member("alice").await.with_project("foo").await;
    frontend.member("bob").await;
    let (owner, bob) = (frontend.browser("alice").await, frontend.browser("bob").await);
    let shown = frontend.visitor().get(PERMISSIONS).await;
    assert_eq!(shown.status, 200);
    assert!(shown.text.contains("/login/?next=%2Fcoprs%2Falice%2Ffoo%2Fpermissions"), "{}", shown.text);
    assert_taken(&bob.submit(PERMISSIONS, ASK, &[("builder", "true")]).await, PERMISSIONS);
    assert_eq!(roles(&alice, "bob").await, json!({ "builder": "request", "admin": "nothing" }));
    assert!(bob.get(PERMISSIONS).await.text.contains("You asked for it"));
    let shown = owner.get(PERMISSIONS).await.text;
    assert!(
        shown.contains("1 request waits for you") && shown.contains("name=\"approve\" value=\"bob\""),
        "{shown}"
    );
    let all = [("builder.bob", "request"), ("admin.bob", "nothing"), ("approve", "bob")];
    assert_taken(&owner.submit(PERMISSIONS, DECIDE, &all).await, PERMISSIONS);
    assert_eq!(roles(&alice, "bob").await, json!({ "builder": "approved", "admin": "nothing" }));
    assert_taken(&owner.submit(PERMISSIONS, DECIDE, &[("admin.bob", "approved")]).await, PERMISSIONS);
    assert!(bob.get(PERMISSIONS).await.text.contains("name=\"builder.bob\""), "an admin decides now");
    // Without a box checked, both roles are given up.
    assert_taken(&bob.submit(PERMISSIONS, ASK, &[]).await, PERMISSIONS);
    assert_eq!(roles(&alice, "bob").await, json!({ "builder": "nothing", "admin": "nothing" }));
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_is_added_removed_and_told_when_there_is_nobody() {
    let frontend = Frontend::start().await;
    let alice = frontend.member("alice").await.with_project("foo").await;
    frontend.member("bob").await;
    let owner = frontend.browser("alice").await;
    let add = async |user: &str, role: &str| {
        owner.submit(PERMISSIONS, DECIDE, &[("user", user), (role, "true")]).await
    };
    let answer = add("nobody", "builder").await;
    assert_refused(&answer, &["user"]);
    assert!(problem_at(&answer, "user").starts_with("There is no user ‘nobody’ here."), "{}", answer.text);
    assert!(answer.text.contains("value=\"nobody\""));
    assert_refused(&add("alice", "builder").await, &["user"]);
    assert_refused(&add("bob", "none").await, &["user"]);
    assert_taken(&add("bob", "admin").await, PERMISSIONS);
    assert_eq!(roles(&alice, "bob").await, json!({ "builder": "nothing", "admin": "approved" }));
    let all = [("builder.bob", "nothing"), ("admin.bob", "approved"), ("remove", "bob")];
    assert_taken(&owner.submit(PERMISSIONS, DECIDE, &all).await, PERMISSIONS);
    assert_eq!(roles(&alice, "bob").await, json!({ "builder": "nothing", "admin": "nothing" }));
    assert_eq!(owner.submit(PERMISSIONS, DECIDE, &[("builder.bob", "king")]).await.status, 400);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_goes_after_its_name_was_typed_and_the_page_says_what_goes() {
    let frontend = Frontend::start().await;
    let alice = frontend.member("alice").await;
    group_project(&frontend, &alice).await;
    let browser = frontend.browser("alice").await;
    let path = "/coprs/g/tools/foo/delete/";
    let shown = browser.get(path).await.text;
    assert!(
        shown.contains("<dt>Builds</dt><dd class=\"big m0\">0</dd>")
            && shown.contains("It cannot be brought back."),
        "{shown}"
    );
    let answer = browser.submit(path, path, &[("verify", "fo")]).await;
    assert_refused(&answer, &["verify"]);
    assert_eq!(problem_at(&answer, "verify"), "Type foo or yes: then it goes.");
    alice.get("/api_3/project?ownername=@tools&projectname=foo").await.ok();
    assert_taken(&browser.submit(path, path, &[("verify", "foo")]).await, "/groups/g/tools/coprs/");
    assert_eq!(alice.get("/api_3/project?ownername=@tools&projectname=foo").await.status, 404);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_with_running_builds_stays() {
    let frontend = Frontend::start().await;
    let alice = frontend.member("alice").await.with_project("foo").await;
    alice.submits("foo").await;
    let browser = frontend.browser("alice").await;
    let path = "/coprs/alice/foo/delete/";
    let answer = browser.submit(path, path, &[("verify", "yes")]).await;
    assert_eq!(answer.status, 400, "{}", answer.text);
    assert!(answer.text.contains("role=\"alert\""), "{}", answer.text);
    alice.get("/api_3/project?ownername=alice&projectname=foo").await.ok();
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_is_forked_to_oneself_or_to_a_group() {
    let frontend = Frontend::start().await;
    frontend.member("alice").await.with_project("foo").await;
    let bob = frontend.member("bob").await;
    frontend.group("tools", &["bob"]).await;
    let browser = frontend.browser("bob").await;
    let path = "/coprs/alice/foo/fork/";
    let shown = browser.get(path).await.text;
    assert!(shown.contains("<option value=\"@tools\">") && shown.contains("value=\"foo\""), "{shown}");
    let fork = async |owner: &str, name: &str, more: &[(&str, &str)]| {
        let mut fields = vec![("ownername", owner), ("name", name)];
        fields.extend(more);
        browser.submit(path, path, &fields).await
    };
    assert_taken(&fork("bob", "copy", &[]).await, "/coprs/bob/copy/");
    assert_taken(&fork("@tools", "foo", &[]).await, "/coprs/g/tools/foo/");
    bob.get("/api_3/project?ownername=@tools&projectname=foo").await.ok();
    let again = fork("bob", "copy", &[]).await;
    assert_refused(&again, &["confirm"]);
    assert!(again.text.contains("value=\"copy\""));
    assert_taken(&fork("bob", "copy", &[("confirm", "true")]).await, "/coprs/bob/copy/");
    assert_refused(&fork("alice", "mine", &[]).await, &["ownername"]);
    assert_refused(&fork("bob", "a b", &[]).await, &["name"]);
    assert_refused(&fork("bob", "", &[]).await, &["name"]);
    assert_login(&frontend.visitor().get("/coprs/alice/foo/fork").await, "/coprs/alice/foo/fork");
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_waits_for_the_operators() {
    let frontend = Frontend::start().await;
    frontend.member("alice").await.with_project("foo").await;
    frontend.member("eve").await;
    let eve = frontend.browser("eve").await;
    let (shown, action) = ("/coprs/alice/foo/report-abuse", "/coprs/alice/foo/legal_flag/");
    assert_login(&frontend.visitor().get(shown).await, shown);
    let empty = eve.submit(shown, action, &[("comment", " \n")]).await;
    assert_refused(&empty, &["comment"]);
    let long = "x".repeat(10_001);
    assert_refused(&eve.submit(shown, action, &[("comment", &long)]).await, &["comment"]);
    assert_taken(&eve.submit(shown, action, &[("comment", "Holds <codec>.")]).await, "/coprs/alice/foo/");
    let open = frontend.store().read(|conn| legal_flags::list_open(conn, Page::ALL)).await;
    let open = open.map_err(|error: StoreError| error).unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!(
        (open[0].project.to_string().as_str(), open[0].message.as_str()),
        ("alice/foo", "Holds <codec>.")
    );
    assert_eq!(open[0].reporter.as_ref().unwrap().as_str(), "eve");
    frontend.close().await;
}
