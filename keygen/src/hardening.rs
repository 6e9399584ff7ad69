//! What keeps the keys in this process: no core dumps, no debugger of other users, no page in the swap.

use nix::sys::{
    mman::{MlockAllFlags, mlockall},
    prctl,
    resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit},
};

/// Done once, by the program that runs keygen and nothing else. What the host does not allow is logged.
pub fn harden() {
    let dumps = setrlimit(Resource::RLIMIT_CORE, 0, 0).and_then(|()| prctl::set_dumpable(false));
    if let Err(error) = dumps {
        tracing::warn!(%error, "core dumps of the key service could not be switched off");
    }
    // With a limit, a later allocation would fail; then swapping is the smaller evil.
    let unlimited = getrlimit(Resource::RLIMIT_MEMLOCK).is_ok_and(|(soft, _)| soft == RLIM_INFINITY);
    let locked = unlimited && mlockall(MlockAllFlags::MCL_CURRENT).is_ok();
    if !locked {
        tracing::info!(
            "keys may be swapped out: allow the key service to lock memory (LimitMEMLOCK=infinity)"
        );
    }
}
