//! The first page.

use coppice_model::{UnixTime, permission::PermissionState};
use coppice_store::{
    ChrootSettings, Roles, StoreError, groups, permissions, project_chroots, projects, users,
};
use serde_json::json;

use crate::{
    lists::{BAD, GOOD, Made, OPEN, has_one_heading, hides, link, shows},
    support::{CHROOTS, Frontend},
};

#[tokio::test(flavor = "multi_thread")]
async fn visitors_see_how_to_begin_and_what_is_new() {
    let frontend = Frontend::start().await;
    shows(&frontend.get("/").await, &["No project is listed here yet"]);
    let alice = frontend.member("alice").await.with_project("foo").await;
    let hidden = json!({ "name": "hidden", "chroots": [CHROOTS[0]], "unlisted_on_hp": true });
    alice.post("/api_3/project/add/alice", &hidden).await.ok();
    Made::of("foo", "bat", OPEN).put(&frontend).await;
    for path in ["/", "/coprs", "/coprs/", "/coprs/1/"] {
        let page = frontend.get(path).await;
        has_one_heading(&page);
        shows(
            &page,
            &[
                "action=\"/coprs/fulltext/\"",
                "sudo dnf copr enable copr.example/OWNER/PROJECT",
                "href=\"/coprs/alice/foo/\"",
                "1 chroot ·",
                "aria-label=\"1 running, 0 pending\"",
                "Build your own",
                "/login/?next=",
            ],
        );
        hides(&page, &["alice/hidden", "Needs you"]);
    }
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_projects_are_turned_over() {
    let frontend = Frontend::start().await;
    let mut alice = frontend.member("alice").await;
    for number in 0..25 {
        alice = alice.with_project(&format!("p{number:02}")).await;
    }
    let first = frontend.get("/").await;
    shows(&first, &["/alice/p24/", "/alice/p05/"]);
    hides(&first, &["/alice/p04/"]);
    assert_eq!(link(&first, "next"), "/coprs/2/");
    let second = frontend.get("/coprs/2/").await;
    shows(&second, &["/alice/p04/", "/alice/p00/"]);
    hides(&second, &["/alice/p05/", "rel=\"next\""]);
    assert_eq!(link(&second, "prev"), "/coprs/");
    assert_eq!(frontend.get("/coprs/99999999999999999999/").await.status, 200);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn users_see_their_projects_and_what_needs_them() {
    let frontend = Frontend::start().await;
    let alice = frontend.member("alice").await.with_project("foo").await.with_project("bar").await;
    frontend.member("bob").await.with_project("other").await;
    let group = frontend.store().write(|tx| {
        let group = groups::insert(tx, &"@sig".parse().unwrap(), UnixTime(1))?;
        let user = users::find_by_name(tx, "alice")?.unwrap();
        groups::insert_member(tx, &group, user.id)
    });
    group.await.unwrap();
    alice.post("/api_3/project/add/@sig", &json!({ "name": "staging", "chroots": [CHROOTS[0]] })).await.ok();
    Made { version: "0.44", ..Made::of("foo", "zellij", GOOD) }.put(&frontend).await;
    let bad = Made { version: "2.5", ..Made::of("bar", "zig", BAD) }.put(&frontend).await;
    let asked = frontend.store().write(|tx| {
        let bob = users::find_by_name(tx, "bob")?.unwrap();
        let foo = projects::find(tx, "alice", "foo")?.unwrap();
        permissions::put(tx, foo.id, bob.id, Roles { builder: PermissionState::Request, ..Roles::NONE })?;
        let chroot = project_chroots::find(tx, foo.id, CHROOTS[0])?.unwrap();
        let settings = ChrootSettings { delete_on: Some(UnixTime(4_000_000_000)), ..chroot.settings };
        project_chroots::update_settings(tx, chroot.id, &settings)?;
        Ok::<_, StoreError>(())
    });
    asked.await.unwrap();
    let page = frontend.browser("alice").await.get("/").await;
    has_one_heading(&page);
    shows(
        &page,
        &[
            "Your projects",
            "href=\"/coprs/alice/foo/\">foo<",
            "href=\"/coprs/g/sig/staging/\">@sig/staging<",
            "nothing built yet",
            "aria-label=\"1 succeeded\"",
            "1 chroot failed",
            &format!("href=\"/coprs/alice/bar/build/{bad}/\">zig 2.5-1<"),
            "bob asks for a role",
            "href=\"/coprs/alice/foo/permissions/\"",
            &format!("{} ends", CHROOTS[0]),
        ],
    );
    hides(&page, &["Build your own", ">other<"]);
    assert_eq!(page.header("cache-control"), "private, no-store");
    let bob = frontend.browser("bob").await.get("/").await;
    hides(&bob, &["1 chroot failed", "bob asks"]);
    shows(&bob, &["Nothing: no newest build failed"]);
    frontend.member("new").await;
    shows(&frontend.browser("new").await.get("/").await, &["You have no project yet", "/coprs/new/add/"]);
    frontend.close().await;
}
