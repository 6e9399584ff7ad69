//! How rows become domain: words, names, times and JSON out of plain columns.

use std::{fmt::Display, str::FromStr};

use coppice_model::{Attempt, UnixTime};
use serde::{Serialize, de::DeserializeOwned};

use crate::StoreError;

pub(crate) fn word<T: FromStr<Err: Display>>(what: &'static str, raw: &str) -> Result<T, StoreError> {
    raw.parse().map_err(|e: T::Err| StoreError::Unreadable { what, reason: e.to_string() })
}

pub(crate) fn word_if_any<T: FromStr<Err: Display>>(
    what: &'static str,
    raw: Option<&str>,
) -> Result<Option<T>, StoreError> {
    raw.map(|raw| word(what, raw)).transpose()
}

pub(crate) fn from_json<T: DeserializeOwned>(what: &'static str, raw: &str) -> Result<T, StoreError> {
    serde_json::from_str(raw).map_err(|e| StoreError::Unreadable { what, reason: e.to_string() })
}

pub(crate) fn from_json_if_any<T: DeserializeOwned>(
    what: &'static str,
    raw: Option<&str>,
) -> Result<Option<T>, StoreError> {
    raw.map(|raw| from_json(what, raw)).transpose()
}

pub(crate) fn to_json<T: Serialize>(what: &'static str, value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|e| StoreError::Unreadable { what, reason: e.to_string() })
}

/// What is found as it stands in a pattern of SQL's LIKE; the escape is `\`.
pub(crate) fn literal(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

pub(crate) fn time(seconds: Option<i64>) -> Option<UnixTime> {
    seconds.map(UnixTime)
}

pub(crate) fn seconds(time: Option<UnixTime>) -> Option<i64> {
    time.map(|time| time.0)
}

pub(crate) fn attempt(number: i64) -> Attempt {
    Attempt(u32::try_from(number).unwrap_or(u32::MAX))
}

/// Turns rows into domain, in order.
pub(crate) fn all<R, T: TryFrom<R, Error = StoreError>>(rows: Vec<R>) -> Result<Vec<T>, StoreError> {
    rows.into_iter().map(T::try_from).collect()
}
