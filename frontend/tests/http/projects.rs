//! Projects and chroots as copr-cli asks for them (recorded exchanges 007 to 017).

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{CHROOTS, Frontend, RESULTS};

/// What `copr-cli create demo --chroot … --description 'A demo' …` sends.
fn create_demo() -> Value {
    json!({
        "name": "demo", "chroots": ["fedora-43-x86_64", "fedora-rawhide-x86_64"],
        "description": "A demo", "instructions": "dnf it", "homepage": null, "contact": null,
        "additional_repos": ["https://example.com/repo/"], "unlisted_on_hp": true, "enable_net": true,
        "persistent": false, "auto_prune": true, "bootstrap": "default", "bootstrap_image": null,
        "isolation": "default", "follow_fedora_branching": true, "devel_mode": null,
        "delete_after_days": "30", "multilib": false, "module_hotfixes": false, "fedora_review": false,
        "appstream": false, "runtime_dependencies": null, "packit_forge_projects_allowed": null,
        "repo_priority": null, "storage": null
    })
}

/// What `copr-cli modify` sends when nothing but these keys was asked for.
fn modify(changed: &[(&str, Value)]) -> Value {
    let mut body = json!({
        "chroots": null, "description": null, "instructions": null, "homepage": null, "contact": null,
        "repos": null, "unlisted_on_hp": null, "enable_net": null, "auto_prune": null,
        "bootstrap": "default", "isolation": null, "follow_fedora_branching": null,
        "bootstrap_image": null, "devel_mode": null, "delete_after_days": null, "multilib": null,
        "module_hotfixes": null, "fedora_review": null, "appstream": null, "runtime_dependencies": null,
        "packit_forge_projects_allowed": null, "repo_priority": null
    });
    for (key, value) in changed {
        body[*key] = value.clone();
    }
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalogue_lists_names_in_their_order_with_comments() {
    let frontend = Frontend::start().await;
    let answer = frontend.get("/api_3/mock-chroots/list").await;
    let expected = r#"{"fedora-43-x86_64":"","fedora-43-i386":"","fedora-rawhide-x86_64":"","epel-9-x86_64":"EOL soon"}"#;
    assert_eq!(answer.text, expected);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_am_i_tells_id_and_name_to_the_right_token_only() {
    let frontend = Frontend::start().await;
    let alice = frontend.member("alice").await;
    let me = crate::support::send(alice.request(Method::GET, "/api_3/auth-check/")).await.ok();
    assert_eq!(me["name"], "alice");
    let text =
        "Login invalid/expired. Please visit http://copr.example:8080/api to get or renew your API token.";
    for header in ["", "Bearer x", "Basic", "Basic !!", "Basic Og==", "Basic YWxpY2U6eA=="] {
        let mut request = frontend.request(Method::GET, "/api_3/auth-check");
        if !header.is_empty() {
            request = request.header("authorization", header);
        }
        let answer = crate::support::send(request).await;
        assert_eq!(answer.error(), (401, text.to_owned()), "{header}");
        assert_eq!(answer.json()["output"], "notok");
    }
    let gssapi = frontend.get("/api_3/gssapi_login/").await.error();
    assert!(gssapi.0 == 403 && gssapi.1.starts_with("Can't log-in using GSSAPI: "), "{gssapi:?}");
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_is_created_as_the_client_asks() {
    let frontend = Frontend::start().await;
    let user = frontend.member("user001").await;
    let path = "/api_3/project/add/user001?ownername=user001&exist_ok=False";
    let mut made = user.post(path, &create_demo()).await.ok();
    let id = made.as_object_mut().unwrap().remove("id").unwrap();
    let expected = json!({
        "name": "demo", "persistent": false, "additional_repos": ["https://example.com/repo/"],
        "storage": "backend", "homepage": null, "contact": null, "description": "A demo",
        "instructions": "dnf it", "devel_mode": false, "unlisted_on_hp": true, "auto_prune": true,
        "enable_net": true, "bootstrap": "default", "isolation": "default", "module_hotfixes": false,
        "appstream": false, "packit_forge_projects_allowed": [], "follow_fedora_branching": true,
        "repo_priority": null, "ownername": "user001", "full_name": "user001/demo",
        "chroot_repos": {
            "fedora-43-x86_64": format!("{RESULTS}/user001/demo/fedora-43-x86_64/"),
            "fedora-rawhide-x86_64": format!("{RESULTS}/user001/demo/fedora-rawhide-x86_64/")
        }
    });
    assert_eq!(made, expected);
    let again = user.post(&path.replace("False", "True"), &create_demo()).await.ok();
    assert_eq!(again["id"], id);
    let taken = user.post(path, &create_demo()).await.error();
    assert_eq!(taken, (400, "name: You already have a project named 'demo'.".into()));
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn modify_changes_what_is_given_and_keeps_the_rest() {
    let frontend = Frontend::start().await;
    let user = frontend.member("user001").await.with_project("parent").await;
    user.post("/api_3/project/add/user001", &create_demo()).await.ok();
    let path = "/api_3/project/edit/user001/demo?ownername=user001&projectname=demo";
    let wider = modify(&[
        ("description", json!("Changed")),
        ("chroots", json!([CHROOTS[0], CHROOTS[2], CHROOTS[3]])),
    ]);
    let changed = user.send(Method::PUT, path, &wider).await.ok();
    assert_eq!(changed["description"], "Changed");
    assert_eq!(changed["instructions"], "dnf it");
    assert_eq!(changed["chroot_repos"].as_object().unwrap().len(), 3);
    let dependency = modify(&[
        ("module_hotfixes", json!(true)),
        ("runtime_dependencies", json!(["copr://user001/parent"])),
        ("repo_priority", json!("7")),
    ]);
    let changed = user.send(Method::PUT, path, &dependency).await.ok();
    assert_eq!((&changed["module_hotfixes"], &changed["repo_priority"]), (&json!(true), &json!(7)));
    let cleared = user.send(Method::PUT, path, &modify(&[("additional_repos", json!(""))])).await.ok();
    assert_eq!(cleared["additional_repos"], json!([]));
    let read = frontend.get("/api_3/project?ownername=user001&projectname=demo").await.ok();
    assert_eq!(read, cleared);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_and_searches_page_until_an_empty_page() {
    let frontend = Frontend::start().await;
    let alice = frontend.member("alice").await.with_project("aaa").await.with_project("bbb").await;
    drop(alice.with_project("ccc").await);
    let names = |list: &Value| -> Vec<String> {
        let items = list["items"].as_array().unwrap();
        items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
    };
    let all = frontend.get("/api_3/project/list?ownername=alice").await.ok();
    assert_eq!(names(&all), ["aaa", "bbb", "ccc"]);
    assert_eq!(all["meta"], json!({"limit": null, "offset": 0, "order": "id", "order_type": "ASC"}));
    let some = "/api_3/project/list?ownername=alice&limit=2&offset=1&order=name&order_type=DESC";
    let some = frontend.get(some).await.ok();
    assert_eq!(names(&some), ["bbb", "aaa"]);
    assert_eq!(some["meta"], json!({"limit": 2, "offset": 1, "order": "name", "order_type": "DESC"}));
    let past = frontend.get("/api_3/project/list?ownername=alice&limit=1000&offset=1000").await.ok();
    assert_eq!(names(&past), [""; 0]);
    for nobody in ["nobody", "@nogroup"] {
        let path = format!("/api_3/project/list?ownername={nobody}");
        assert_eq!(names(&frontend.get(&path).await.ok()), [""; 0]);
    }
    assert_eq!(names(&frontend.get("/api_3/project/search?query=lic/bb").await.ok()), ["bbb"]);
    assert_eq!(names(&frontend.get("/api_3/project/search?query=ccc").await.ok()), ["ccc"]);
    let short = frontend.get("/api_3/project/search?query=cc").await.error();
    assert_eq!(short, (400, "Search string must have at least 3 characters".into()));
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chroot_shows_its_settings_and_the_configuration_of_its_builds() {
    let frontend = Frontend::start().await;
    let user = frontend.member("user001").await;
    let mut demo = create_demo();
    (demo["module_hotfixes"], demo["repo_priority"]) = (json!(true), json!("7"));
    user.post("/api_3/project/add/user001", &demo).await.ok();
    let query = "ownername=user001&projectname=demo&chrootname=fedora-43-x86_64";
    let chroot = frontend.get(&format!("/api_3/project-chroot?{query}")).await.ok();
    let expected = json!({
        "additional_repos": [], "additional_packages": [], "additional_modules": [], "with_opts": [],
        "without_opts": [], "isolation": "unchanged", "mock_chroot": "fedora-43-x86_64",
        "ownername": "user001", "projectname": "demo", "comps_name": null, "delete_after_days": null
    });
    assert_eq!(chroot, expected);
    let config = frontend.get(&format!("/api_3/project-chroot/build-config?{query}")).await.ok();
    let expected = json!({
        "additional_repos": ["copr://user001/demo", "https://example.com/repo/"],
        "additional_packages": [], "additional_modules": [], "with_opts": [], "without_opts": [],
        "isolation": "unchanged", "chroot": "fedora-43-x86_64", "enable_net": true,
        "repos": [
            {"baseurl": format!("{RESULTS}/user001/demo/fedora-43-x86_64/"), "module_hotfixes": true,
             "priority": 7, "repo_gpgcheck": false, "id": "copr_base", "name": "Copr repository"},
            {"baseurl": "https://example.com/repo/", "module_hotfixes": null, "priority": null,
             "repo_gpgcheck": null, "id": "https_example_com_repo",
             "name": "Additional repo https_example_com_repo"}
        ]
    });
    assert_eq!(config, expected);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_chroot_stays_readable_for_a_week() {
    let frontend = Frontend::start().await;
    let user = frontend.member("user001").await;
    user.post("/api_3/project/add/user001", &create_demo()).await.ok();
    let fewer = modify(&[("chroots", json!([CHROOTS[0]]))]);
    user.send(Method::PUT, "/api_3/project/edit/user001/demo", &fewer).await.ok();
    let query = "ownername=user001&projectname=demo&chrootname=fedora-rawhide-x86_64";
    let chroot = frontend.get(&format!("/api_3/project-chroot?{query}")).await.ok();
    assert!([6, 7].contains(&chroot["delete_after_days"].as_i64().unwrap()), "{chroot}");
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_tells_where_it_goes_on() {
    let frontend = Frontend::start().await;
    let mut alice = frontend.member("alice").await;
    for name in ["a", "b", "c", "d", "e"] {
        alice = alice.with_project(name).await;
    }
    let mut names = Vec::new();
    let mut next = Some("/api_3/project/list?ownername=alice&limit=2".to_owned());
    while let Some(path) = next {
        let answer = frontend.get(&path).await;
        let link = answer.header("link").to_owned();
        next =
            link.strip_prefix('<').and_then(|rest| rest.strip_suffix(">; rel=\"next\"")).map(str::to_owned);
        let items = answer.ok()["items"].clone();
        names.extend(items.as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()));
    }
    assert_eq!(names, ["a", "b", "c", "d", "e"]);
    let by_name =
        frontend.get("/api_3/project/list?ownername=alice&limit=2&order=name&order_type=DESC").await;
    let link =
        "</api_3/project/list?ownername=alice&limit=2&order=name&order_type=DESC&offset=2>; rel=\"next\"";
    assert_eq!(by_name.header("link"), link);
    let builds = [alice.submits("a").await, alice.submits("a").await, alice.submits("a").await];
    let list = frontend.get("/api_3/build/list?ownername=alice&projectname=a&limit=2").await;
    let link = format!(
        "</api_3/build/list?ownername=alice&projectname=a&limit=2&after={}>; rel=\"next\"",
        builds[1]
    );
    assert_eq!(list.header("link"), link);
    let rest =
        frontend.get(&format!("/api_3/build/list?ownername=alice&projectname=a&after={}", builds[1])).await;
    assert_eq!((rest.ok()["items"][0]["id"].as_i64(), rest.header("link")), (Some(builds[0]), ""));
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_is_described_for_people_and_programs() {
    let frontend = Frontend::start().await;
    let document = frontend.get("/api_3/openapi.json").await.ok();
    assert_eq!(
        (&document["openapi"], &document["servers"][0]["url"]),
        (&json!("3.1.0"), &json!("http://copr.example:8080"))
    );
    let page = frontend.get("/api_3/docs/").await;
    assert!(page.header("content-type").starts_with("text/html"));
    for path in document["paths"].as_object().unwrap().keys() {
        assert!(page.text.contains(path), "{path}");
    }
    frontend.close().await;
}
