//! Kerberos against a real KDC: copr-cli without a token, browsers with a ticket, and sessions at the API.

use coppice_model::{OwnerName, UnixTime};
use coppice_store::users;
use reqwest::{Method, RequestBuilder};
use serde_json::json;

use super::{
    kdc::{Kdc, REALM},
    people::{PASSWORD, with_password},
};
use crate::support::{Answer, CHROOTS, Frontend, send};

async fn with_realm(kdc: &Kdc) -> Frontend {
    let section = json!({ "keytab": kdc.keytab(), "service": "HTTP@localhost", "realm": REALM });
    Frontend::start_with(|config| config.accounts.kerberos = Some(serde_json::from_value(section).unwrap()))
        .await
}

/// Names decide which ticket is asked for.
fn url(frontend: &Frontend, path: &str) -> String {
    format!("{}{path}", frontend.url.replace("127.0.0.1", "localhost"))
}

/// The value of a cookie in what curl printed.
fn cookie(text: &str, name: &str) -> Option<String> {
    let line = text.lines().find(|line| line.to_lowercase().starts_with(&format!("set-cookie: {name}=")))?;
    Some(line.split_once('=')?.1.split(';').next()?.to_owned())
}

async fn add_project(request: RequestBuilder, name: &str) -> Answer {
    send(request.json(&json!({ "name": name, "chroots": [CHROOTS[0]] }))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_logs_a_client_in_and_its_cookie_works_like_a_token() {
    let kdc = Kdc::start();
    let frontend = with_realm(&kdc).await;
    kdc.log_in("alice");
    let answer = kdc.curl(&url(&frontend, "/api_3/gssapi_login/"), &[]);
    assert!(answer.contains("HTTP/1.1 200") && answer.contains("\"name\":\"alice\""), "{answer}");
    let set = answer.lines().find(|line| line.starts_with("set-cookie: session=")).unwrap();
    assert!(
        set.contains("HttpOnly") && set.contains("SameSite=Strict") && set.contains("Path=/api_3"),
        "{set}"
    );
    let session = format!("session={}", cookie(&answer, "session").unwrap());
    let ask = |method: Method, path: &str| frontend.request(method, path).header("cookie", &session);
    assert_eq!(send(ask(Method::GET, "/api_3/auth-check")).await.ok()["name"], "alice");
    let add = || ask(Method::POST, "/api_3/project/add/alice");
    assert_eq!(add_project(add(), "tools").await.status, 200);
    // What a browser would say of another site's form.
    for (header, value) in [
        ("origin", "https://evil.example"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "null"),
    ] {
        let forged = add_project(add().header(header, value), "forged").await.error();
        assert_eq!(forged.0, 403, "{header}: {value}");
    }
    let both = ask(Method::GET, "/api_3/auth-check").basic_auth("nobody", Some("x"));
    assert_eq!(send(both).await.status, 401, "a wrong token is not made good by a cookie");
    // The same person again is the same account; the devices show it.
    let again = kdc.curl(&url(&frontend, "/api_3/gssapi_login/"), &[]);
    assert!(again.contains("\"name\":\"alice\""), "{again}");
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_good_ticket_is_asked_for_one_and_told_how() {
    let kdc = Kdc::start();
    let frontend = with_realm(&kdc).await;
    let bare = frontend.get("/api_3/gssapi_login/").await;
    assert_eq!((bare.status.as_u16(), bare.header("www-authenticate")), (401, "Negotiate"));
    assert!(bare.error().1.contains("get one with kinit"), "{}", bare.text);
    let rubbish =
        frontend.request(Method::GET, "/api_3/gssapi_login/").header("authorization", "Negotiate AAAA");
    assert!(send(rubbish).await.error().1.contains("was not accepted"));
    kdc.log_in_as_service();
    let service = kdc.curl(&url(&frontend, "/api_3/gssapi_login/"), &[]);
    assert!(service.contains("HTTP/1.1 403") && service.contains("is no user of this realm"), "{service}");
    let page = frontend.get("/api_3/gssapi_login/web-ui/").await;
    assert_eq!((page.status.as_u16(), page.header("www-authenticate")), (401, "Negotiate"));
    assert!(
        page.text.contains("sent no Kerberos ticket") && page.text.contains("href=\"/login/\""),
        "{}",
        page.text
    );
    // The name is somebody's: nobody becomes him by a ticket.
    let name: OwnerName = "bob".parse().unwrap();
    frontend.store().write(move |tx| users::insert(tx, &name, None, false, UnixTime(1))).await.unwrap();
    kdc.log_in("bob");
    let taken = kdc.curl(&url(&frontend, "/api_3/gssapi_login/"), &[]);
    assert!(taken.contains("HTTP/1.1 403") && taken.contains("another account's here"), "{taken}");
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_with_a_ticket_comes_in_by_one_click() {
    let kdc = Kdc::start();
    let frontend = with_realm(&kdc).await;
    let login = frontend.get("/login/").await.text;
    assert!(
        login.contains("/api_3/gssapi_login/web-ui/?next=") && login.contains("Kerberos ticket"),
        "{login}"
    );
    kdc.log_in("alice");
    let answer = kdc.curl(&url(&frontend, "/api_3/gssapi_login/web-ui/?next=/user/account/"), &[]);
    assert!(answer.contains("HTTP/1.1 303") && answer.contains("location: /user/account/"), "{answer}");
    let browser = frontend.visitor();
    browser.set_cookie("coppice_session", &cookie(&answer, "coppice_session").unwrap());
    assert_eq!(browser.user().await.as_deref(), Some("alice"));
    assert!(browser.get("/user/account/").await.text.contains("Kerberos"));
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browsers_session_reads_the_api_and_changes_things_only_from_our_pages() {
    let frontend = Frontend::start().await;
    with_password(&frontend, "alice", false).await;
    let browser = frontend.visitor();
    browser.log_in("alice", PASSWORD).await;
    let session = format!("coppice_session={}", browser.cookie("coppice_session").unwrap());
    let ask = |method: Method, path: &str| frontend.request(method, path).header("cookie", &session);
    assert_eq!(send(ask(Method::GET, "/api_3/auth-check")).await.ok()["name"], "alice");
    let add = || ask(Method::POST, "/api_3/project/add/alice");
    assert_eq!(add_project(add(), "a").await.status, 403, "a browser says where it comes from");
    assert_eq!(add_project(add().header("origin", "https://copr.example"), "a").await.status, 403);
    assert_eq!(add_project(add().header("sec-fetch-site", "cross-site"), "a").await.status, 403);
    let forged = add().header("sec-fetch-site", "same-origin").header("origin", "https://evil.example");
    assert_eq!(add_project(forged, "a").await.status, 403);
    assert_eq!(add_project(add().header("origin", "http://copr.example:8080"), "a").await.status, 200);
    assert_eq!(add_project(add().header("sec-fetch-site", "same-origin"), "b").await.status, 200);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_copr_cli_needs_no_token() {
    let kdc = Kdc::start();
    let frontend = with_realm(&kdc).await;
    let client = std::env::var_os("COPPICE_COPR_CLI_GSSAPI")
        .expect("COPPICE_COPR_CLI_GSSAPI names a copr-cli with requests-gssapi: run the tests by tools/test");
    let config = kdc.path("copr");
    std::fs::write(
        &config,
        format!("[copr-cli]\ncopr_url = {}\nencrypted = False\ngssapi = True\n", url(&frontend, "")),
    )
    .unwrap();
    let run = |args: &[&str]| {
        let mut command = kdc.command(&client);
        command.env("HOME", kdc.path("")).env("XDG_CACHE_HOME", kdc.path("cache"));
        let done = command.arg("--config").arg(&config).args(args).output().unwrap();
        format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr))
    };
    let without = run(&["whoami"]);
    assert!(without.contains("ticket") || without.contains("credential"), "{without}");
    kdc.log_in("alice");
    assert_eq!(run(&["whoami"]).trim(), "alice");
    let made = run(&["create", "--chroot", CHROOTS[0], "tools"]);
    assert!(made.contains("New project was successfully created"), "{made}");
    // The session is kept: no ticket is needed for ten hours.
    kdc.log_out();
    let listed = run(&["list"]);
    assert!(listed.contains("tools"), "{listed}");
    frontend.close().await;
}
