//! Uploaded sources: streamed to disk, served again, gone when something breaks.

use reqwest::{Method, RequestBuilder};
use serde_json::json;

use crate::support::{CHROOTS, Frontend, Member, send, until, upload_body};

const FIELDS: &str = r#"{"ownername": "user001", "projectname": "demo", "project_dirname": "demo", "timeout": null, "chroots": null, "background": false, "isolation": "unchanged"}"#;

async fn demo(frontend: &Frontend) -> Member<'_> {
    frontend.member("user001").await.with_project("demo").await
}

fn upload(user: &Member<'_>, file_name: &str, content: &[u8], fields: &str) -> RequestBuilder {
    let (kind, body) = upload_body(file_name, content, fields);
    user.request(Method::POST, "/api_3/build/create/upload").header("content-type", kind).body(body)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_uploaded_source_rpm_is_imported_and_stays_downloadable() {
    let frontend = Frontend::start().await;
    let user = demo(&frontend).await;
    let content: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    let build = send(upload(&user, "hello-1-1.src.rpm", &content, FIELDS)).await.ok();
    assert_eq!((build["state"].as_str(), &build["chroots"]), (Some("importing"), &json!([])));
    let url = build["source_package"]["url"].as_str().unwrap();
    let path = url.strip_prefix("http://copr.example:8080").unwrap();
    assert!(path.starts_with("/tmp/") && path.ends_with("/hello-1-1.src.rpm"), "{url}");
    let served = frontend.request(Method::GET, path).send().await.unwrap();
    assert_eq!(served.headers()["content-disposition"], "attachment; filename=\"hello-1-1.src.rpm\"");
    assert_eq!(served.bytes().await.unwrap(), content);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_uploaded_spec_waits_for_a_builder() {
    let frontend = Frontend::start().await;
    let user = demo(&frontend).await;
    let fields = FIELDS.replace("\"chroots\": null", &format!("\"chroots\": [\"{}\"]", CHROOTS[0]));
    let build = send(upload(&user, "hello.spec", b"Name: hello\n", &fields)).await.ok();
    assert_eq!((build["state"].as_str(), &build["chroots"]), (Some("pending"), &json!([CHROOTS[0]])));
    assert_eq!(build["source_package"], json!({ "name": null, "url": null, "version": null }));
    let config = format!("/api_3/build/source-build-config/{}", build["id"]);
    let config = frontend.get(&config).await.ok();
    assert_eq!(
        (&config["source_type"], &config["source_dict"]["pkg"]),
        (&json!("upload"), &json!("hello.spec"))
    );
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_uploads_leave_nothing_behind() {
    let frontend = Frontend::start_with(|config| config.http.upload_limit_bytes = 100_000).await;
    let user = demo(&frontend).await;
    let refused = send(upload(&user, "notrpm.txt", b"hello\n", FIELDS)).await.error();
    let text =
        "Bad request parameters: {'pkgs': ['You can upload only .src.rpm, .nosrc.rpm, and .spec files']}";
    assert_eq!(refused, (400, text.into()));
    let missing = FIELDS.replace("\"demo\"", "\"nope\"");
    let missing = send(upload(&user, "a.src.rpm", b"x", &missing)).await.error();
    assert_eq!(missing, (404, "Project user001/nope does not exist.".into()));
    let large = send(upload(&user, "a.src.rpm", &vec![0; 2_000_000], FIELDS)).await;
    assert_eq!(large.error().0, 413);
    let (kind, body) = upload_body("a.src.rpm", b"x", FIELDS);
    let stranger = frontend.request(Method::POST, "/api_3/build/create/upload").header("content-type", kind);
    assert_eq!(send(stranger.body(body)).await.error().0, 401);
    let json_only = user.post("/api_3/build/create/upload", &serde_json::from_str(FIELDS).unwrap()).await;
    assert_eq!(
        json_only.error(),
        (400, "Bad request parameters: {'pkgs': ['This field is required.']}".into())
    );
    assert_eq!(frontend.uploads(), 0);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_would_harm_a_path_are_made_harmless() {
    let frontend = Frontend::start().await;
    let user = demo(&frontend).await;
    for (named, plain) in [
        ("../../../etc/x.src.rpm", "x.src.rpm"),
        ("a b;c.src.rpm", "a_b_c.src.rpm"),
        ("..src.rpm", "src.rpm"),
    ] {
        let answer = send(upload(&user, named, b"x", FIELDS)).await;
        match plain {
            "src.rpm" => assert_eq!(answer.error().0, 400),
            plain => {
                let url = answer.ok()["source_package"]["url"].as_str().unwrap().to_owned();
                assert!(url.ends_with(&format!("/{plain}")), "{url}");
            }
        }
    }
    for path in ["/tmp/../frontend.sqlite", "/tmp/%2e%2e/frontend.sqlite", "/tmp/x/y", "/tmp/..%2f..%2f/etc"]
    {
        assert_eq!(frontend.get(path).await.status, 404, "{path}");
    }
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_breaks_off_leaves_nothing_behind() {
    use tokio::{io::AsyncWriteExt, net::TcpStream};

    let frontend = Frontend::start().await;
    let user = demo(&frontend).await;
    let (kind, body) = upload_body("a.src.rpm", &vec![7; 500_000], FIELDS);
    let probe = user.request(Method::GET, "/").build().unwrap();
    let authorization = probe.headers()["authorization"].to_str().unwrap();
    let head = format!(
        "POST /api_3/build/create/upload HTTP/1.1\r\nHost: x\r\nAuthorization: {authorization}\r\n\
         Content-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(frontend.url.trim_start_matches("http://")).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&body[..body.len() / 2]).await.unwrap();
    until("the upload has begun", async || (frontend.uploads() == 1).then_some(())).await;
    drop(stream);
    until("the broken upload is gone", async || (frontend.uploads() == 0).then_some(())).await;
    let list = frontend.get("/api_3/build/list?ownername=user001&projectname=demo").await.ok();
    assert_eq!(list["items"], json!([]));
    frontend.close().await;
}
