//! Every page, as the people see it who may: no barriers, good HTML, a silent console, nothing wider than a phone, no
//! link into nothing, and every template used.

use std::collections::BTreeSet;

use coppice_kit::{Database, distro::CHROOT};
use serde_json::json;

use crate::{
    audit::{self, Findings},
    browser::{Browser, Raw, SOON},
    forms::{self, Form},
    links::Links,
    templates,
    world::{World, lends_a_session},
};

/// Who, and what: `{good}`, `{failed}`, `{worse}`, `{running}`, `{waiting}`, `{after}` are builds, `{batch}` is one, `{chroot}` is what they are built for.
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
    "/status/batches/detail/{batch}/",
    "/status/stats/",
    "/api/",
    "/api_3/docs",
    "/login/",
    "/signup/",
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
    "/coprs/alice/arm/build/{after}/",
    "/coprs/alice/tools/build/{worse}/",
    "/coprs/alice/tools/build/{worse}/compare/{chroot}/",
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
    "/groups/activate/builders/rust/?provider=gitlab",
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
    // A login that nobody began.
    (400, "/oidc_auth/?code=x&state=y"),
];

const FORBIDDEN: &[(u16, &str)] =
    &[(403, "/coprs/alice/tools/edit/"), (403, "/coprs/alice/tools/delete/"), (403, "/admin/")];

#[test]
fn every_page_is_whole_for_everybody_who_may_see_it() {
    let Some(world) = World::start(Database::Sqlite) else { return };
    let browser = Browser::open(&world.stack.url);
    audit::prepare(&browser);
    let mut tour = Tour { world: &world, browser: &browser, findings: Findings::default(), seen: vec![] };
    tour.goes_as(None, &all(VISITOR), forms::VISITOR);
    tour.goes_as(None, ERRORS, &[]);
    tour.comes_from_the_forge();
    tour.goes_as(Some("alice"), &all(MEMBER), forms::MEMBER);
    tour.goes_as(Some("bob"), &all(STRANGER), &[]);
    tour.goes_as(Some("bob"), FORBIDDEN, &[]);
    tour.goes_as(Some("ada"), &all(ADMIN), &[]);
    let Tour { mut findings, seen, .. } = tour;
    audit::validate(&seen, &mut findings);
    println!("pictures of {} pages: {}", seen.len(), audit::shots().display());
    for template in templates::unused(&world.stack) {
        findings.add(&template, "a template that no page of the list needs");
    }
    findings.assert_none();
    browser.close();
    world.close();
}

/// Pages that are there.
fn all(pages: &[&'static str]) -> Vec<(u16, &'static str)> {
    pages.iter().map(|page| (200, *page)).collect()
}

struct Tour<'a> {
    world: &'a World,
    browser: &'a Browser,
    findings: Findings,
    /// Names of the pages that came, each once.
    seen: Vec<String>,
}

impl Tour<'_> {
    fn becomes(&self, user: Option<&str>) {
        self.browser.goes("/");
        self.browser.forgets_all();
        if let Some(name) = user {
            lends_a_session(&self.world.stack, self.browser, name);
        }
    }

    fn goes_as(&mut self, user: Option<&str>, visits: &[(u16, &str)], forms: &[Form]) {
        self.becomes(user);
        let who = user.unwrap_or("visitor");
        let mut links = Links::default();
        let mut addresses = BTreeSet::new();
        for (status, page) in visits {
            let path = self.path(page);
            assert!(addresses.insert(path.clone()), "{path} is in the list twice");
            let name = format!("{who} {page}");
            if self.visits(&name, &path, *status) {
                links.gather(self.browser, &name);
            }
        }
        for form in forms {
            self.sends(who, form);
        }
        links.follow(self.browser, &mut self.findings);
    }

    /// Somebody is called alice there too: that name is taken here, and in the end it is the same person.
    fn comes_from_the_forge(&mut self) {
        self.world.forge.people(&json!({ "forge": {
            "/user": { "id": 7, "username": "alice", "email": "alice@example.com" },
            "/groups": [{ "full_path": "builders/rust" }],
        } }));
        self.becomes(None);
        self.browser.goes("/oidc_login/?provider=gitlab");
        assert_eq!(self.browser.path(), "/oidc_login/name/");
        self.visits("newcomer /oidc_login/name/", "/oidc_login/name/", 200);
        for form in forms::NEWCOMER {
            self.sends("newcomer", form);
        }
        lends_a_session(&self.world.stack, self.browser, "alice");
        let page = "/user/identities/pending/";
        self.visits(&format!("alice {page}"), page, 200);
        self.browser.presses("Connect it to my account");
        self.browser.reads("main", "GitLab", SOON);
        assert_eq!(self.browser.path().trim_end_matches('/'), "/user/account");
    }

    /// Whether there is such a page.
    fn visits(&mut self, name: &str, path: &str, status: u16) -> bool {
        if !self.keeps(name, &self.browser.raw(path), status) {
            return false;
        }
        self.browser.goes(path);
        self.looks(name, status);
        true
    }

    fn sends(&mut self, who: &str, form: &Form) {
        let name = format!("{who} {}", form.name);
        self.browser.goes(&self.path(form.page));
        self.browser.trusts_forms();
        for (field, value) in form.filled {
            self.browser.fills(field, &self.path(value));
        }
        if !self.keeps(&name, &self.browser.raw_of_form(form.button), form.status) {
            return;
        }
        self.browser.clicks(form.button);
        self.browser.find(form.shows);
        self.looks(&name, form.status);
    }

    /// Whether it is what was expected; the validator gets it as it came.
    fn keeps(&mut self, name: &str, raw: &Raw, status: u16) -> bool {
        if raw.status != status || !raw.kind.starts_with("text/html") {
            self.findings.add(name, format!("answers {} ({}), not {status}", raw.status, raw.kind));
            return false;
        }
        audit::keep(name, &raw.text);
        true
    }

    fn looks(&mut self, name: &str, status: u16) {
        if self.browser.count("main h1") != 1 || self.browser.count("h1") != 1 {
            self.findings.add(name, "has not exactly one h1, in main");
        }
        audit::look(self.browser, name, status, &mut self.findings);
        self.seen.push(name.to_owned());
    }

    fn path(&self, page: &str) -> String {
        let world = self.world;
        [
            ("{good}", world.good.to_string()),
            ("{failed}", world.failed.to_string()),
            ("{worse}", world.worse.to_string()),
            ("{running}", world.running.to_string()),
            ("{waiting}", world.waiting.to_string()),
            ("{after}", world.after.to_string()),
            ("{batch}", world.batch.to_string()),
            ("{chroot}", CHROOT.to_owned()),
        ]
        .iter()
        .fold(page.to_owned(), |path, (name, value)| path.replace(name, value))
    }
}
