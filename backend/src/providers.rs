//! Where machines come from. A pool keeps as many machines of one provider as its configuration says.

pub mod local;
pub mod pool;
mod process;

use std::future::Future;

use crate::machines::{Handle, MachineId};

#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    #[error("preparing the folder of a machine")]
    Folder(#[source] std::io::Error),
    #[error("starting {program}; is it installed?")]
    Start { program: String, source: std::io::Error },
    #[error("the machine ended while it was started")]
    EndedAtOnce,
}

/// Whether a machine is still there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Life {
    Alive,
    /// With what its provider knows of the end.
    Ended(String),
}

/// One way to get a throw-away machine. Every call may be repeated, also by a later run of the backend.
pub trait Provider: Send + Sync + 'static {
    /// Names the pool and its machines.
    const POOL: &'static str;

    /// Starts a machine whose agent enrols with the ticket.
    fn start(
        &self,
        machine: &MachineId,
        ticket: &str,
    ) -> impl Future<Output = Result<Handle, ProviderError>> + Send;

    fn life(&self, machine: &MachineId, handle: &Handle) -> Life;

    /// Takes a machine down, with everything that runs in it.
    fn end(&self, machine: &MachineId, handle: &Handle) -> impl Future<Output = ()> + Send;

    /// Removes what a machine left behind; `well` when it ended in order.
    fn clean(&self, machine: &MachineId, well: bool) -> impl Future<Output = ()> + Send;
}
