//! The real agent program against a backend of the tests' own, with real builds in the sandbox.

#![expect(clippy::unwrap_used, reason = "a test may panic where it cannot go on")]

#[path = "agent/backend.rs"]
mod backend;
#[path = "agent/builds.rs"]
mod builds;
#[path = "agent/confined.rs"]
mod confined;
#[path = "agent/limits.rs"]
mod limits;
#[path = "agent/machine.rs"]
mod machine;
#[path = "agent/mock.rs"]
mod mock;
#[path = "agent/protocol.rs"]
mod protocol;
#[path = "agent/sources.rs"]
mod sources;
