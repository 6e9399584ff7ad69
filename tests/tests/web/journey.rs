//! A person's first day: a project, a build that is watched, one that fails and says why, a helper, a fork, the end.

use std::time::Duration;

use coppice_kit::{Database, Stack, distro, distro::CHROOT};
use serde_json::json;

use crate::{
    audit::shots,
    browser::{Browser, SOON},
    world::stack_with,
};

const BUILT: Duration = Duration::from_secs(120);
const PASSWORD: &str = "four words are enough";

#[test]
fn a_project_is_made_built_shared_forked_and_deleted_in_the_browser() {
    let open = "[accounts]\nsign_up = \"open\"\n";
    let Some((stack, _turn)) = stack_with(Database::Postgres, open) else { return };
    person(&stack, "bob");
    let browser = Browser::open(&stack.url);
    signs_up(&browser, "alice");
    makes_a_project(&browser);
    watches_a_build_succeed(&browser, &stack);
    reads_why_a_build_failed(&browser, &stack);
    follows_a_log_to_its_end(&browser, &stack);
    logs_out(&browser);

    logs_in(&browser, "bob");
    asks_for_a_role(&browser);
    logs_out(&browser);
    logs_in(&browser, "alice");
    grants_the_role(&browser);
    logs_out(&browser);

    logs_in(&browser, "bob");
    may_build_now(&browser);
    forks(&browser);
    logs_out(&browser);
    logs_in(&browser, "alice");
    deletes_the_project(&browser);
    is_silent(&browser);
    browser.close();
    stack.close();
}

/// But for the one form that was sent incomplete on purpose: the browser says of each 400 that it is one.
fn is_silent(browser: &Browser) {
    let mut said = browser.complaints();
    said.retain(|line| !(line.contains("/coprs/alice/new/") && line.contains("status of 400")));
    assert_eq!(said, [""; 0], "the console stays silent all day");
}

fn person(stack: &Stack, name: &str) {
    stack.manage(&["user-add", name]);
    let file = stack.scratch().join(format!("password-of-{name}"));
    std::fs::write(&file, PASSWORD).unwrap();
    stack.manage(&["set-password", name, "--file", &file.display().to_string()]);
}

fn signs_up(browser: &Browser, name: &str) {
    browser.goes("/login/");
    browser.follows("Create one");
    browser.types("name", name);
    browser.types("password", PASSWORD);
    browser.types("password_again", PASSWORD);
    browser.presses("Create the account");
    browser.find(".menu summary");
}

/// From where a visitor stands, and back there.
fn logs_in(browser: &Browser, name: &str) {
    browser.goes("/explore/");
    browser.follows("Log in");
    browser.types("user", name);
    browser.types("password", PASSWORD);
    browser.presses("Log in");
    browser.find(".menu summary");
    assert_eq!(browser.path().trim_end_matches('/'), "/explore", "who logs in comes back");
}

fn logs_out(browser: &Browser) {
    browser.clicks(".menu summary");
    browser.presses("Log out");
    browser.find("header a[href^='/login/']");
}

fn makes_a_project(browser: &Browser) {
    browser.clicks("header a[href='/coprs/alice/add/']");
    // First wrong, then right: what was typed stays.
    browser.types("name", "tools");
    browser.types("description", "Programs that *greet*.");
    browser.trusts_forms();
    browser.presses("Create project");
    browser.reads("main", "chroot", SOON);
    assert_eq!(browser.attribute("[name=name]", "value").as_deref(), Some("tools"));
    browser.ticks("chroots", CHROOT);
    browser.presses("Create project");
    browser.reads("h1", "tools", SOON);
    assert_eq!(browser.path(), "/coprs/alice/tools/");
    assert!(browser.text("main").contains("Programs that greet."), "the description is Markdown");
}

fn submits(browser: &Browser, source: &std::path::Path) {
    browser.goes("/coprs/alice/tools/add_build_upload/");
    browser.attaches("pkgs", source);
    browser.presses("Submit the build");
    browser.find("h1");
}

fn watches_a_build_succeed(browser: &Browser, stack: &Stack) {
    submits(browser, &distro::srpm("noarch-hello", stack.scratch()));
    opens_the_newest_build(browser);
    browser.runs("window.__same = true");
    browser.reads(&chroot_state(), "succeeded", BUILT);
    assert_eq!(browser.runs("return window.__same === true"), json!(true), "the page was not loaded again");
    browser.reads("main", "noarch-hello", SOON);
    browser.pictures(&shots().join("journey-succeeded.png"));
    browser.goes("/coprs/alice/tools/");
    assert!(browser.text("main").contains("dnf copr enable"), "the project says how to use it");
}

/// The build's state in the only chroot, as the page marks it for live changes.
fn chroot_state() -> String {
    format!("[id='c-{CHROOT}-s']")
}

fn opens_the_newest_build(browser: &Browser) {
    if !browser.path().contains("/build/") {
        browser.clicks("main tbody a[href*='/build/']");
    }
    browser.find(&chroot_state());
}

fn reads_why_a_build_failed(browser: &Browser, stack: &Stack) {
    submits(browser, &distro::srpm("broken", stack.scratch()));
    opens_the_newest_build(browser);
    browser.reads(&chroot_state(), "failed", BUILT);
    browser.clicks(&format!("main a[href*='/log/{CHROOT}/']"));
    browser.reads("#log", "exit", SOON);
    let shown = browser.text(".msg[data-s=fail]");
    assert!(!shown.is_empty());
    browser.clicks(".msg[data-s=fail] a");
    browser.find("#log .l.on");
    let first = browser.text("#log .l.e");
    assert!(first.contains("exit"), "the first error line is marked: {first}");
    browser.pictures(&shots().join("journey-log.png"));
}

/// Stages, reason and end come to an open page by themselves.
fn follows_a_log_to_its_end(browser: &Browser, stack: &Stack) {
    submits(browser, &distro::srpm("never-ends", stack.scratch()));
    opens_the_newest_build(browser);
    browser.reads(&chroot_state(), "running", BUILT);
    let build = browser.path().trim_end_matches('/').rsplit('/').next().unwrap().to_owned();
    browser.goes(&format!("/coprs/alice/tools/build/{build}/log/{CHROOT}/"));
    browser.runs("window.__same = true");
    browser.reads("#log", "sleeping until killed", BUILT);
    browser.reads("#p-stages", "%build", SOON);
    browser.reads("#end", "still writing", SOON);
    stack.manage(&["fail-build", &build]);
    browser.reads("#p-head", "failed", BUILT);
    browser.reads("#end", "End of the log", SOON);
    browser.find("#p-stages [data-s=fail]");
    assert_eq!(browser.runs("return window.__same === true"), json!(true), "the page was not loaded again");
}

fn asks_for_a_role(browser: &Browser) {
    browser.goes("/coprs/alice/tools/permissions/");
    assert_eq!(browser.count("main a[href$='/add_build/']"), 0, "a stranger cannot build");
    browser.ticks("builder", "true");
    browser.presses("Send");
    browser.reads("main", "asks", SOON);
}

fn grants_the_role(browser: &Browser) {
    browser.goes("/coprs/alice/tools/permissions/");
    browser.clicks("button[name=approve][value=bob]");
    browser.find("header");
    browser.goes("/coprs/alice/tools/permissions/");
    assert_eq!(browser.count("button[name=approve]"), 0, "nobody asks any more");
}

fn may_build_now(browser: &Browser) {
    browser.goes("/coprs/alice/tools/");
    browser.find("main a[href$='/add_build/']");
}

fn forks(browser: &Browser) {
    browser.goes("/coprs/alice/tools/fork/");
    browser.types("name", "mine");
    browser.presses("Fork project");
    browser.reads("h1", "mine", SOON);
    browser.goes("/coprs/bob/mine/builds/");
    browser.reads("main", "noarch-hello", SOON);
}

fn deletes_the_project(browser: &Browser) {
    browser.goes("/coprs/alice/tools/delete/");
    browser.types("verify", "tools");
    browser.presses("Delete alice/tools");
    browser.find("h1");
    assert_eq!(browser.raw("/coprs/alice/tools/").status, 404);
    assert_eq!(browser.raw("/coprs/bob/mine/").status, 200, "the fork stays");
}
