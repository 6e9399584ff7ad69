//! The steps of what keygen does, each of which may be the last one that a killed process did.

/// What is on the disk after each step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// GnuPG has a key under the project's name; nothing says yet what it is for.
    KeyMade,
    /// The roles of the project's keys are written: from now on the key is the project's.
    RolesWritten,
    /// GnuPG has the key with its new end.
    EndSet,
    /// A signature is made; the audit log does not know of it, and nobody has it.
    Signed,
    /// The audit log holds what was done; nobody was told.
    Logged,
    /// A restore has brought roles and log.
    Unpacked,
    /// A restore has brought the keys.
    Imported,
}

/// Hears of every step as soon as it is done.
pub type Watch = coppice_runtime::Watch<Step>;
