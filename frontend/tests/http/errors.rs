//! The texts of contract section 3.1: clients and their tests search for them.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{CHROOTS, Frontend};

fn new(name: &str, chroots: &[&str]) -> Value {
    json!({ "name": name, "chroots": chroots })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_named() {
    let frontend = Frontend::start().await;
    frontend.member("alice").await.with_project("foo").await;
    for (path, status, text) in [
        ("/api_3/project", 400, "Missing argument ownername"),
        ("/api_3/project?ownername=alice", 400, "Missing argument projectname"),
        ("/api_3/project?ownername=alice&projectname=nope", 404, "Project alice/nope does not exist."),
        ("/api_3/project?ownername=@nogroup&projectname=x", 404, "Group nogroup does not exist."),
        ("/api_3/build/999", 404, "Build 999 does not exist."),
        ("/api_3/build/list?ownername=alice&projectname=nope", 404, "Project alice/nope does not exist."),
        ("/api_3/build-chroot/list?build_id=999", 404, "Build 999 does not exist."),
        ("/api_3/build-chroot?build_id=1", 400, "Missing argument chrootname"),
        (
            "/api_3/project-chroot?ownername=alice&projectname=foo&chrootname=epel-9-x86_64",
            404,
            "Chroot name epel-9-x86_64 does not exist in Copr alice/foo.",
        ),
        ("/api_3/project/list?limit=abc", 400, "{'limit': ['Not a valid integer value.']}"),
        ("/api_3/project/list?order=bogus", 400, "Cannot order by bogus, copr doesn't have such property"),
        ("/api_3/rpmrepo/alice/nope/fedora-43", 404, "alice/nope copr doesn't exist"),
    ] {
        assert_eq!(frontend.get(path).await.error(), (status, text.to_owned()), "{path}");
    }
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn project_forms_have_a_line_for_each_problem() {
    let frontend = Frontend::start().await;
    let alice = frontend.member("alice").await.with_project("foo").await;
    let no_name = "Name must contain only letters, digits, underscores, dashes and dots.";
    let bad = |name: &str| (new(name, &[CHROOTS[0]]), format!("name: {no_name}"));
    let cases = [
        (
            json!({}),
            "name: This field is required.\nchroots: '[]' is not a valid choice for this field.".to_owned(),
        ),
        (new("bar", &["wrong"]), "chroots: 'wrong' is not a valid choice for this field.".to_owned()),
        (new("123", &[CHROOTS[0]]), "name: Project's name can not be just number.".to_owned()),
        bad("bad name!"),
        bad(".."),
        bad("-rf"),
        bad("ünï"),
        bad(&"x".repeat(5_000)),
    ];
    for (body, text) in cases {
        assert_eq!(alice.post("/api_3/project/add/alice", &body).await.error(), (400, text), "{body}");
    }
    for (changes, text) in [
        (json!({ "repo_priority": 0 }), "repo_priority: Number must be at least 1."),
        (json!({ "repo_priority": "x" }), "repo_priority: Not a valid integer value."),
        (json!({ "homepage": "nonsense" }), "homepage: Invalid URL."),
        (json!({ "contact": "nobody" }), "contact: Contact must be email address or URL"),
    ] {
        let answer = alice.post("/api_3/project/edit/alice/foo", &changes).await.error();
        assert_eq!(answer, (400, text.to_owned()), "{changes}");
    }
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn build_forms_answer_with_a_python_dict() {
    let frontend = Frontend::start().await;
    let alice = frontend.member("alice").await.with_project("foo").await;
    let url = "https://example.com/a.src.rpm";
    for (changed, text) in [
        (
            json!({ "pkgs": ["https://example.com/notsrpm.txt"] }),
            "{'pkgs': [\"URLs must end with .src.rpm, .nosrc.rpm, or .spec ('https://example.com/notsrpm.txt' doesn't seem to be a valid URL).\"]}",
        ),
        (json!({ "pkgs": [] }), "{'pkgs': ['URLs to packages are required']}"),
        (
            json!({ "pkgs": [url], "chroots": ["nosuch-1-x86_64"] }),
            "{'chroots': [\"'nosuch-1-x86_64' is not a valid choice for this field.\"]}",
        ),
        (
            json!({ "pkgs": [url], "timeout": 999_999_999 }),
            "{'timeout': ['Number must be between 0 and 108000.']}",
        ),
        (json!({ "pkgs": [url], "timeout": "soon" }), "{'timeout': ['Not a valid integer value.']}"),
    ] {
        let mut body = json!({ "ownername": "alice", "projectname": "foo" });
        body.as_object_mut().unwrap().extend(changed.as_object().unwrap().clone());
        let (status, error) = alice.post("/api_3/build/create/url", &body).await.error();
        assert_eq!((status, error.as_str()), (400, format!("Bad request parameters: {text}").as_str()));
    }
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_change_no_project() {
    let frontend = Frontend::start().await;
    frontend.member("alice").await.with_project("foo").await;
    let bob = frontend.member("bob").await;
    let (put, delete) = (Method::PUT, Method::DELETE);
    let no_edit = "Only owners and admins may update their projects.";
    for (method, path, text) in [
        (put.clone(), "/api_3/project/edit/alice/foo", no_edit),
        (put, "/api_3/project/regenerate-repos/alice/foo", no_edit),
        (delete, "/api_3/project/delete/alice/foo", "Only owners may delete their projects."),
    ] {
        assert_eq!(bob.send(method, path, &json!({})).await.error(), (403, text.to_owned()), "{path}");
    }
    let no_access =
        "You were authorized as 'bob' user without permissions to access projects of user 'alice'";
    for (owner, status, text) in [
        ("alice", 403, no_access),
        ("nobody", 404, "No such user `nobody'"),
        ("@nogroup", 404, "Group nogroup does not exist."),
    ] {
        let path = format!("/api_3/project/add/{owner}");
        let answer = bob.post(&path, &new("bar", &[CHROOTS[0]])).await.error();
        assert_eq!(answer, (status, text.to_owned()), "{path}");
    }
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_touch_no_build() {
    let frontend = Frontend::start().await;
    let build = frontend.member("alice").await.with_project("foo").await.submits("foo").await;
    let bob = frontend.member("bob").await;
    let options = json!({ "ownername": "alice", "projectname": "foo", "pkgs": ["https://e.com/a.src.rpm"] });
    let no_build = (403, "User 'bob' is not allowed to build in 'alice/foo'".to_owned());
    for path in ["/api_3/build/check-before-build", "/api_3/build/create/url"] {
        assert_eq!(bob.post(path, &options).await.error(), no_build, "{path}");
    }
    let cancel = bob.send(Method::PUT, &format!("/api_3/build/cancel/{build}"), &json!({})).await.error();
    assert_eq!(cancel, (403, "You are not allowed to cancel this build.".into()));
    let ids = json!({ "builds": [build] });
    let (status, text) = bob.send(Method::DELETE, "/api_3/build/delete/list", &ids).await.error();
    assert_eq!(status, 400);
    assert!(text.contains(&format!("You don't have permissions to delete build(s) {build}.\n")), "{text}");
    frontend.close().await;
}
