//! The fields of a request body, whatever shape they came in, and their typed reading.

use std::collections::BTreeMap;

use coppice_model::signing::KeyAlgorithm;
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::ApiError;
use crate::ops::Problem;

/// Name → value. `null` never occurs: it means "not given".
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Fields(BTreeMap<String, Value>);

impl Fields {
    /// A JSON object. Deep nesting is refused by the parser.
    pub fn from_json(bytes: &[u8]) -> Result<Self, ApiError> {
        let object: Map<String, Value> = serde_json::from_slice(bytes)
            .map_err(|e| ApiError::BadRequest(format!("the request body is not a JSON object: {e}")))?;
        let given = object.into_iter().filter(|(_, value)| !value.is_null());
        Self(given.collect()).checked()
    }

    /// `a=1&b=2&b=3`.
    pub fn from_form(bytes: &[u8]) -> Result<Self, ApiError> {
        let mut fields = Self::default();
        for (name, value) in form_urlencoded::parse(bytes) {
            fields.push(&name, value.into_owned());
        }
        fields.checked()
    }

    pub fn into_value(self) -> Value {
        Value::Object(self.0.into_iter().collect())
    }

    /// By name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The texts of one field, in their order.
    pub fn texts(&self, name: &str) -> Vec<&str> {
        match self.0.get(name) {
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
            Some(value) => value.as_str().into_iter().collect(),
            None => Vec::new(),
        }
    }

    /// Adds one form field; repeated ones become a list.
    pub fn push(&mut self, name: &str, text: String) {
        let text = Value::String(text);
        match self.0.get_mut(name) {
            None => drop(self.0.insert(name.to_owned(), text)),
            Some(Value::Array(list)) => list.push(text),
            Some(first) => *first = Value::Array(vec![first.take(), text]),
        }
    }

    /// Whatever was there before.
    pub fn set(&mut self, name: &str, text: &str) {
        self.0.insert(name.to_owned(), Value::String(text.to_owned()));
    }

    /// Browsers send what was left blank as empty texts, which then count as not given.
    pub fn without_blanks(mut self) -> Self {
        self.0.retain(|_, value| value.as_str().is_none_or(|text| !text.trim().is_empty()));
        self
    }

    /// Adds all of `other`; its values win.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// PostgreSQL stores no NUL, and no name, text or address needs one.
    pub fn checked(self) -> Result<Self, ApiError> {
        match self.0.iter().find(|(name, value)| name.contains('\0') || has_nul(value)) {
            None => Ok(self),
            Some((name, _)) => {
                let name = name.replace('\0', "?");
                Err(ApiError::BadRequest(format!("{name}: NUL characters are not allowed")))
            }
        }
    }
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(map) => map.iter().any(|(key, value)| key.contains('\0') || has_nul(value)),
        _ => false,
    }
}

/// Reads typed values and collects what is wrong with them, so that a user sees all of it at once.
#[derive(Debug)]
pub struct Form<'a> {
    fields: &'a Fields,
    problems: Vec<Problem>,
}

impl<'a> Form<'a> {
    pub fn new(fields: &'a Fields) -> Self {
        Self { fields, problems: Vec::new() }
    }

    /// Fails when a value could not be read; forms of projects.
    pub fn finish(self) -> Result<(), ApiError> {
        if self.problems.is_empty() { Ok(()) } else { Err(ApiError::lines(&self.problems)) }
    }

    /// The same for forms of builds.
    pub fn finish_build(self) -> Result<(), ApiError> {
        if self.problems.is_empty() { Ok(()) } else { Err(ApiError::dict(&self.problems)) }
    }

    fn wrong(&mut self, name: &str, message: &str) {
        self.problems.push(Problem::new(name, message));
    }

    fn value(&self, name: &str) -> Option<&'a Value> {
        self.fields.0.get(name)
    }

    /// A text; of several words too when they came as a list.
    pub fn text(&mut self, name: &str) -> Option<String> {
        let value = self.value(name)?;
        let read = flat(value).map(|items| items.join(" "));
        self.or_wrong(name, read, "Not a valid text value.")
    }

    /// A text that must be there.
    pub fn required(&mut self, name: &str) -> String {
        match self.text(name) {
            Some(text) if !text.trim().is_empty() => text,
            _ => {
                self.wrong(name, "This field is required.");
                String::new()
            }
        }
    }

    /// Words, as a list or in one text; an empty text gives an empty list.
    pub fn words(&mut self, name: &str) -> Option<Vec<String>> {
        let value = self.value(name)?;
        let split = |items: Vec<String>| {
            items.iter().flat_map(|item| item.split_whitespace()).map(str::to_owned).collect()
        };
        self.or_wrong(name, flat(value).map(split), "Not a valid list.")
    }

    /// A number, also as text. An empty text gives `None`.
    pub fn integer(&mut self, name: &str) -> Option<i64> {
        let read = match self.value(name)? {
            Value::Number(number) => number.as_i64().or_else(|| whole(number.as_f64()?)),
            Value::String(text) if text.trim().is_empty() => return None,
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        self.or_wrong(name, read, "Not a valid integer value.")
    }

    /// `rsa4096` or `ed25519`.
    pub fn key_algorithm(&mut self, name: &str) -> Option<KeyAlgorithm> {
        let value = self.value(name)?.clone();
        let read = serde_json::from_value(value).ok();
        self.or_wrong(name, read, "Not a valid choice: rsa4096 or ed25519.")
    }

    /// Copr: `""`, `"false"` and false are false, any other text is true.
    pub fn flag(&mut self, name: &str) -> Option<bool> {
        let read = match self.value(name)? {
            Value::Bool(flag) => Some(*flag),
            Value::Number(number) => Some(number.as_f64() != Some(0.0)),
            Value::String(text) => Some(!(text.is_empty() || text.eq_ignore_ascii_case("false"))),
            _ => None,
        };
        self.or_wrong(name, read, "Not a valid boolean value.")
    }

    fn or_wrong<T>(&mut self, name: &str, read: Option<T>, message: &str) -> Option<T> {
        if read.is_none() {
            self.wrong(name, message);
        }
        read
    }
}

/// A list of plain values as texts; a single value is a list of one.
fn flat(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Array(items) => items.iter().filter(|item| !item.is_null()).map(plain).collect(),
        single => plain(single).map(|text| vec![text]),
    }
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn whole(number: f64) -> Option<i64> {
    let fits = number.fract() == 0.0 && number.abs() < 9e15;
    #[expect(clippy::cast_possible_truncation, reason = "whole and within range")]
    fits.then_some(number as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Fields {
        Fields::from_json(text.as_bytes()).unwrap()
    }

    #[test]
    fn null_is_absent_and_empty_text_is_not() {
        let fields = json(r#"{"a": null, "b": ""}"#);
        let mut form = Form::new(&fields);
        assert_eq!((form.text("a"), form.text("b")), (None, Some(String::new())));
        assert_eq!(form.words("b"), Some(vec![]));
    }

    #[test]
    fn numbers_and_flags_come_as_text_too() {
        let fields = json(r#"{"n": "50", "m": 7, "f": "False", "t": "yes", "e": "", "b": true}"#);
        let mut form = Form::new(&fields);
        assert_eq!((form.integer("n"), form.integer("m"), form.integer("e")), (Some(50), Some(7), None));
        assert_eq!((form.flag("f"), form.flag("t"), form.flag("e")), (Some(false), Some(true), Some(false)));
        assert_eq!(form.flag("b"), Some(true));
        assert!(form.finish().is_ok());
    }

    #[test]
    fn lists_join_and_texts_split() {
        let fields = json(r#"{"l": ["a b", "c"], "t": "x\ny"}"#);
        let mut form = Form::new(&fields);
        assert_eq!(form.words("l"), Some(vec!["a".into(), "b".into(), "c".into()]));
        assert_eq!(form.words("t"), Some(vec!["x".into(), "y".into()]));
        assert_eq!(form.text("l").as_deref(), Some("a b c"));
    }

    #[test]
    fn repeated_form_fields_are_a_list() {
        let fields = Fields::from_form(b"chroots=a-1-x&chroots=b-1-x&name=foo%20bar").unwrap();
        let mut form = Form::new(&fields);
        assert_eq!(form.words("chroots").unwrap().len(), 2);
        assert_eq!(form.text("name").as_deref(), Some("foo bar"));
    }

    #[test]
    fn wrong_types_are_collected_and_never_panic() {
        let fields = json(r#"{"n": {"a": 1}, "f": [], "i": 1e300, "t": {"x": []}}"#);
        let mut form = Form::new(&fields);
        assert_eq!(
            (form.integer("n"), form.flag("f"), form.integer("i"), form.text("t")),
            (None, None, None, None)
        );
        assert_eq!(form.required("absent"), "");
        let all = form.finish().unwrap_err().to_string();
        assert_eq!(all.lines().count(), 5, "{all}");
        assert!(
            all.contains("n: Not a valid integer value.\n")
                && all.ends_with("absent: This field is required.")
        );
    }

    #[test]
    fn what_is_no_object_or_holds_nul_is_refused() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        for bad in ["[1]", "{not json", "", "\"x\"", r#"{"a": "\u0000"}"#, &format!("{{\"a\": {deep}}}")] {
            assert!(Fields::from_json(bad.as_bytes()).is_err(), "{}", &bad[..bad.len().min(20)]);
        }
        assert!(Fields::from_json(b"{\"a\": \"\xff\"}").is_err());
        assert!(Fields::from_form(b"a=%00").is_err());
    }
}
