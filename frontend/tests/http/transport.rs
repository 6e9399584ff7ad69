//! Contract section 1: slashes, verbs, bodies, unknown addresses.

use coppice_frontend::Config;
use coppice_kit::postgres::Postgres;
use reqwest::Method;
use serde_json::json;

use crate::support::{CHROOTS, Frontend, send};

#[tokio::test(flavor = "multi_thread")]
async fn addresses_answer_with_and_without_a_slash_and_never_redirect() {
    let frontend = Frontend::start().await;
    frontend.member("alice").await.with_project("foo").await;
    for path in [
        "/api_3",
        "/api_3/",
        "/api_3/mock-chroots/list",
        "/api_3/mock-chroots/list/",
        "/api_3/project/?ownername=alice&projectname=foo",
        "/api_3/rpmrepo/alice/foo/fedora-43/",
        "/coprs/alice/foo",
        "/coprs/alice/foo/",
        "/coprs/alice/foo/repo/fedora-43/",
        "/",
    ] {
        assert_eq!(frontend.get(path).await.status, 200, "{path}");
    }
    assert_eq!(frontend.get("/api_3/").await.text, r#"{"version":3}"#);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_addresses_and_wrong_methods_of_the_api_are_errors_in_json() {
    let frontend = Frontend::start().await;
    let expected = (404, "Such API endpoint doesn't exist".to_owned());
    for (method, path) in [
        (Method::GET, "/api_3/nosuch"),
        (Method::GET, "/api_3/build/abc"),
        (Method::GET, "/api_3/build/-1"),
        (Method::GET, "/api_3/project/list/alice"),
        (Method::POST, "/api_3/project"),
        (Method::PATCH, "/api_3/"),
    ] {
        let answer = send(frontend.request(method.clone(), path)).await;
        assert_eq!(answer.error(), expected, "{method} {path}");
    }
    let expected = (405, "The method is not allowed for the requested URL.".to_owned());
    for (method, path, allowed) in [
        (Method::DELETE, "/api_3/build/1", "GET, HEAD, OPTIONS"),
        (Method::GET, "/api_3/project/add/alice", "POST, OPTIONS"),
        (Method::GET, "/api_3/build/cancel/1", "PUT, POST, OPTIONS"),
    ] {
        let answer = send(frontend.request(method.clone(), path)).await;
        assert_eq!((answer.error(), answer.header("allow")), (expected.clone(), allowed), "{method} {path}");
    }
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn head_works_like_get_without_a_body_and_options_is_allowed_everywhere() {
    let frontend = Frontend::start().await;
    let head = send(frontend.request(Method::HEAD, "/api_3/mock-chroots/list")).await;
    assert_eq!((head.status.as_u16(), head.text.as_str()), (200, ""));
    assert_ne!(head.header("content-length"), "0");
    assert_eq!(send(frontend.request(Method::HEAD, "/api_3/nosuch")).await.status, 404);
    for path in ["/api_3/project", "/api_3/build/create/url", "/"] {
        assert_eq!(send(frontend.request(Method::OPTIONS, path)).await.status, 200, "{path}");
    }
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_four_shapes_of_a_body_make_the_same_project() {
    let frontend = Frontend::start().await;
    let alice = frontend.member("alice").await;
    let make = || alice.request(Method::POST, "/api_3/project/add/alice");
    let multipart = |parts: &str| {
        let body = parts.replace('\n', "\r\n");
        make().header("content-type", "multipart/form-data; boundary=b").body(body)
    };
    let requests = [
        make().json(&json!({ "name": "one", "chroots": [CHROOTS[0], CHROOTS[3]], "description": "x y" })),
        make()
            .header("content-type", "application/x-www-form-urlencoded")
            .body(format!("name=two&chroots={}&chroots={}&description=x+y", CHROOTS[0], CHROOTS[3])),
        multipart(&format!(
            "--b\nContent-Disposition: form-data; name=\"json\"; filename=\"json\"\n\
             Content-Type: application/json\n\n\
             {{\"name\": \"three\", \"chroots\": [\"{}\", \"{}\"], \"description\": \"x y\"}}\n--b--\n",
            CHROOTS[0], CHROOTS[3]
        )),
        multipart(&format!(
            "--b\nContent-Disposition: form-data; name=\"name\"\n\nfour\n\
             --b\nContent-Disposition: form-data; name=\"chroots\"\n\n{}\n\
             --b\nContent-Disposition: form-data; name=\"chroots\"\n\n{}\n\
             --b\nContent-Disposition: form-data; name=\"description\"\n\nx y\n--b--\n",
            CHROOTS[0], CHROOTS[3]
        )),
    ];
    for request in requests {
        let project = send(request).await.ok();
        assert_eq!(project["description"], "x y");
        let chroots: Vec<_> = project["chroot_repos"].as_object().unwrap().keys().collect();
        assert_eq!(chroots.len(), 2, "{project}");
    }
    let none = send(alice.request(Method::PUT, "/api_3/project/regenerate-repos/alice/one")).await;
    assert_eq!(none.ok()["full_name"], "alice/one");
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_a_client_sends_is_our_fault() {
    sends_rubbish(|_| {}).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_a_client_sends_is_our_fault_on_postgres() {
    let postgres = Postgres::start().unwrap();
    sends_rubbish(|config| config.database = postgres.database()).await;
}

async fn sends_rubbish(change: impl FnOnce(&mut Config)) {
    let frontend = Frontend::start_with(|config| {
        config.http.body_limit_bytes = 100_000;
        change(config);
    })
    .await;
    let alice = frontend.member("alice").await.with_project("foo").await;
    let deep = format!("{}1{}", "[".repeat(30_000), "]".repeat(30_000));
    let long = "x".repeat(5_000);
    let bodies: Vec<(&str, Vec<u8>)> = vec![
        ("application/json", b"{not json".to_vec()),
        ("application/json", b"[1]".to_vec()),
        ("application/json", b"{\"name\": \"\xff\"}".to_vec()),
        ("application/json", format!("{{\"name\": {deep}}}").into_bytes()),
        ("application/json", format!("{{\"name\": \"{long}\"}}").into_bytes()),
        ("application/json", br#"{"name": "a\u0000b", "chroots": ["fedora-43-x86_64"]}"#.to_vec()),
        ("application/json", br#"{"name": {"a": 1}, "chroots": {"b": 2}, "enable_net": []}"#.to_vec()),
        ("application/json", br#"{"name": "..", "chroots": ["fedora-43-x86_64"]}"#.to_vec()),
        ("application/json", vec![b' '; 200_000]),
        ("application/x-www-form-urlencoded", b"name=%ff%00&chroots=%".to_vec()),
        ("multipart/form-data", b"--b\r\n".to_vec()),
        ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data\r\n\r\nx".to_vec()),
        ("multipart/form-data; boundary=b", b"rubbish".to_vec()),
        ("text/plain", b"hello".to_vec()),
    ];
    for (kind, body) in bodies {
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        for path in ["/api_3/project/add/alice", "/api_3/build/create/url", "/api_3/build/create/upload"] {
            let request = alice.request(Method::POST, path).header("content-type", kind).body(body.clone());
            let answer = send(request).await;
            assert!(answer.status.is_client_error(), "{path} {shown}: {} {}", answer.status, answer.text);
            answer.error();
        }
    }
    for path in [
        "/api_3/project?ownername=%ff&projectname=%00",
        "/api_3/build/99999999999999999999999",
        "/api_3/project/list?limit=99999999999999999999",
        "/api_3/build-chroot?build_id=x&chrootname=y",
        "/api_3/rpmrepo/%ff/%00/x",
        "/api_3/rpmrepo/%2500/foo/x",
        "/coprs/a%00b/",
        "/coprs/g/%00/foo",
        "/api_3/build-chroot/1/%00",
        "/api_3/project/list?limit=9223372036854775807&offset=9223372036854775807&ownername=%27%22",
        "/api_3/project?ownername=alice&projectname=%25%27",
    ] {
        let answer = frontend.get(path).await;
        assert!(!answer.status.is_server_error(), "{path}: {} {}", answer.status, answer.text);
    }
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_sent_bodies_hold_nobody_else() {
    use tokio::{io::AsyncReadExt, io::AsyncWriteExt, net::TcpStream};

    let frontend = Frontend::start_with(|config| config.http.body_pause_s = 1).await;
    let alice = frontend.member("alice").await;
    let address = frontend.url.trim_start_matches("http://").to_owned();
    let login = alice.request(Method::GET, "/").build().unwrap();
    let authorization = login.headers()["authorization"].to_str().unwrap().to_owned();
    let mut half = Vec::new();
    for _ in 0..30 {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        let head = format!(
            "POST /api_3/project/add/alice HTTP/1.1\r\nHost: x\r\nAuthorization: {authorization}\r\n\
             Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{\"name\""
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        half.push(stream);
    }
    assert_eq!(frontend.get("/api_3/").await.status, 200);
    let mut answer = vec![0; 12];
    half[0].read_exact(&mut answer).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&answer), "HTTP/1.1 408");
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn old_verbs_work_and_say_that_they_are_old() {
    let frontend = Frontend::start().await;
    let alice = frontend.member("alice").await.with_project("foo").await;
    let body = json!({ "description": "new" });
    let put =
        alice.send(Method::PUT, "/api_3/project/edit/alice/foo?ownername=alice&projectname=foo", &body).await;
    assert_eq!((put.ok()["description"].as_str(), put.header("warning")), (Some("new"), ""));
    let post = alice.post("/api_3/project/edit/alice/foo/", &body).await;
    post.ok();
    assert_eq!(post.header("warning"), "This method is deprecated: Use PUT method instead of POST");
    let deleted =
        alice.send(Method::DELETE, "/api_3/project/delete/alice/foo", &json!({ "verify": true })).await;
    assert_eq!(deleted.ok()["full_name"], "alice/foo");
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_forbids_browsers_to_be_clever() {
    let frontend = Frontend::start().await;
    for path in ["/", "/api_3/", "/nosuch", "/coprs/nobody/", "/static/coppice.css"] {
        let answer = frontend.get(path).await;
        assert!(answer.header("content-security-policy").starts_with("default-src 'none'"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
    }
    assert_eq!(frontend.get("/healthz").await.text, "ok\n");
    let metrics = frontend.get("/metrics").await.text;
    assert!(metrics.contains("coppice_frontend_requests_total{status=\"4xx\"} 2"), "{metrics}");
    frontend.close().await;
}
