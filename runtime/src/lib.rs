//! What every daemon stands on: config, logs, clock, bus, stop, tasks, processes, health, files, secrets.

pub mod bus;
pub mod clock;
pub mod config;
pub mod files;
pub mod health;
pub mod logging;
pub mod process;
pub mod secret;
pub mod stop;
pub mod tasks;
pub mod watch;

pub use bus::{Bus, BusError, Consumer, Envelope, Handler, Listener, RawMessage, Verdict};
pub use clock::Clock;
pub use secret::Secret;
pub use stop::Stop;
pub use tasks::Tasks;
pub use watch::Watch;
