//! With JavaScript switched off everything can be read, and forms work.

use coppice_kit::{Database, distro::CHROOT};

use crate::{
    browser::{Browser, SOON},
    world::{World, lends_a_session},
};

#[test]
fn without_javascript_pages_read_and_forms_work() {
    let Some(world) = World::start(Database::Postgres) else { return };
    let browser = Browser::without_scripts(&world.stack.url);
    for (path, words) in [
        ("/".to_owned(), "alice"),
        ("/coprs/fulltext/?fulltext=tools".to_owned(), "alice/tools"),
        ("/coprs/alice/tools/".to_owned(), "dnf copr enable"),
        ("/coprs/alice/tools/builds/".to_owned(), "noarch-hello"),
        (format!("/coprs/alice/tools/build/{}/", world.good), "succeeded"),
        (format!("/coprs/alice/tools/build/{}/", world.failed), "failed"),
        (format!("/coprs/alice/tools/build/{}/log/{CHROOT}/", world.failed), "exit 3"),
        ("/coprs/alice/tools/monitor/".to_owned(), "noarch-hello"),
    ] {
        browser.goes(&path);
        browser.reads("main", words, SOON);
        assert_eq!(browser.shown(".js"), 0, "{path} shows what needs scripts");
    }
    lends_a_session(&world.stack, &browser, "alice");
    a_project_is_made(&browser);
    browser.close();
    world.close();
}

fn a_project_is_made(browser: &Browser) {
    browser.goes("/coprs/alice/add/");
    browser.types("name", "plain");
    browser.ticks("chroots", CHROOT);
    browser.presses("Create project");
    browser.reads("h1", "plain", SOON);
    assert_eq!(browser.path(), "/coprs/alice/plain/");
}
