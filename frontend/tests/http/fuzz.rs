//! Nonsense in every parameter and body of every address: answered as the client's mistake, with a sentence.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::{
    peers::Peers,
    support::{CHROOTS, Frontend, Member, send},
};

/// Of any field.
fn values() -> Vec<Value> {
    vec![
        json!(null),
        json!(-1),
        json!(1e308),
        json!(9_223_372_036_854_775_807_i64),
        json!(true),
        json!(""),
        json!("x".repeat(100_000)),
        json!("\u{202e}\u{1}é𝕏'\"\\%_<script>"),
        json!("a\u{0}b"),
        json!({ "a": { "b": [] } }),
        json!([[[]], {}, null, 1]),
        json!(["a", "b c", ""]),
    ]
}

/// Whole bodies that are no form at all.
fn bodies() -> Vec<(&'static str, Vec<u8>)> {
    let deep = format!("{}{}", "{\"a\":".repeat(20_000), "}".repeat(20_000));
    vec![
        ("application/json", b"".to_vec()),
        ("application/json", b"null".to_vec()),
        ("application/json", b"[]".to_vec()),
        ("application/json", b"{\"name\": \"\xff\xfe\"}".to_vec()),
        ("application/json", deep.into_bytes()),
        ("application/json", vec![b'['; 3 << 20]),
        ("application/x-www-form-urlencoded", b"name=%ff%fe%00&=&&chroots=&chroots[]=1".to_vec()),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\nz".to_vec()),
        ("multipart/form-data", b"--x".to_vec()),
        ("text/plain", b"hello".to_vec()),
    ]
}

const QUERIES: [&str; 6] = [
    "ownername=%00&projectname=%00",
    "ownername=%ff%fe&projectname=..%2f..%2fetc",
    "ownername[]=a&ownername[b]=c&limit=-1&offset=-1",
    "ownername=alice&projectname=foo&limit=99999999999999999999&offset=x&after=y",
    "ownername=alice&projectname=foo&limit=9223372036854775807&offset=9223372036854775807",
    "%=%&&&==&query=%F0%9F%92%A9%25_",
];

struct Operation {
    method: Method,
    path: String,
    fields: Vec<String>,
}

impl Operation {
    fn renews_the_token(&self) -> bool {
        self.path.ends_with("/api-token")
    }
}

/// From the description, with names that exist in the path.
async fn operations(frontend: &Frontend) -> Vec<Operation> {
    let document = frontend.get("/api_3/openapi.json").await.ok();
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let known = [
            ("owner", "alice"),
            ("project", "foo"),
            ("chroot", CHROOTS[0]),
            ("package", "rake"),
            ("id", "1"),
        ];
        let path = known
            .iter()
            .fold(path.clone(), |path, (name, value)| path.replace(&format!("{{{name}}}"), value));
        // A token of one's own would be gone.
        let path = path.replace("tokens/1", "tokens/999999");
        let path = path.replace("{method}", "pypi").replace("{type}", "scm").replace("{kind}", "custom");
        for (method, described) in methods.as_object().unwrap() {
            let content = described["requestBody"]["content"].as_object();
            let schema = content.and_then(|content| content.values().next()).map(|kind| &kind["schema"]);
            let fields = schema.and_then(|schema| schema["properties"].as_object());
            all.push(Operation {
                method: method.to_uppercase().parse().unwrap(),
                path: path.clone(),
                fields: fields.map(|fields| fields.keys().cloned().collect()).unwrap_or_default(),
            });
        }
    }
    assert!(all.len() > 50);
    // What takes things away comes last, and at the very end what takes away a token.
    all.sort_by_key(|operation| (operation.renews_the_token(), operation.path.contains("delete")));
    all
}

/// The answer must be good, or an error of the client's with a sentence.
async fn is_answered(by: &mut Member<'_>, operation: &Operation, request: RequestBuilder, what: &str) {
    let what = format!("{} {}{what}", operation.method, operation.path);
    let answer = send(request).await;
    let status = answer.status.as_u16();
    assert!(status < 500, "{what}: {status} {}", answer.text);
    if status >= 400 {
        let error = answer.json()["error"].as_str().unwrap_or_default().to_owned();
        assert!(!error.trim().is_empty(), "{what}: {}", answer.text);
    } else if operation.renews_the_token() {
        by.goes_on_with(&answer.json());
    }
}

async fn in_the_whole(by: &mut Member<'_>, operation: &Operation) {
    let Operation { method, path, .. } = operation;
    for (kind, body) in bodies() {
        let what = format!(" {kind} {} bytes", body.len());
        let request = by.request(method.clone(), path).header("content-type", kind).body(body);
        is_answered(by, operation, request, &what).await;
    }
    for query in QUERIES {
        let what = format!("?{query}");
        let request = by.request(method.clone(), &format!("{path}{what}"));
        is_answered(by, operation, request, &what).await;
    }
}

async fn in_every_field(by: &mut Member<'_>, operation: &Operation) {
    let Operation { method, path, fields } = operation;
    for field in fields {
        for value in values() {
            let mut body =
                json!({ "ownername": "alice", "projectname": "foo", "package_name": "rake", "name": "new" });
            body[field] = value;
            let what = format!(" {}", body.to_string().chars().take(200).collect::<String>());
            let request = by.request(method.clone(), path).json(&body);
            is_answered(by, operation, request, &what).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_is_the_clients_mistake_and_never_ours() {
    let peers = Peers::with_all();
    let frontend = Frontend::start_with(|config| {
        peers.are_told_to(config);
        config.http.token_requests_per_minute = 0;
    })
    .await;
    let mut alice = frontend.member("alice").await.with_project("foo").await;
    for operation in operations(&frontend).await {
        in_the_whole(&mut alice, &operation).await;
        in_every_field(&mut alice, &operation).await;
    }
    alice.get("/api_3/auth-check").await.ok();
    frontend.close().await;
    peers.close().await;
}
