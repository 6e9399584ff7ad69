//! Keygen as its callers meet it: a real GnuPG, a private Redis, HTTP.
#![expect(clippy::unwrap_used, reason = "a step that fails here fails its test")]

mod backups;
mod creating;
mod fixture;
mod guarding;
mod kills;
mod pool;
mod renewing;
mod rotating;
mod signing;
mod surviving;
