//! Settings of projects and of their chroots, changed in the browser.

use reqwest::{
    Method,
    multipart::{Form, Part},
};
use serde_json::json;

use crate::{
    browser::{Browser, form_token},
    forms_world::{assert_login, assert_refused, assert_taken, group_project, problem_at},
    support::{Answer, CHROOTS, Frontend},
};

const EDIT: &str = "/coprs/alice/foo/edit/";
const UPDATE: &str = "/coprs/alice/foo/update/";
const COMPS: &str = "<?xml version=\"1.0\"?>\n<comps><group><id>tools</id></group></comps>\n";

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_shown_as_they_are_and_saved_as_they_were_typed() {
    let frontend = Frontend::start().await;
    let alice = frontend.member("alice").await.with_project("foo").await;
    let before = json!({
        "enable_net": true, "multilib": true, "repo_priority": 5, "delete_after_days": 20,
        "additional_repos": ["https://example.org/a/", "https://example.org/b/"]
    });
    alice.send(Method::PUT, "/api_3/project/edit/alice/foo", &before).await.ok();
    let browser = frontend.browser("alice").await;
    let shown = browser.get(EDIT).await.text;
    for text in [
        "name=\"enable_net\" value=\"true\" checked",
        "https://example.org/a/\nhttps://example.org/b/</textarea>",
        "id=\"f-repo_priority\" name=\"repo_priority\"",
        "value=\"5\"",
        "value=\"20\"",
        &format!("href=\"/coprs/alice/foo/edit_chroot/{}/\"", CHROOTS[0]),
        &format!("value=\"{}\" checked", CHROOTS[0]),
        "action=\"/coprs/id/1/createrepo/\"",
    ] {
        assert!(shown.contains(text), "{text} is missing in {shown}");
    }
    let fields = [
        ("description", "new"),
        ("chroots", CHROOTS[1]),
        ("devel_mode", "true"),
        ("homepage", ""),
        ("additional_repos", ""),
        ("repo_priority", ""),
        ("delete_after_days", ""),
        ("bootstrap", "off"),
        ("isolation", "default"),
    ];
    assert_taken(&browser.submit(EDIT, UPDATE, &fields).await, EDIT);
    assert!(browser.get(EDIT).await.text.contains("Saved."), "the next page says so");
    let project = alice.get("/api_3/project?ownername=alice&projectname=foo").await.ok();
    for (key, value) in [
        ("description", json!("new")),
        ("enable_net", json!(false)),
        ("devel_mode", json!(true)),
        ("auto_prune", json!(true)),
        ("additional_repos", json!([])),
        ("repo_priority", json!(null)),
        ("bootstrap", json!("off")),
    ] {
        assert_eq!(project[key], value, "{key}");
    }
    assert_eq!(project["chroot_repos"].as_object().unwrap().keys().collect::<Vec<_>>(), [CHROOTS[1]]);
    let shown = browser.get(EDIT).await.text;
    let goes = |days: u8| shown.contains(&format!("dropped, its results go in {days} days"));
    assert!(goes(6) || goes(7), "{shown}");
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_settings_come_back_and_change_nothing() {
    let frontend = Frontend::start().await;
    let alice = frontend.member("alice").await.with_project("foo").await;
    let path = "/api_3/project?ownername=alice&projectname=foo";
    let before = alice.get(path).await.ok();
    let browser = frontend.browser("alice").await;
    let wrong = [
        ("description", "typed"),
        ("chroots", "fedora-1-x86_64"),
        ("homepage", "example.org"),
        ("repo_priority", "high"),
        ("runtime_dependencies", "copr://nobody/nothing"),
    ];
    let answer = browser.submit(EDIT, UPDATE, &wrong).await;
    assert_refused(&answer, &["repo_priority"]);
    assert_eq!(problem_at(&answer, "repo_priority"), "‘high’ is no whole number.");
    let mut wrong = wrong.to_vec();
    wrong[3] = ("repo_priority", "0");
    let answer = browser.submit(EDIT, UPDATE, &wrong).await;
    assert_refused(&answer, &["chroots", "homepage", "repo_priority", "runtime_dependencies"]);
    assert!(problem_at(&answer, "homepage").contains("Did you mean https://example.org?"));
    assert!(
        answer.text.contains("typed</textarea>") && answer.text.contains("copr://nobody/nothing</textarea>")
    );
    let none = browser.submit(EDIT, UPDATE, &[("description", "typed")]).await;
    assert_refused(&none, &["chroots"]);
    assert_eq!(alice.get(path).await.ok(), before);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn repositories_are_made_anew_by_a_button() {
    let frontend = Frontend::start().await;
    let alice = frontend.member("alice").await.with_project("foo").await;
    let actions = async || {
        let all = alice.get("/api_3/project/actions?ownername=alice&projectname=foo").await;
        all.text.matches("\"publish\"").count()
    };
    let browser = frontend.browser("alice").await;
    let before = actions().await;
    let answer = browser.submit(EDIT, "/coprs/id/1/createrepo/", &[]).await;
    assert_taken(&answer, "/coprs/alice/foo/");
    assert_eq!(actions().await, before + 1);
    assert_eq!(browser.submit(EDIT, "/coprs/id/99/createrepo/", &[]).await.status, 404);
    frontend.close().await;
}

/// As a browser sends it: the fields, and the file or none.
async fn send_chroot(
    browser: &Browser<'_>,
    at: (&str, &str),
    fields: &[(&'static str, &'static str)],
    comps: &'static str,
) -> Answer {
    let token = form_token(&browser.get(at.0).await.text);
    let form = fields
        .iter()
        .fold(Form::new().text("csrf_token", token), |form, (name, value)| form.text(*name, *value));
    let name = if comps.is_empty() { "" } else { "groups.xml" };
    let form = form.part("upload_comps", Part::text(comps).file_name(name));
    browser.send(browser.request(Method::POST, at.1).multipart(form)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chroot_has_its_own_settings_and_groups() {
    let frontend = Frontend::start().await;
    let alice = frontend.member("alice").await;
    group_project(&frontend, &alice).await;
    let browser = frontend.browser("alice").await;
    let chroot = CHROOTS[0];
    let (edit, update) = (
        format!("/coprs/g/tools/foo/edit_chroot/{chroot}/"),
        format!("/coprs/g/tools/foo/update_chroot/{chroot}/"),
    );
    let api = format!("/api_3/project-chroot?ownername=@tools&projectname=foo&chrootname={chroot}");
    let fields = [
        ("additional_packages", "gcc\nmake"),
        ("additional_repos", "https://example.org/a/"),
        ("additional_modules", "a:b\n!c:d"),
        ("with_opts", "x"),
        ("without_opts", "y z"),
        ("bootstrap", "image"),
        ("bootstrap_image", "registry.example.org/base:43"),
        ("isolation", "simple"),
    ];
    assert_taken(&send_chroot(&browser, (&edit, &update), &fields, COMPS).await, &edit);
    let set = alice.get(&api).await.ok();
    for (key, value) in [
        ("additional_packages", json!(["gcc", "make"])),
        ("additional_modules", json!(["a:b", "!c:d"])),
        ("without_opts", json!(["y", "z"])),
        ("isolation", json!("simple")),
        ("comps_name", json!("groups.xml")),
    ] {
        assert_eq!(set[key], value, "{key}");
    }
    let shown = browser.get(&edit).await.text;
    assert!(
        shown.contains("gcc\nmake</textarea>") && shown.contains("<option value=\"image\" selected>"),
        "{shown}"
    );
    let comps = format!("/coprs/g/tools/foo/chroot/{chroot}/comps/");
    let raw = frontend.get(&comps).await;
    let file = format!("{}/@tools/foo/{chroot}/comps.xml", crate::support::RESULTS);
    assert_eq!((raw.status.as_u16(), raw.header("location")), (302, file.as_str()));
    let dropped =
        send_chroot(&browser, (&edit, &update), &[("delete_comps", "true"), ("additional_packages", "")], "")
            .await;
    assert_taken(&dropped, &edit);
    let set = alice.get(&api).await.ok();
    assert_eq!((&set["comps_name"], &set["additional_packages"]), (&json!(null), &json!([])));
    assert_eq!(frontend.get(&comps).await.status, 404);
    assert_eq!(frontend.uploads(), 0, "uploads are not kept");
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_chroot_cannot_be_stands_at_its_field() {
    let frontend = Frontend::start().await;
    frontend.member("alice").await.with_project("foo").await;
    let browser = frontend.browser("alice").await;
    let (edit, update) = (
        format!("/coprs/alice/foo/edit_chroot/{}/", CHROOTS[0]),
        format!("/coprs/alice/foo/update_chroot/{}/", CHROOTS[0]),
    );
    let wrong = [
        ("additional_packages", "--installroot=/"),
        ("additional_repos", "htps://example.org/"),
        ("additional_modules", "bad"),
        ("with_opts", "kept"),
        ("bootstrap_image", "-x y"),
    ];
    let answer = send_chroot(&browser, (&edit, &update), &wrong, "no xml").await;
    assert_refused(
        &answer,
        &["additional_packages", "additional_repos", "additional_modules", "bootstrap_image", "comps"],
    );
    assert!(problem_at(&answer, "additional_repos").contains("Did you mean https://example.org/?"));
    assert!(answer.text.contains("value=\"kept\"") && answer.text.contains("--installroot=/</textarea>"));
    assert_eq!(browser.get("/coprs/alice/foo/edit_chroot/fedora-1-x86_64/").await.status, 404);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_admins_see_the_settings() {
    let frontend = Frontend::start().await;
    frontend.member("alice").await.with_project("foo").await;
    frontend.member("eve").await;
    let (visitor, eve) = (frontend.visitor(), frontend.browser("eve").await);
    for page in ["edit", &format!("edit_chroot/{}", CHROOTS[0]), "integrations", "repositories", "delete"] {
        let path = format!("/coprs/alice/foo/{page}");
        assert_login(&visitor.get(&path).await, &path);
        let answer = eve.get(&path).await;
        assert_eq!(answer.status, 403, "{path}");
        assert!(answer.text.contains("<h1>Forbidden</h1>"), "{}", answer.text);
    }
    for path in ["/coprs/alice/none/edit", "/coprs/g/none/foo/edit"] {
        assert_eq!(eve.get(path).await.status, 404, "{path}");
    }
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_of_a_group_may_be_called_as_a_page_is() {
    let frontend = Frontend::start().await;
    let alice = frontend.member("alice").await;
    frontend.group("tools", &["alice"]).await;
    let browser = frontend.browser("alice").await;
    for name in ["edit", "new", "fork"] {
        let body = json!({ "name": name, "chroots": [CHROOTS[0]] });
        alice.post("/api_3/project/add/@tools", &body).await.ok();
        for page in ["", "edit/", "fork/"] {
            let path = format!("/coprs/g/tools/{name}/{page}");
            let answer = browser.get(&path).await;
            assert_eq!(answer.status, 200, "{path}");
            assert!(answer.text.contains(&format!("@tools/{name}")), "{path}");
        }
    }
    frontend.close().await;
}
