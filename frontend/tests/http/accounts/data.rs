//! What is held about a person: downloaded, and removed.

use reqwest::Method;
use serde_json::json;

use super::people::{PASSWORD, with_password};
use crate::support::{CHROOTS, Frontend, send};

#[tokio::test(flavor = "multi_thread")]
async fn a_person_takes_everything_along_and_closes_the_account() {
    let frontend = Frontend::start().await;
    with_password(&frontend, "alice", false).await;
    let alice = frontend.visitor().named("Laptop/7");
    alice.log_in("alice", PASSWORD).await;
    let made = alice.submit("/api/", "/api/new/", &[]).await.text;
    let value = |key: &str| {
        let found = made.lines().find_map(|line| line.split(&format!("{key} = ")).nth(1));
        found.unwrap().to_owned()
    };
    let (login, token) = (value("login"), value("token"));
    let api = |method: Method, path: &str| frontend.request(method, path).basic_auth(&login, Some(&token));
    let body = json!({ "name": "tools", "chroots": [CHROOTS[0]] });
    send(api(Method::POST, "/api_3/project/add/alice").json(&body)).await.ok();
    let body =
        json!({ "ownername": "alice", "projectname": "tools", "pkgs": ["https://e.com/a-1-1.src.rpm"] });
    send(api(Method::POST, "/api_3/build/create/url").json(&body)).await.ok();

    let told = [("text", "I pack things")];
    let said = alice.submit("/user/info/", "/user/customize-profile/", &told).await;
    assert_eq!(said.status, 303, "{}", said.text);
    let page = alice.get("/user/info/").await.text;
    assert!(page.contains("Download my data") && page.contains("cannot be undone"), "{page}");
    let file = alice.get("/user/info/download/").await;
    assert!(file.header("content-disposition").contains("coppice-alice.json"));
    let data = file.ok();
    assert_eq!((&data["name"], &data["has_password"]), (&json!("alice"), &json!(true)));
    assert_eq!(
        (&data["projects"], &data["builds"][0]["project"]),
        (&json!(["alice/tools"]), &json!("alice/tools"))
    );
    assert_eq!(
        (&data["sessions"][0]["agent"], &data["tokens"][0]["login"]),
        (&json!("Laptop/7"), &json!(login))
    );
    assert_eq!(data["profile"]["text"], "I pack things");
    assert!(!file.text.contains(&token) && !file.text.contains("argon2"), "no secrets: {}", file.text);

    let wrong = alice.submit("/user/info/", "/user/delete/", &[("confirm", "bob")]).await;
    assert!(wrong.status == 400 && wrong.text.contains("Type your user name"), "{}", wrong.text);
    assert_eq!(alice.user().await.as_deref(), Some("alice"));
    let other = frontend.visitor();
    other.log_in("alice", PASSWORD).await;
    let done = alice.submit("/user/info/", "/user/delete/", &[("confirm", "alice")]).await;
    assert_eq!((done.status.as_u16(), alice.cookie("coppice_session")), (303, None));
    assert!(alice.get("/").await.text.contains("Your account is closed"));
    assert_eq!(other.user().await, None, "every device");
    assert_eq!(send(api(Method::GET, "/api_3/auth-check")).await.status, 401);
    assert_eq!(other.log_in("alice", PASSWORD).await.status, 400);
    let kept = frontend.get("/api_3/project?ownername=alice&projectname=tools").await;
    assert_eq!(kept.status, 200, "others install from it");
    frontend.close().await;
}
