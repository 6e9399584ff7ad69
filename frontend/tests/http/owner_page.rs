//! Pages of users and groups, and the forms for what they tell.

use coppice_model::UnixTime;
use coppice_store::{StoreError, groups, projects, users};
use serde_json::json;

use crate::{
    lists::{has_one_heading, hides, link, shows},
    support::{CHROOTS, Frontend},
};

async fn with_group(frontend: &Frontend) {
    let alice = frontend.member("alice").await.with_project("foo").await.with_project("bar").await;
    let group = frontend.store().write(|tx| {
        let group = groups::insert(tx, &"@sig".parse().unwrap(), UnixTime(1))?;
        let user = users::find_by_name(tx, "alice")?.unwrap();
        groups::insert_member(tx, &group, user.id)
    });
    group.await.unwrap();
    alice.post("/api_3/project/add/@sig", &json!({ "name": "builds", "chroots": [CHROOTS[0]] })).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_have_a_page_at_every_address_that_copr_has() {
    let frontend = Frontend::start().await;
    with_group(&frontend).await;
    for path in ["/coprs/alice", "/coprs/alice/", "/coprs/alice/1/"] {
        let page = frontend.get(path).await;
        has_one_heading(&page);
        shows(&page, &["2 projects", "href=\"/coprs/alice/foo/\"", "href=\"/coprs/alice/bar/\""]);
        hides(&page, &["/coprs/g/sig/", "/add/"]);
    }
    for path in ["/groups/g/sig/coprs/", "/groups/g/sig/coprs/1", "/coprs/g/sig/", "/coprs/@sig/"] {
        shows(&frontend.get(path).await, &["Group · 1 project", "href=\"/coprs/g/sig/builds/\""]);
    }
    // A project of a group that is called as a page of projects.
    shows(&frontend.get("/coprs/g/sig/builds/").await, &["copr.example/@sig/builds"]);
    shows(&frontend.get("/coprs/@sig/builds/builds/").await, &["Nothing was built yet"]);
    shows(&frontend.get("/coprs/g/sig/builds/monitor/").await, &["Nothing was built yet"]);
    for path in ["/coprs/nobody/", "/coprs/nobody/1/", "/groups/g/nope/coprs/", "/coprs/g/nope"] {
        assert_eq!(frontend.get(path).await.status, 404, "{path}");
    }
    let own = frontend.browser("alice").await;
    shows(&own.get("/coprs/alice/").await, &["/coprs/alice/add/", "/user/customize-profile/\""]);
    shows(&own.get("/coprs/g/sig/").await, &["/coprs/g/sig/add/", "/user/customize-profile/sig/"]);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_projects_are_turned_over() {
    let frontend = Frontend::start().await;
    let mut alice = frontend.member("alice").await;
    for number in 0..22 {
        alice = alice.with_project(&format!("p{number:02}")).await;
    }
    let first = frontend.get("/coprs/alice/").await;
    shows(&first, &["22 projects", "/alice/p21/", "/alice/p02/"]);
    hides(&first, &["/alice/p01/"]);
    let second = frontend.get(&link(&first, "next")).await;
    shows(&second, &["/alice/p01/", "/alice/p00/"]);
    hides(&second, &["rel=\"next\""]);
    assert_eq!(link(&second, "prev"), "/coprs/alice/");
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_is_written_by_its_owner_only() {
    let frontend = Frontend::start().await;
    with_group(&frontend).await;
    frontend.member("bob").await;
    let alice = frontend.browser("alice").await;
    let text = "## Hello <script>alert(1)</script>\n\n|a|b|\n|-|-|\n|1|2|\n";
    let path = "/user/customize-profile/";
    let saved = alice.submit(path, path, &[("text", text)]).await;
    assert_eq!((saved.status.as_u16(), saved.header("location")), (303, "/coprs/alice/"));
    let page = alice.get("/coprs/alice/").await;
    shows(&page, &["<h3>Hello &lt;script&gt;", "<td>2</td>", "The profile is saved."]);
    hides(&page, &["<script>alert"]);
    shows(&alice.get(path).await, &["## Hello &lt;script&gt;"]);
    let long = "x".repeat(20_001);
    let refused = alice.submit(path, path, &[("text", &long)]).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("At most 20000 characters") && refused.text.contains(&long));
    let group = "/user/customize-profile/sig";
    assert_eq!(alice.submit(group, group, &[("text", "We build")]).await.status, 303);
    shows(&frontend.get("/groups/g/sig/coprs").await, &["<p>We build</p>"]);
    let bob = frontend.browser("bob").await;
    assert_eq!(bob.get(group).await.status, 403);
    assert_eq!(bob.submit(path, group, &[("text", "We are bob")]).await.status, 403);
    assert_eq!(alice.forge(path, &[("text", "forged")]).await.status, 403);
    let visitor = frontend.get(path).await;
    assert_eq!(visitor.status, 302);
    assert!(visitor.header("location").starts_with("/login/?next="), "{}", visitor.header("location"));
    hides(&frontend.get("/coprs/alice/").await, &["forged"]);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn up_to_four_own_projects_are_pinned_in_order() {
    let frontend = Frontend::start().await;
    with_group(&frontend).await;
    frontend.member("bob").await.with_project("other").await;
    let ids = frontend.store().read(|conn| {
        let id = |conn: &mut _, owner: &str, name: &str| {
            Ok::<_, StoreError>(projects::find(conn, owner, name)?.unwrap().id.to_string())
        };
        Ok::<_, StoreError>([
            id(conn, "alice", "foo")?,
            id(conn, "@sig", "builds")?,
            id(conn, "bob", "other")?,
        ])
    });
    let [foo, group, other] = ids.await.unwrap();
    let alice = frontend.browser("alice").await;
    let path = "/user/customize-pinned/";
    shows(&alice.get(path).await, &["Place 4", ">@sig/builds<", ">alice/bar<"]);
    let pins =
        [("pinned", group.as_str()), ("pinned", ""), ("pinned", foo.as_str()), ("pinned", foo.as_str())];
    assert_eq!(alice.submit(path, path, &pins).await.status, 303);
    let page = frontend.get("/coprs/alice/").await;
    shows(&page, &["Pinned"]);
    let pinned = page.text.split("Pinned").nth(1).unwrap().split("h-a").next().unwrap();
    assert!(
        pinned.find("/g/sig/builds/") < pinned.find("/alice/foo/") && !pinned.contains("/alice/bar/"),
        "{pinned}"
    );
    let refused = alice.submit(path, path, &[("pinned", other.as_str())]).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("At most 4 projects of alice can be pinned"), "{}", refused.text);
    hides(&frontend.get("/coprs/alice/").await, &["bob/other"]);
    frontend.close().await;
}
