//! Lists know the words of a build's page; the API keeps Copr's.

use coppice_model::{messages::Progress, state::Stage};

use crate::{
    build_timeline::until_says,
    building::{alice, start, uploaded},
    support::CHROOTS,
};

/// Pages that list a build of `alice/foo`.
const LISTS: [&str; 6] = [
    "/coprs/alice/foo/",
    "/coprs/alice/foo/builds/",
    "/coprs/alice/foo/packages/",
    "/coprs/alice/foo/package/hello/",
    "/coprs/alice/foo/monitor/",
    "/recent/",
];

#[tokio::test(flavor = "multi_thread")]
async fn lists_tell_publishing_and_retrying_from_running_and_pending() {
    let (frontend, others) = start().await;
    let alice = alice(&frontend).await;
    let build = uploaded(&frontend, &alice).await;
    build.imports(100).await;
    build.runs(1, 110).await;
    build.is_lost(1, 170).await;
    for list in LISTS.into_iter().chain(["/status/pending/"]) {
        let page = frontend.get(list).await.text;
        assert!(page.contains(">retrying"), "{list}: {page}");
    }
    build.runs(2, 180).await;
    build.progresses(2, Progress::Stage { stage: Stage::Signing }, 300).await;
    until_says(&frontend, &build.page(), "signing").await;
    for list in LISTS.into_iter().chain(["/status/running/"]) {
        let page = frontend.get(list).await.text;
        assert!(page.contains(">signing"), "{list}: {page}");
    }
    build.progresses(2, Progress::Stage { stage: Stage::Publishing }, 301).await;
    until_says(&frontend, &build.page(), "publishing").await;
    for list in LISTS.into_iter().chain(["/status/running/"]) {
        let page = frontend.get(list).await.text;
        assert!(page.contains(">publishing"), "{list}: {page}");
    }
    let chroot = format!("/api_3/build-chroot?build_id={}&chrootname={}", build.id, CHROOTS[0]);
    for path in [
        format!("/api_3/build/{}", build.id),
        "/api_3/monitor?ownername=alice&projectname=foo".to_owned(),
        chroot,
    ] {
        let told = frontend.get(&path).await.text;
        assert!(told.contains("\"running\"") && !told.contains("\"state\":\"publishing\""), "{path}: {told}");
    }
    frontend.close().await;
    others.close().await;
}
