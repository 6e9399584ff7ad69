//! Times in the zone that a user chose, for browsers without scripts.

use super::people::{PASSWORD, with_password};
use crate::{
    browser::{Browser, between},
    support::Frontend,
};

const ACCOUNT: &str = "/user/account/";

/// What the account page says that it is now: exact for scripts, and as read.
async fn now(browser: &Browser<'_>) -> (String, String) {
    let page = browser.get(ACCOUNT).await.text;
    let shown = between(&page, "It is <time datetime=\"", "</time>");
    let (exact, read) = shown.split_once("\" data-exact>").unwrap();
    (exact.to_owned(), read.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn times_are_told_in_the_zone_of_the_account_and_for_visitors_in_utc() {
    let frontend = Frontend::start().await;
    with_password(&frontend, "alice", false).await;
    let alice = frontend.visitor();
    alice.log_in("alice", PASSWORD).await;
    let page = alice.get(ACCOUNT).await.text;
    assert!(page.contains("<option value=\"\">as my browser says</option>") && !page.contains("data-zone"));
    assert!(page.contains("<optgroup label=\"Europe\"><option>Europe/Amsterdam</option>"), "{page}");
    assert!(now(&alice).await.1.ends_with(" UTC"));

    let chosen = alice.submit(ACCOUNT, "/user/zone/", &[("zone", "Asia/Kolkata")]).await;
    assert_eq!(chosen.status, 303);
    let page = alice.get(ACCOUNT).await.text;
    assert!(page.contains("Times are told for Asia/Kolkata from now on."), "{page}");
    assert!(page.contains("<option selected>Asia/Kolkata</option>"), "{page}");
    assert!(page.contains("<body data-zone=\"Asia/Kolkata\">"), "the script leaves what the server wrote");
    let (exact, read) = now(&alice).await;
    assert!(exact.ends_with('Z') && read.ends_with(" IST"), "{exact} {read}");
    // Alice was made one second after all began.
    let own = "datetime=\"1970-01-01T00:00:01Z\" data-exact>1970-01-01 05:30 IST<";
    assert!(alice.get("/coprs/alice/").await.text.contains(own));
    let visitors = frontend.get("/coprs/alice/").await.text;
    assert!(
        visitors.contains("data-exact>1970-01-01 00:00 UTC<") && !visitors.contains("data-zone"),
        "{visitors}"
    );

    assert_eq!(alice.submit(ACCOUNT, "/user/zone/", &[("zone", "")]).await.status, 303);
    assert!(now(&alice).await.1.ends_with(" UTC"));
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_zones_that_there_are_and_only_by_the_form() {
    let frontend = Frontend::start().await;
    with_password(&frontend, "alice", false).await;
    let alice = frontend.visitor();
    let visitor = alice.submit("/login/", "/user/zone/", &[("zone", "UTC")]).await;
    assert_eq!((visitor.status.as_u16(), visitor.header("location").starts_with("/login/")), (302, true));
    alice.log_in("alice", PASSWORD).await;
    for zone in ["Mars/Olympus", "../../etc/passwd", "+01:00"] {
        let refused = alice.submit(ACCOUNT, "/user/zone/", &[("zone", zone)]).await;
        assert_eq!(refused.status, 400, "{zone}");
        assert!(refused.text.contains("There is no time zone"), "{}", refused.text);
    }
    assert_eq!(alice.forge("/user/zone/", &[("zone", "UTC")]).await.status, 403);
    // An older name of a zone is one too.
    assert_eq!(alice.submit(ACCOUNT, "/user/zone/", &[("zone", "europe/berlin")]).await.status, 303);
    let data = alice.get("/user/info/download/").await.json();
    assert_eq!(data["zone"], "Europe/Berlin");
    frontend.close().await;
}
