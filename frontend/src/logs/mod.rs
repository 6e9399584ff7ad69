//! Logs of builds: made harmless, read in parts, and understood as far as rules reach.

mod clean;
mod failure;
