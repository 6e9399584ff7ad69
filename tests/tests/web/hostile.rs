//! What strangers write stays text: in descriptions, in logs, in addresses.

use coppice_kit::{Database, Member, distro::CHROOT};
use serde_json::{Value, json};

use crate::{
    browser::Browser,
    world::{pack, stack},
};

/// Each would set `window.__owned` or open an alert if it came to life.
const MARKUP: &str = "<script>window.__owned=1</script><img src=x onerror=\"window.__owned=2\">\
    <svg onload=alert(3)>'\"><a href=\"javascript:window.__owned=4\">press me</a>\
    [press](javascript:window.__owned=5) ![x](x\" onerror=\"window.__owned=6) {{ 7 * 7 }}{% raw %} \u{202e}drawkcab\u{202c}";

/// A build log with what terminals and browsers could take for orders.
const SPEC: &str = r#"Name: nasty
Version: 1.0
Release: 1
Summary: <script>window.__owned=7</script>
License: MIT
BuildArch: noarch
%description
<script>window.__owned=8</script>
%build
printf '<script>window.__owned=9</script><img src=x onerror="window.__owned=10">\n'
printf '\033]8;;javascript:window.__owned=11\033\\link\033]8;;\033\\ \033]0;title\007\033[31mred\033[0m\n'
printf 'nul \000 end, bad \377\376 bytes, \342\200\256drawkcab\342\200\254\n'
printf 'error: <b onclick="window.__owned=12">nothing works</b>\n' >&2
exit 1
%files
"#;

#[test]
fn hostile_texts_stay_texts() {
    let Some((stack, _turn)) = stack(Database::Sqlite) else { return };
    let alice = stack.member("alice");
    let build = nasty_project(&alice, &pack("nasty", SPEC, stack.scratch()));
    let browser = Browser::open(&stack.url);
    for path in [
        "/".to_owned(),
        "/coprs/alice/".to_owned(),
        "/coprs/alice/nasty/".to_owned(),
        "/coprs/alice/nasty/builds/".to_owned(),
        "/coprs/alice/nasty/packages/".to_owned(),
        "/coprs/alice/nasty/monitor/".to_owned(),
        format!("/coprs/alice/nasty/build/{build}/"),
        format!("/coprs/alice/nasty/build/{build}/log/{CHROOT}/"),
        format!(
            "/coprs/alice/nasty/build/{build}/log/{CHROOT}/?q=%3Cscript%3Ewindow.__owned%3D13%3C/script%3E"
        ),
        "/coprs/fulltext/?fulltext=%22%3E%3Cscript%3Ewindow.__owned%3D14%3C/script%3E".to_owned(),
        "/coprs/alice/nasty/package/%3Cscript%3Ewindow.__owned%3D15%3C%2Fscript%3E/".to_owned(),
        "/coprs/%3Cimg%20src=x%20onerror=window.__owned=16%3E/nasty/".to_owned(),
        "/login/?next=javascript:window.__owned=17".to_owned(),
    ] {
        browser.goes(&path);
        is_inert(&browser, &path);
    }
    the_description_is_shown_as_it_was_written(&browser);
    the_log_shows_what_it_cannot_print(&browser, build);
    browser.close();
    stack.close();
}

fn nasty_project(alice: &Member, source: &std::path::Path) -> i64 {
    alice.copr(&["create", "nasty", "--chroot", CHROOT]).ok();
    let words = json!({ "description": MARKUP, "instructions": MARKUP, "contact": "a@example.org" });
    let (status, body) = alice.asks("POST", "project/edit/alice/nasty", Some(&words));
    assert_eq!(status, 200, "{body}");
    let build = alice.submits("nasty", source);
    alice.waits_for(build, &["failed"]);
    build
}

fn is_inert(browser: &Browser, path: &str) {
    assert_eq!(browser.alert(), None, "{path} opened an alert");
    assert_eq!(
        browser.runs("return window.__owned ?? null"),
        Value::Null,
        "{path} ran what a stranger wrote"
    );
    let alive = browser.runs(
        "return [...document.querySelectorAll('*')].flatMap(e => [...e.attributes]
            .filter(a => /^on/i.test(a.name) || /^\\s*javascript:/i.test(a.value)).map(a => a.name + '=' + a.value))
            .concat([...document.scripts].filter(s => !s.src).map(s => s.textContent))",
    );
    assert_eq!(alive, json!([]), "{path} holds live code");
    let refused: Vec<String> =
        browser.complaints().into_iter().filter(|said| said.contains("Content Security Policy")).collect();
    assert_eq!(refused, [""; 0], "{path}: the policy had to step in");
}

fn the_description_is_shown_as_it_was_written(browser: &Browser) {
    browser.goes("/coprs/alice/nasty/");
    let text = browser.text("main");
    assert!(text.contains("<script>window.__owned=1</script>") && text.contains("{{ 7 * 7 }}"), "{text}");
}

fn the_log_shows_what_it_cannot_print(browser: &Browser, build: i64) {
    browser.goes(&format!("/coprs/alice/nasty/build/{build}/log/{CHROOT}/"));
    let text = browser.runs("return document.getElementById('log').textContent");
    let text = text.as_str().unwrap();
    assert!(text.contains("<script>window.__owned=9</script>"), "{text}");
    assert!(
        !text.contains(['\u{1b}', '\0', '\u{7}', '\u{202e}']),
        "control characters reach the page: {text}"
    );
}
