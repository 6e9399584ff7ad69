//! From a queued task to a closed attempt.

pub mod staging;
