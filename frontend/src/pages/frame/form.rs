//! A form as it is shown: what is filled in, and what was wrong with it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::Fields;
use crate::pages::PageError;

/// What templates of forms are filled with.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Form {
    values: BTreeMap<String, Value>,
    /// By field.
    problems: BTreeMap<String, String>,
    /// What no single field is to blame for.
    general: Option<String>,
}

impl Form {
    pub fn blank() -> Self {
        Self::default()
    }

    pub fn set(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.values.insert(name.to_owned(), value.into());
        self
    }

    /// What is filled in.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    pub fn problem(mut self, field: &str, message: impl Into<String>) -> Self {
        self.problems.entry(field.to_owned()).or_insert_with(|| message.into());
        self
    }

    pub fn general(mut self, message: impl Into<String>) -> Self {
        self.general = Some(message.into());
        self
    }

    pub fn is_good(&self) -> bool {
        self.problems.is_empty() && self.general.is_none()
    }

    /// Takes what the user can mend; everything else stays an error.
    pub fn fail(mut self, error: impl Into<PageError>) -> Result<Self, PageError> {
        match error.into() {
            PageError::Invalid(problems) => {
                for problem in problems {
                    self = self.problem(&problem.field, problem.message);
                }
                Ok(self)
            }
            PageError::Refused(text) | PageError::Conflict(text) => Ok(self.general(text)),
            other => Err(other),
        }
    }
}

/// What was typed stays.
impl From<&Fields> for Form {
    fn from(fields: &Fields) -> Self {
        let values = fields.as_api().iter().map(|(name, value)| (name.to_owned(), value.clone()));
        Self { values: values.filter(|(name, _)| !is_secret(name)).collect(), ..Self::default() }
    }
}

/// Never sent back.
fn is_secret(name: &str) -> bool {
    name == "csrf_token" || name.contains("password")
}
