//! What the real clients of a real Copr asked and got, asked again: our status and JSON must be the same.
//!
//! `replay/recorded.jsonl` holds the exchanges, in order; `replay/differences.toml` every one that differs, and why.

mod backend;
mod compare;

use std::collections::{BTreeMap, BTreeSet};

use coppice_kit::corpus;
use reqwest::{Method, RequestBuilder};
use serde::Deserialize;
use serde_json::Value;

use crate::support::{Answer, Frontend, file_body, send};

const RECORDED: &str = include_str!("replay/recorded.jsonl");
const DIFFERENCES: &str = include_str!("replay/differences.toml");
/// So many commands and plain requests were recorded, numbered from 1.
const COMMANDS: u32 = 292;

/// One request and its answer.
#[derive(Debug, Deserialize)]
pub struct Exchange {
    /// Its number; one run of a client may ask several times.
    exchange: u32,
    #[serde(rename = "as")]
    user: Option<String>,
    authorization: Option<String>,
    request: String,
    json: Option<Value>,
    /// Content type and body that is no JSON.
    raw: Option<(String, String)>,
    /// Field and name of uploaded files.
    #[serde(default)]
    files: Vec<(String, String)>,
    status: u16,
    answer: Option<Value>,
    text: Option<String>,
    /// The record of the answer stops in its middle.
    #[serde(default)]
    cut: bool,
    location: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Differences {
    difference: Vec<Difference>,
}

#[derive(Debug, Deserialize)]
struct Difference {
    exchanges: Vec<u32>,
    reason: String,
    /// Not even asked: it would change what comes later, or there was no request.
    #[serde(default)]
    is_left_out: bool,
}

impl Differences {
    fn read() -> Self {
        toml::from_str(DIFFERENCES).unwrap()
    }

    fn numbers(&self, is_left_out: bool) -> BTreeSet<u32> {
        let of_kind = self.difference.iter().filter(|difference| difference.is_left_out == is_left_out);
        of_kind.flat_map(|difference| difference.exchanges.clone()).collect()
    }
}

fn exchanges() -> impl Iterator<Item = Exchange> {
    RECORDED.lines().map(|line| serde_json::from_str(line).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_exchanges_are_answered_as_copr_does() {
    let frontend = Frontend::start_bare(|config| {
        config.public_url = "http://127.0.0.1:5080".into();
        config.results_url = "http://127.0.0.1:5002/results".into();
        config.http.upload_limit_bytes = 1 << 20;
    })
    .await;
    corpus::fill(frontend.store(), false).await.unwrap();
    let mut found: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    let left_out = Differences::read().numbers(true);
    for exchange in exchanges() {
        if left_out.contains(&exchange.exchange) {
            continue;
        }
        let answer = send(request(&frontend, &exchange)).await;
        backend::play(&frontend, &exchange).await;
        if let Err(difference) = compare::compare(&exchange, &answer) {
            found.entry(exchange.exchange).or_default().push(difference);
        }
    }
    frontend.close().await;
    check(&found);
}

/// Every difference has its reason, and nothing has one that is the same.
fn check(found: &BTreeMap<u32, Vec<String>>) {
    let differences = Differences::read();
    assert!(differences.difference.iter().all(|difference| difference.reason.len() > 20));
    let known = differences.numbers(false);
    let unknown: Vec<_> = found.iter().filter(|(number, _)| !known.contains(number)).collect();
    let told: String =
        unknown.iter().map(|(number, texts)| format!("{number}: {}\n", texts.join("\n"))).collect();
    assert!(unknown.is_empty(), "answered otherwise than Copr does, without a reason:\n{told}");
    let recorded: BTreeSet<u32> = exchanges().map(|exchange| exchange.exchange).collect();
    let all = differences.numbers(true).union(&recorded).copied().collect::<BTreeSet<_>>();
    assert!(all.into_iter().eq(1..=COMMANDS), "each is asked again or has its reason why not");
    let gone: Vec<_> = known.iter().filter(|number| !found.contains_key(number)).collect();
    assert!(gone.is_empty(), "these do not differ any more: {gone:?}");
}

fn request(frontend: &Frontend, exchange: &Exchange) -> RequestBuilder {
    let (method, path) = exchange.request.split_once(' ').unwrap();
    let mut request = frontend.request(Method::from_bytes(method.as_bytes()).unwrap(), path);
    if let Some(user) = &exchange.user {
        request = request.basic_auth(corpus::login(user), Some(corpus::token(user)));
    }
    if let Some(header) = &exchange.authorization {
        request = request.header("authorization", header);
    }
    match (&exchange.json, &exchange.raw, exchange.files.first()) {
        (json, _, Some((field, file))) => {
            let fields = json.clone().unwrap_or_default().to_string();
            let (kind, body) = file_body(field, file, b"content of a file", &fields);
            request.header("content-type", kind).body(body)
        }
        (Some(json), ..) => request.json(json),
        (_, Some((kind, body)), _) => request.header("content-type", kind).body(body.clone()),
        _ => request,
    }
}

/// Whether the answer is what Copr said.
pub fn statuses_agree(exchange: &Exchange, answer: &Answer) -> bool {
    answer.status.as_u16() == exchange.status
}
