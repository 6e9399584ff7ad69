//! Every page, as the people see it who may: no barriers, good HTML, a silent console, nothing wider than a phone, no
//! link into nothing, and every template used.

use std::{collections::BTreeSet, path::Path};

use coppice_kit::{Database, distro::CHROOT};

use crate::{
    audit::{self, Findings},
    browser::Browser,
    links::Links,
    templates,
    world::{World, lends_a_session},
};

/// Who, and what: `{good}`, `{failed}`, `{running}`, `{waiting}` are builds, `{chroot}` is what they are built for.
/// Addresses of the page map come with their trailing slash.
const VISITOR: &[&str] = &[
    "/",
    "/coprs/",
    "/coprs/fulltext/?fulltext=tools",
    "/coprs/fulltext/?fulltext=nothing-is-called-so",
    "/coprs/packages/search/?name=noarch-hello",
    "/explore/",
    "/recent/",
    "/recent/all/",
    "/status/",
    "/status/pending/",
    "/status/pending/all/",
    "/status/importing/",
    "/status/starting/",
    "/status/running/",
    "/status/batches/",
    "/status/stats/",
    "/api/",
    "/api_3/docs",
    "/login/",
    "/coprs/alice/",
    "/groups/g/team/coprs/",
    "/coprs/alice/tools/",
    "/coprs/alice/empty/",
    "/coprs/g/team/shared/",
    "/coprs/g/team/shared/builds/",
    "/coprs/alice/tools/packages/",
    "/coprs/alice/empty/packages/",
    "/coprs/alice/tools/package/noarch-hello/",
    "/coprs/alice/tools/package/greet/",
    "/coprs/alice/tools/builds/",
    "/coprs/alice/empty/builds/",
    "/coprs/alice/tools/build/{good}/",
    "/coprs/alice/tools/build/{failed}/",
    "/coprs/alice/tools/build/{running}/",
    "/coprs/alice/arm/build/{waiting}/",
    "/coprs/alice/tools/build/{good}/log/{chroot}/",
    "/coprs/alice/tools/build/{failed}/log/{chroot}/",
    "/coprs/alice/tools/build/{failed}/log/{chroot}/?q=exit",
    "/coprs/alice/tools/build/{running}/log/{chroot}/",
    "/coprs/alice/tools/build/{good}/log/source/",
    "/coprs/alice/tools/monitor/",
    "/coprs/alice/tools/monitor/detailed/",
    "/coprs/alice/empty/monitor/",
    "/coprs/alice/tools/forks/",
    "/coprs/alice/tools/permissions/",
    "/coprs/alice/tools/snapshots/{chroot}/",
    "/coprs/bob/mine/",
    "/coprs/bob/mine/builds/",
];

/// Of a member, who owns `tools`.
const MEMBER: &[&str] = &[
    "/",
    "/api/",
    "/recent/my/",
    "/coprs/alice/",
    "/groups/list/my/",
    "/user/info/",
    "/user/account/",
    "/user/tokens/",
    "/user/repositories/",
    "/user/customize-pinned/",
    "/user/customize-profile/",
    "/coprs/alice/add/",
    "/coprs/g/team/add/",
    "/coprs/alice/new-fedora-review/",
    "/coprs/alice/tools/",
    "/coprs/alice/empty/",
    "/coprs/alice/tools/builds/",
    "/coprs/alice/tools/build/{good}/",
    "/coprs/alice/tools/build/{failed}/",
    "/coprs/alice/tools/build/{running}/",
    "/coprs/alice/tools/add_build/",
    "/coprs/alice/tools/add_build_upload/",
    "/coprs/alice/tools/add_build_scm/",
    "/coprs/alice/tools/add_build_distgit/",
    "/coprs/alice/tools/add_build_pypi/",
    "/coprs/alice/tools/add_build_rubygems/",
    "/coprs/alice/tools/add_build_custom/",
    "/coprs/alice/tools/repeat_build/{good}/",
    "/coprs/alice/tools/packages/rebuild-all/",
    "/coprs/alice/tools/package/noarch-hello/",
    "/coprs/alice/tools/package/add/",
    "/coprs/alice/tools/package/add/pypi/",
    "/coprs/alice/tools/package/add/rubygems/",
    "/coprs/alice/tools/package/add/custom/",
    "/coprs/alice/tools/package/add/distgit/",
    "/coprs/alice/tools/package/greet/edit/",
    "/coprs/alice/tools/package/greet/rebuild/",
    "/coprs/alice/tools/edit/",
    "/coprs/alice/tools/edit_chroot/{chroot}/",
    "/coprs/alice/tools/permissions/",
    "/coprs/alice/tools/integrations/",
    "/coprs/alice/tools/repositories/",
    "/coprs/alice/tools/delete/",
    "/coprs/bob/mine/fork/",
    "/coprs/bob/mine/report-abuse/",
    "/logout/",
];

/// Of somebody who wants a role.
const STRANGER: &[&str] =
    &["/coprs/alice/tools/", "/coprs/alice/tools/permissions/", "/coprs/alice/tools/fork/"];

/// Of who runs the server.
const ADMIN: &[&str] = &[
    "/",
    "/admin/",
    "/admin/legal-flag/",
    "/admin/chroots/",
    "/admin/users/",
    "/admin/notice/",
    "/admin/invitations/",
];

/// Errors are pages too.
const ERRORS: &[(u16, &str)] = &[
    (404, "/no/such/page"),
    (404, "/coprs/alice/nothing/"),
    (404, "/coprs/alice/tools/build/999999/"),
    (404, "/coprs/nobody/"),
    // Nobody signs up unless the operator opens it.
    (403, "/signup/"),
];

const FORBIDDEN: &[(u16, &str)] =
    &[(403, "/coprs/alice/tools/edit/"), (403, "/coprs/alice/tools/delete/"), (403, "/admin/")];

/// Pages that a post, a login provider or another configuration leads to, and the tests over HTTP that show them.
const ELSEWHERE: &[(&str, &str)] = &[
    ("accounts/activate.html", "accounts/oidc.rs"),
    ("accounts/connect.html", "accounts/oidc.rs"),
    ("accounts/newcomer.html", "accounts/oidc.rs"),
    ("accounts/signup.html", "accounts/passwords.rs"),
    ("accounts/stopped.html", "accounts/oidc.rs"),
    ("batch.html", "queue_pages.rs"),
    ("build_compare.html", "build_page.rs"),
    ("bulk.html", "bulk_pages.rs"),
    ("package_delete.html", "package_forms.rs"),
];

#[test]
fn every_page_is_whole_for_everybody_who_may_see_it() {
    let Some(world) = World::start(Database::Sqlite) else { return };
    let browser = Browser::open(&world.stack.url);
    let mut tour = Tour { world: &world, browser: &browser, findings: Findings::default(), seen: vec![] };
    let visits = |pages: &[&'static str]| pages.iter().map(|page| (200, *page)).collect::<Vec<_>>();
    tour.goes_as(None, &visits(VISITOR));
    tour.goes_as(None, ERRORS);
    tour.goes_as(Some("alice"), &visits(MEMBER));
    tour.goes_as(Some("bob"), &visits(STRANGER));
    tour.goes_as(Some("bob"), FORBIDDEN);
    tour.goes_as(Some("ada"), &visits(ADMIN));
    let Tour { mut findings, seen, .. } = tour;
    audit::validate(&seen, &mut findings);
    println!("pictures of {} pages: {}", seen.len(), audit::shots().display());
    let unused = templates::unused(&world.stack);
    for template in unused.iter().filter(|name| ELSEWHERE.iter().all(|(elsewhere, _)| elsewhere != name)) {
        findings.add(template, "a template that no page of the list needs");
    }
    for (template, test) in ELSEWHERE {
        assert!(
            unused.iter().any(|name| name == template),
            "{template} is reached here: it needs no exception"
        );
        let http = Path::new(env!("CARGO_MANIFEST_DIR")).join("../frontend/tests/http").join(test);
        assert!(http.exists(), "{} shows {template} no more", http.display());
    }
    findings.assert_none();
    browser.close();
    world.close();
}

struct Tour<'a> {
    world: &'a World,
    browser: &'a Browser,
    findings: Findings,
    /// Names of the pages that came, each once.
    seen: Vec<String>,
}

impl Tour<'_> {
    fn goes_as(&mut self, user: Option<&str>, visits: &[(u16, &str)]) {
        self.browser.goes("/");
        self.browser.forgets_all();
        if let Some(name) = user {
            lends_a_session(&self.world.stack, self.browser, name);
        }
        let mut links = Links::default();
        let mut addresses = BTreeSet::new();
        for (status, page) in visits {
            let path = self.path(page);
            assert!(addresses.insert(path.clone()), "{path} is in the list twice");
            let name = format!("{} {page}", user.unwrap_or("visitor"));
            if self.visits(&name, &path, *status) {
                links.gather(self.browser, &name);
            }
        }
        links.follow(self.browser, &mut self.findings);
    }

    /// Whether there is such a page.
    fn visits(&mut self, name: &str, path: &str, status: u16) -> bool {
        let raw = self.browser.raw(path);
        if raw.status != status || !raw.kind.starts_with("text/html") {
            self.findings.add(name, format!("answers {} ({}), not {status}", raw.status, raw.kind));
            return false;
        }
        audit::keep(name, &raw.text);
        self.browser.goes(path);
        if self.browser.count("main h1") != 1 || self.browser.count("h1") != 1 {
            self.findings.add(name, "has not exactly one h1, in main");
        }
        audit::look(self.browser, name, status, &mut self.findings);
        self.seen.push(name.to_owned());
        true
    }

    fn path(&self, page: &str) -> String {
        let world = self.world;
        [
            ("{good}", world.good.to_string()),
            ("{failed}", world.failed.to_string()),
            ("{running}", world.running.to_string()),
            ("{waiting}", world.waiting.to_string()),
            ("{chroot}", CHROOT.to_owned()),
        ]
        .iter()
        .fold(page.to_owned(), |path, (name, value)| path.replace(name, value))
    }
}
