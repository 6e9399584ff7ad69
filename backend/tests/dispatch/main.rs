//! The backend as builders and the frontend see it: real Redis, real HTTP, a test in the place of both.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on shall stop at once")]

mod actions;
mod files;
mod finish;
mod leases;
mod local;
mod log;
mod restart;
mod tickets;
mod work;
mod world;
