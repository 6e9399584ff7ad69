//! From what a builder sent to a repository that dnf reads: real packages, real signatures, real rpm and dnf.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on shall stop at once")]

mod deleting;
mod devel;
mod differential;
mod forked;
mod host;
mod intake;
mod interrupted;
mod keys;
mod kills;
mod packages;
mod publishing;
mod refused;
mod regenerated;
mod rotated;
mod serving;
mod signing;
mod snapshots;
mod sources;
mod succeeded;
mod taken;
