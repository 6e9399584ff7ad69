//! Lists of builds and packages, and the page of a package.

use coppice_model::{
    PackageName, UnixTime,
    package::{Nevra, SourceHeader},
    state::{ChrootState, SourceState},
};
use coppice_store::{
    Build, BuildChroot, BuildOptions, BuildSource, StoreError, build_chroots, builds, built_packages,
    packages, projects, users,
};

use crate::support::{Answer, CHROOTS, Frontend};

/// A build as it is to stand in the database.
pub struct Made<'a> {
    pub owner: &'a str,
    pub project: &'a str,
    pub dir: &'a str,
    pub package: &'a str,
    pub version: &'a str,
    pub states: &'a [(&'a str, ChrootState)],
}

impl<'a> Made<'a> {
    pub fn of(project: &'a str, package: &'a str, states: &'a [(&'a str, ChrootState)]) -> Self {
        Self { owner: "alice", project, dir: project, package, version: "1.0", states }
    }

    /// Returns its id.
    pub async fn put(self, frontend: &Frontend) -> i64 {
        let own = |text: &str| text.to_owned();
        let (owner, project, dir) = (own(self.owner), own(self.project), own(self.dir));
        let (package, version) = (own(self.package), own(self.version));
        let states: Vec<(String, ChrootState)> =
            self.states.iter().map(|(name, state)| (own(name), *state)).collect();
        let stored = frontend.store().write(move |tx| {
            let user = users::find_by_name(tx, &owner)?.unwrap();
            let project = projects::find(tx, &owner, &project)?.unwrap();
            let source =
                BuildSource::Link { url: format!("https://example.com/{package}-{version}-1.src.rpm") };
            packages::ensure(tx, project.id, &package.parse().unwrap(), &source, UnixTime(1))?;
            let options = BuildOptions {
                timeout_s: 1,
                is_background: false,
                enable_net: None,
                bootstrap: None,
                isolation: None,
            };
            let row = builds::NewBuildRow {
                project: project.id,
                dir: dir.parse().unwrap(),
                package: Some(package.parse().unwrap()),
                submitter: user.id,
                source,
                source_state: SourceState::Succeeded,
                options,
                batch: None,
            };
            let id = builds::insert(tx, &row, UnixTime(1_790_000_000))?;
            let before = builds::find(tx, id)?.unwrap().build;
            let name = package.parse().unwrap();
            let header = header(name, version.clone());
            builds::update_source(tx, &before, &Build { header: Some(header), ..before.clone() })?;
            for (chroot, state) in states {
                let fresh = build_chroots::insert(tx, id, &chroot.parse().unwrap())?;
                let after = BuildChroot {
                    state,
                    started_on: Some(UnixTime(10)),
                    ended_on: Some(UnixTime(75)),
                    ..fresh.clone()
                };
                build_chroots::update(tx, &fresh, &after)?;
                let (version, arch) = (version.clone(), "x86_64".into());
                let nevra =
                    Nevra { name: package.clone(), epoch: Some(2), version, release: "1.fc43".into(), arch };
                if state == ChrootState::Succeeded {
                    built_packages::insert(tx, fresh.id, &[nevra])?;
                }
            }
            Ok::<_, StoreError>(id.0)
        });
        stored.await.unwrap()
    }
}

fn header(name: PackageName, version: String) -> SourceHeader {
    let (exclusive_arch, exclude_arch) = (vec![], vec![]);
    SourceHeader { name, epoch: None, version, release: "1".into(), exclusive_arch, exclude_arch }
}

pub const GOOD: &[(&str, ChrootState)] = &[(CHROOTS[0], ChrootState::Succeeded)];
pub const BAD: &[(&str, ChrootState)] = &[(CHROOTS[0], ChrootState::Failed)];
pub const OPEN: &[(&str, ChrootState)] = &[(CHROOTS[0], ChrootState::Running)];

/// Without the frame around it, which says little of what went wrong.
fn content(page: &Answer) -> &str {
    let (_, rest) = page.text.split_once("<main").unwrap_or(("", &page.text));
    rest.split("</main>").next().unwrap()
}

#[track_caller]
pub fn shows(page: &Answer, parts: &[&str]) {
    assert_eq!(page.status, 200, "{}", content(page));
    for part in parts {
        assert!(page.text.contains(part), "{part} is missing in\n{}", content(page));
    }
}

#[track_caller]
pub fn hides(page: &Answer, parts: &[&str]) {
    for part in parts {
        assert!(!page.text.contains(part), "{part} is in\n{}", content(page));
    }
}

/// Every page has one heading of the first rank.
#[track_caller]
pub fn has_one_heading(page: &Answer) {
    assert_eq!(page.text.matches("<h1").count(), 1, "{}", content(page));
}

/// Where the link with this text leads.
#[track_caller]
pub fn link(page: &Answer, rel: &str) -> String {
    let (before, _) = page
        .text
        .split_once(&format!("\" rel=\"{rel}\""))
        .unwrap_or_else(|| panic!("no {rel} in {}", page.text));
    before.rsplit("href=\"").next().unwrap().replace("&amp;", "&")
}

#[tokio::test(flavor = "multi_thread")]
async fn builds_are_filtered_by_state_directory_and_words() {
    let frontend = Frontend::start().await;
    frontend.member("alice").await.with_project("foo").await;
    let good = Made::of("foo", "bat", GOOD).put(&frontend).await;
    let bad = Made { version: "7.1", ..Made::of("foo", "zellij", BAD) }.put(&frontend).await;
    let open = Made { dir: "foo:pr:12", ..Made::of("foo", "helix", OPEN) }.put(&frontend).await;
    let at = "/coprs/alice/foo/builds/";
    let row = |id: i64| format!("id=\"b-{id}\"");
    let all = frontend.get(at).await;
    shows(&all, &[&row(good), &row(bad), &row(open), "1 failed", ":pr:12", "1 min 5 s", "7.1-1", ">alice<"]);
    has_one_heading(&all);
    hides(&all, &["cancel_builds", "type=\"checkbox\""]);
    for (query, shown) in [
        ("?state=failed", bad),
        ("?state=active", open),
        ("?state=running", open),
        ("?state=succeeded", good),
        ("?dirname=foo:pr:12", open),
        ("?q=ZELL", bad),
        ("?q=zell+7.1", bad),
        ("?q=alice+bat", good),
    ] {
        let page = frontend.get(&format!("{at}{query}")).await;
        shows(&page, &[&row(shown)]);
        assert_eq!(page.text.matches("id=\"b-").count(), 1, "{query}\n{}", page.text);
    }
    for query in ["?q=version", "?q=100%25", "?q=a_t", "?q=%3Cscript%3E", "?state=canceled", "?dirname=nope"]
    {
        let page = frontend.get(&format!("{at}{query}")).await;
        shows(&page, &["No build matches"]);
        hides(&page, &["<script>\""]);
    }
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_builds_are_turned_over_page_by_page() {
    let frontend = Frontend::start().await;
    frontend.member("alice").await.with_project("foo").await;
    let mut ids = Vec::new();
    for _ in 0..230 {
        ids.push(Made::of("foo", "bat", GOOD).put(&frontend).await);
    }
    let on = |page: &Answer| -> Vec<i64> {
        page.text
            .split("id=\"b-")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap().parse().unwrap())
            .collect()
    };
    ids.reverse();
    let at = "/coprs/alice/foo/builds/";
    let first = frontend.get(at).await;
    assert_eq!(on(&first), ids[..100]);
    hides(&first, &["rel=\"prev\""]);
    let second = frontend.get(&format!("{at}{}", link(&first, "next"))).await;
    assert_eq!(on(&second), ids[100..200]);
    let third = frontend.get(&format!("{at}{}", link(&second, "next"))).await;
    assert_eq!(on(&third), ids[200..]);
    hides(&third, &["rel=\"next\""]);
    let back = frontend.get(&format!("{at}{}", link(&third, "prev"))).await;
    assert_eq!(on(&back), ids[100..200]);
    let start = frontend.get(&format!("{at}{}", link(&back, "prev"))).await;
    assert_eq!(on(&start), ids[..100]);
    hides(&start, &["rel=\"prev\""]);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_build_chooses_builds_to_cancel_or_delete() {
    let frontend = Frontend::start().await;
    frontend.member("alice").await.with_project("foo").await;
    frontend.member("bob").await;
    let id = Made::of("foo", "bat", GOOD).put(&frontend).await;
    let page = frontend.browser("alice").await.get("/coprs/alice/foo/builds").await;
    shows(
        &page,
        &[
            "action=\"/coprs/alice/foo/cancel_builds/\"",
            "formaction=\"/coprs/alice/foo/delete_builds/\"",
            &format!("name=\"build_ids\" value=\"{id}\""),
            "name=\"csrf_token\"",
        ],
    );
    hides(&frontend.browser("bob").await.get("/coprs/alice/foo/builds").await, &["cancel_builds"]);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn packages_show_their_newest_build() {
    let frontend = Frontend::start().await;
    frontend.member("alice").await.with_project("foo").await;
    Made::of("foo", "zellij", GOOD).put(&frontend).await;
    let newest = Made { version: "2.0", ..Made::of("foo", "zellij", BAD) }.put(&frontend).await;
    Made { dir: "foo:pr:1", version: "9", ..Made::of("foo", "zellij", GOOD) }.put(&frontend).await;
    Made::of("foo", "bat", GOOD).put(&frontend).await;
    let page = frontend.get("/coprs/alice/foo/packages").await;
    shows(
        &page,
        &["2.0-1", &format!("/coprs/alice/foo/build/{newest}/"), "/coprs/alice/foo/package/zellij/"],
    );
    hides(&page, &["9-1", "New package"]);
    has_one_heading(&page);
    assert!(page.text.find(">bat<") < page.text.find(">zellij<"), "{}", page.text);
    let found = frontend.get("/coprs/alice/foo/packages/?q=ell").await;
    shows(&found, &[">zellij<"]);
    hides(&found, &[">bat<"]);
    shows(&frontend.get("/coprs/alice/foo/packages/?q=%25").await, &["No package matches"]);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_packages_are_turned_over_by_name() {
    let frontend = Frontend::start().await;
    frontend.member("alice").await.with_project("foo").await;
    for number in 0..120 {
        Made::of("foo", &format!("pkg-{number:03}"), GOOD).put(&frontend).await;
    }
    let at = "/coprs/alice/foo/packages/";
    let first = frontend.get(at).await;
    shows(&first, &[">pkg-000<", ">pkg-099<"]);
    hides(&first, &[">pkg-100<", "rel=\"prev\""]);
    let second = frontend.get(&format!("{at}{}", link(&first, "next"))).await;
    shows(&second, &[">pkg-100<", ">pkg-119<"]);
    hides(&second, &[">pkg-099<", "rel=\"next\""]);
    let back = frontend.get(&format!("{at}{}", link(&second, "prev"))).await;
    shows(&back, &[">pkg-000<", ">pkg-099<"]);
    hides(&back, &["rel=\"prev\""]);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_tells_where_it_is_from_and_how_it_does() {
    let frontend = Frontend::start().await;
    let alice = frontend.member("alice").await.with_project("foo").await;
    let states = [(CHROOTS[0], ChrootState::Failed), (CHROOTS[2], ChrootState::Succeeded)];
    let id = Made { version: "3.1", ..Made::of("foo", "bat", &states) }.put(&frontend).await;
    let body = serde_json::json!({
        "clone_url": "https://example.com/zig.git", "committish": "main", "script": "x",
        "max_builds": 3, "webhook_rebuild": true
    });
    alice.post("/api_3/package/add/alice/foo/zig/scm", &body).await.ok();
    let page = frontend.get("/coprs/alice/foo/package/bat").await;
    has_one_heading(&page);
    shows(
        &page,
        &[
            "https://example.com/bat-3.1-1.src.rpm",
            &format!("/coprs/alice/foo/build/{id}/"),
            CHROOTS[2],
            "data-s=\"fail\"",
            "http://copr.example:8080/coprs/alice/foo/package/bat/status_image/last_build.png",
        ],
    );
    hides(&page, &["/edit\"", "/delete\""]);
    let own = frontend.browser("alice").await.get("/coprs/alice/foo/package/zig/").await;
    let forms =
        ["/coprs/alice/foo/package/zig/rebuild\"", "/coprs/alice/foo/package/zig/edit\"", "/delete\""];
    shows(&own, &forms);
    shows(
        &own,
        &["https://example.com/zig.git", "main", "the newest 3", "builds by itself", "Not built yet"],
    );
    assert_eq!(frontend.get("/coprs/alice/foo/package/nope/").await.status, 404);
    frontend.close().await;
}
