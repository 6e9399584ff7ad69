//! DistGit as its callers meet it: messages on a private Redis, stock git, HTTP.
#![expect(clippy::unwrap_used, reason = "a step that fails here fails its test")]

mod bad;
mod crafted;
mod fixture;
mod importing;
mod serving;
mod surviving;
