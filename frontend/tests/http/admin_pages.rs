//! The pages for admins of the server.

use coppice_model::{ProjectRef, UnixTime};
use coppice_store::{
    NewLegalFlag, Notice, StoreError, legal_flags, mock_chroots, notice, plain, sessions, users,
};

use crate::{
    build_forms::{alice_with_foo, leads_to, stands_at},
    support::{CHROOTS, Frontend, until},
};

/// A user who may change everything.
async fn root(frontend: &Frontend) {
    let made =
        frontend.store().write(|tx| users::insert(tx, &"root".parse().unwrap(), None, true, UnixTime(1)));
    made.await.map_err(|error: StoreError| error).unwrap();
}

async fn is_admin(frontend: &Frontend, name: &'static str) -> bool {
    let found = frontend.store().read(move |conn| users::find_by_name(conn, name));
    found.await.map_err(|error: StoreError| error).unwrap().unwrap().is_admin
}

const PAGES: [&str; 5] =
    ["/admin/", "/admin/legal-flag/", "/admin/chroots/", "/admin/users/", "/admin/notice/"];

#[tokio::test(flavor = "multi_thread")]
async fn only_admins_of_the_server_come_in() {
    let frontend = Frontend::start().await;
    root(&frontend).await;
    frontend.member("alice").await.with_project("foo").await;
    let (visitor, alice, root) =
        (frontend.visitor(), frontend.browser("alice").await, frontend.browser("root").await);
    for page in PAGES {
        let away = visitor.get(page).await;
        assert_eq!(away.status, 302, "{page}");
        assert!(away.header("location").starts_with("/login/?next=%2Fadmin"), "{page}");
        let refused = alice.get(page).await;
        assert!(refused.status == 403 && refused.text.contains("admins of the server only"), "{page}");
        let shown = root.get(page).await;
        assert!(shown.status == 200 && shown.text.matches("<h1").count() == 1, "{page} {}", shown.text);
    }
    let posts = [
        ("/admin/legal-flag/1/resolve/", "action", "x"),
        (&*format!("/admin/chroots/{}/", CHROOTS[0]), "action", "deactivate"),
        ("/admin/users/alice/", "action", "admin"),
        ("/admin/notice/", "text", "mine"),
    ];
    for (action, field, value) in posts {
        assert_eq!(
            alice.submit("/coprs/alice/foo/add_build/", action, &[(field, value)]).await.status,
            403,
            "{action}"
        );
        assert_eq!(root.forge(action, &[(field, value)]).await.status, 403, "{action}");
    }
    assert!(!is_admin(&frontend, "alice").await);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_are_read_and_resolved_once() {
    let frontend = Frontend::start().await;
    root(&frontend).await;
    alice_with_foo(&frontend).await;
    let told = frontend.store().write(|tx| {
        let alice = users::find_by_name(tx, "alice")?.unwrap();
        let new = NewLegalFlag {
            project: ProjectRef { owner: "alice".parse().unwrap(), name: "foo".parse().unwrap() },
            reporter: alice.id,
            message: "<b>stolen</b> sources".into(),
        };
        legal_flags::insert(tx, &new, UnixTime(5))
    });
    told.await.map_err(|error: StoreError| error).unwrap();
    let browser = frontend.browser("root").await;
    assert!(browser.get("/admin/").await.text.contains("1 report waits"));
    let page = browser.get("/admin/legal-flag/").await.text;
    assert!(
        page.contains("1 open") && page.contains("&lt;b&gt;stolen") && page.contains("/coprs/alice/foo/"),
        "{page}"
    );
    let resolve = "/admin/legal-flag/1/resolve/";
    assert_eq!(leads_to(&browser.submit("/admin/legal-flag/", resolve, &[]).await), "/admin/legal-flag/");
    let page = browser.get("/admin/legal-flag/").await.text;
    assert!(
        page.contains("Report 1 is resolved.") && page.contains("0 open") && page.contains("<td>root</td>"),
        "{page}"
    );
    assert_eq!(browser.submit("/admin/legal-flag/", resolve, &[]).await.status, 404);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chroots_are_switched_and_commented_as_with_manage() {
    let frontend = Frontend::start().await;
    root(&frontend).await;
    let alice = alice_with_foo(&frontend).await;
    let browser = frontend.browser("root").await;
    let page = "/admin/chroots/";
    let action = format!("{page}{}/", CHROOTS[0]);
    let comment = [("action", "comment"), ("comment", "<i>until May</i>")];
    assert_eq!(leads_to(&browser.submit(page, &action, &comment).await), page);
    let shown = browser.get(page).await.text;
    assert!(shown.contains("&lt;i&gt;until May") && !shown.contains("<i>until"), "{shown}");
    leads_to(&browser.submit(page, &action, &[("action", "deactivate")]).await);
    let list = alice.get("/api_3/mock-chroots/list").await.ok();
    assert!(list.get(CHROOTS[0]).is_none(), "{list}");
    leads_to(&browser.submit(page, &action, &[("action", "activate")]).await);
    leads_to(&browser.submit(page, &action, &[("action", "eol")]).await);
    let known = frontend.store().read(|conn| mock_chroots::find(conn, CHROOTS[0]));
    let known = known.await.map_err(|error: StoreError| error).unwrap().unwrap();
    assert!(!known.is_active && known.comment.starts_with("EOL since "), "{known:?}");
    assert_eq!(browser.submit(page, &action, &[("action", "burn")]).await.status, 400);
    assert_eq!(browser.submit(page, "/admin/chroots/plan9-4-x86_64/", &comment).await.status, 400);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_found_made_admins_and_logged_out() {
    let frontend = Frontend::start().await;
    root(&frontend).await;
    for name in ["alice", "bob"] {
        frontend.member(name).await;
    }
    let alice = frontend.browser("alice").await;
    let browser = frontend.browser("root").await;
    let found = browser.get("/admin/users/?q=LIC").await.text;
    assert!(found.contains("/coprs/alice/") && !found.contains("/coprs/bob/"), "{found}");
    assert!(browser.get("/admin/users/?q=%25").await.text.contains("No name holds “%”."));
    let page = "/admin/users/";
    leads_to(&browser.submit(page, "/admin/users/alice/", &[("action", "admin")]).await);
    assert!(is_admin(&frontend, "alice").await);
    assert_eq!(alice.get("/admin/").await.status, 200);
    leads_to(&browser.submit(page, "/admin/users/alice/", &[("action", "no_admin")]).await);
    assert!(!is_admin(&frontend, "alice").await);
    let own = browser.submit(page, "/admin/users/root/", &[("action", "no_admin")]).await;
    assert!(own.status == 400 && is_admin(&frontend, "root").await, "{}", own.text);
    leads_to(&browser.submit(page, "/admin/users/alice/", &[("action", "log_out")]).await);
    assert!(browser.get(page).await.text.contains("1 sessions of alice were ended."));
    assert_eq!(alice.get("/recent/my/").await.status, 302);
    assert_eq!(browser.submit(page, "/admin/users/nobody/", &[("action", "admin")]).await.status, 404);
    let counted = frontend.store().read(|conn| {
        let root = users::find_by_name(conn, "root")?.unwrap();
        sessions::count(conn, &[root.id])
    });
    assert_eq!(counted.await.map_err(|error: StoreError| error).unwrap().values().sum::<i64>(), 1);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_stands_on_every_page_until_it_is_taken_away() {
    let frontend = Frontend::start().await;
    root(&frontend).await;
    let browser = frontend.browser("root").await;
    let page = "/admin/notice/";
    let text = "<script>alert(1)</script>\r\nDisk is full";
    assert_eq!(leads_to(&browser.submit(page, page, &[("text", text)]).await), page);
    let home = frontend.get("/").await.text;
    assert!(
        home.contains("&lt;script&gt;") && home.contains("Disk is full") && !home.contains("<script>alert"),
        "{home}"
    );
    let shown = browser.get(page).await.text;
    assert!(shown.contains("Set by root"), "{shown}");
    let long = "x".repeat(501);
    let back = browser.submit(page, page, &[("text", &long)]).await;
    stands_at(&back, "text", "501 characters");
    assert!(back.text.contains(&long));
    leads_to(&browser.submit(page, page, &[("text", "")]).await);
    let home = frontend.get("/").await.text;
    assert!(!home.contains("class=\"notice\""), "{home}");
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_that_another_frontend_stored_is_shown_here_too() {
    let frontend = Frontend::start().await;
    let stored = frontend.store().write(|tx| {
        let new =
            Notice { text: "From elsewhere".into(), set_by: "root".parse().unwrap(), set_at: UnixTime(1) };
        notice::set(tx, &Notice { text: "Older".into(), ..new.clone() })?;
        notice::set(tx, &new)
    });
    stored.await.map_err(|error: StoreError| error).unwrap();
    until("the notice", || async { frontend.get("/").await.text.contains("From elsewhere").then_some(()) })
        .await;
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn actions_that_failed_are_told_with_their_reason() {
    let frontend = Frontend::start().await;
    root(&frontend).await;
    alice_with_foo(&frontend).await;
    let text = "UPDATE actions SET state = 'failure', error = 'no <space> left', ended_on = created_at;";
    let done = frontend.store().write(move |tx| plain::run(tx, text));
    done.await.map_err(|error: StoreError| error).unwrap();
    let page = frontend.browser("root").await.get("/admin/").await.text;
    assert!(
        page.contains("no &lt;space&gt; left")
            && page.contains("create key")
            && page.contains("/coprs/alice/foo/"),
        "{page}"
    );
    frontend.close().await;
}
