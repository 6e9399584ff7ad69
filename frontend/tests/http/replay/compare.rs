//! Two answers side by side; numbers, times, random names and orders aside.

use serde_json::{Map, Value};

use super::{Exchange, statuses_agree};
use crate::support::Answer;

/// What our answers have beyond Copr's (docs/api.md); anything else that is new is a difference.
const OURS: [&str; 9] =
    ["failure", "stage", "stage_note", "attempt", "type", "title", "status", "detail", "problems"];
/// Numbers and texts that no two servers have in common.
const OWN: [&str; 13] = [
    "id",
    "build_id",
    "task_id",
    "copr_id",
    "started_on",
    "ended_on",
    "submitted_on",
    "created_on",
    "api_login",
    "api_token",
    "expiration",
    "webhook_secret",
    "delete_after_days",
];

/// An error says what differs.
pub fn compare(exchange: &Exchange, answer: &Answer) -> Result<(), String> {
    let told = || {
        format!(
            "{} → {} {}",
            exchange.request,
            answer.status,
            answer.text.chars().take(1200).collect::<String>()
        )
    };
    if !statuses_agree(exchange, answer) {
        return Err(format!("{} expected, {}", exchange.status, told()));
    }
    if let Some(location) = &exchange.location
        && answer.header("location").trim_end_matches('/') != location.trim_end_matches('/')
    {
        return Err(format!("Location {location} expected: {:?}", answer.header("location")));
    }
    if let Some(text) = &exchange.text {
        let agrees = match exchange.cut {
            true => answer.text.starts_with(text.trim_end()),
            false => answer.text.trim_end() == text.trim_end(),
        };
        return if agrees { Ok(()) } else { Err(format!("expected:\n{text}\n{}", told())) };
    }
    let Some(expected) = &exchange.answer else { return Ok(()) };
    let ours: Value = serde_json::from_str(&answer.text).map_err(|e| format!("{e}: {}", told()))?;
    if holds(&normal("", &ours), &normal("", expected), exchange.cut) {
        return Ok(());
    }
    Err(format!("expected {}, {}", expected, told()))
}

fn holds(ours: &Value, theirs: &Value, cut: bool) -> bool {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            let known = |key: &String| theirs.contains_key(key) || OURS.contains(&key.as_str());
            theirs.iter().all(|(key, value)| ours.get(key).is_some_and(|own| holds(own, value, cut)))
                && (cut || ours.keys().all(known))
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            let mut rest: Vec<&Value> = ours.iter().collect();
            let mut take = |wanted: &Value| {
                let place = rest.iter().position(|own| holds(own, wanted, cut));
                place.map(|place| rest.remove(place)).is_some()
            };
            (cut || ours.len() == theirs.len()) && theirs.iter().all(&mut take)
        }
        _ => ours == theirs,
    }
}

/// Without what differs between any two servers.
fn normal(key: &str, value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let inner = |(key, value): (&String, &Value)| (key.clone(), normal(key, value));
            Value::Object(map.iter().map(inner).collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.iter().map(|item| normal(key, item)).collect()),
        Value::Null => Value::Null,
        _ if OWN.contains(&key) => Value::String("own".into()),
        Value::String(text) if key == "pkg_version" || key == "version" => {
            Value::String(seeded_version(text))
        }
        Value::String(text) if text.starts_with('{') => serde_json::from_str(text)
            .map_or_else(|_| Value::String(text.clone()), |inner| normal(key, &inner)),
        Value::String(text) => Value::String(words(text)),
        other => other.clone(),
    }
}

/// Packages of the corpus have other version numbers than Copr's had.
fn seeded_version(text: &str) -> String {
    match text.split_once('.') {
        Some((major, rest)) if rest.bytes().all(|b| b.is_ascii_digit() || b == b'-') => format!("{major}.N"),
        _ => text.to_owned(),
    }
}

/// Numbers of builds, random folders and versions inside addresses.
fn words(text: &str) -> String {
    let piece = |piece: &str| {
        if piece.len() == 8 && piece.bytes().all(|b| b.is_ascii_digit()) {
            return "BUILD".to_owned();
        }
        let is_hexadecimal = piece.bytes().all(|b| b.is_ascii_hexdigit());
        if piece.starts_with("tmp") && piece.len() == 11 || piece.len() == 32 && is_hexadecimal {
            return "RANDOM".to_owned();
        }
        match piece.split_once("-1.") {
            Some((name, rest)) if rest.ends_with("-1.src.rpm") => format!("{name}-1.N"),
            _ => match piece.split_once('-') {
                Some((id, name)) if id.len() == 8 && id.bytes().all(|b| b.is_ascii_digit()) => {
                    format!("BUILD-{name}")
                }
                _ => piece.to_owned(),
            },
        }
    };
    text.split('/').map(piece).collect::<Vec<_>>().join("/")
}
