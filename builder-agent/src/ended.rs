//! Why an attempt ended without success, and whose fault it is.

use std::error::Error;

use coppice_model::{agent::AttemptOutcome, work::FailureCause};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Ended {
    /// The package's or its owner's fault.
    #[error("{message}")]
    Failed { cause: FailureCause, message: String },
    #[error("canceled")]
    Canceled,
    /// This machine's or our services' fault.
    #[error("{0}")]
    Broken(String),
    /// The backend wants nothing more of this attempt.
    #[error("the backend closed this attempt: {0}")]
    Closed(String),
}

impl Ended {
    pub fn failed(cause: FailureCause, message: impl AsRef<str>) -> Self {
        Self::Failed { cause, message: one_line(message.as_ref()) }
    }

    pub fn broken(message: impl AsRef<str>) -> Self {
        Self::Broken(one_line(message.as_ref()))
    }

    /// What the backend is told; nothing when it does not want to know.
    pub fn outcome(&self) -> Option<AttemptOutcome> {
        match self {
            Self::Failed { cause, message } => {
                Some(AttemptOutcome::Failed { cause: *cause, message: message.clone() })
            }
            Self::Canceled => Some(AttemptOutcome::Canceled),
            Self::Broken(message) => Some(AttemptOutcome::Broken { message: message.clone() }),
            Self::Closed(_) => None,
        }
    }
}

/// Errors that are nobody's fault but ours.
pub trait OrBroken<T> {
    /// `doing` completes "… failed".
    fn or_broken(self, doing: &str) -> Result<T, Ended>;
}

impl<T, E: Error> OrBroken<T> for Result<T, E> {
    fn or_broken(self, doing: &str) -> Result<T, Ended> {
        self.map_err(|error| Ended::broken(format!("{doing} failed: {}", chain(&error))))
    }
}

/// The error and its causes in one sentence.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Control characters out, spaces single, bounded: fit to be shown as a sentence.
pub fn one_line(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let words: Vec<&str> = clean.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(600) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
