//! Logs of builds: made harmless, read in parts, and understood as far as rules reach.

mod address;
mod clean;
mod failure;
mod scan;
mod shelf;
mod spool;
mod unpack;

pub use address::{LogAddress, LogFile};
pub use clean::clean;
pub use failure::{Failure, Line};
pub use scan::{Kind, Stage};
pub use shelf::{LogError, Logs};
pub use spool::{Overview, Shown, Spool};
