//! From what a builder sent to a repository that dnf reads: real packages, real signatures, real rpm and dnf.

mod deleting;
mod host;
mod interrupted;
mod keys;
mod packages;
mod publishing;
mod refused;
mod serving;
mod signing;
mod sources;
mod succeeded;
