//! Problems with single fields of a form; only the edge knows how they are written.

use super::OpError;

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Problem {
    pub field: String,
    pub message: String,
}

impl Problem {
    pub fn new(field: &str, message: impl Into<String>) -> Self {
        Self { field: field.to_owned(), message: message.into() }
    }

    /// A value that is none of those offered, in the form's own words.
    pub(super) fn no_choice(field: &str, value: &str) -> Self {
        Self::new(field, format!("'{value}' is not a valid choice for this field."))
    }
}

/// All of them in one line, for logs.
pub(super) fn list(problems: &[Problem]) -> String {
    let texts: Vec<String> = problems.iter().map(|p| format!("{}: {}", p.field, p.message)).collect();
    texts.join("; ")
}

pub(super) fn ensure_none(problems: Vec<Problem>) -> Result<(), OpError> {
    if problems.is_empty() { Ok(()) } else { Err(OpError::Invalid(problems)) }
}
