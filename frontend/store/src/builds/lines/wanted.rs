//! The state of a build is derived, never stored; here is what it means for rows.

use coppice_model::state::BuildState;

/// Builds whose source phase is in `phase`, and those where it is in `or_after` and the chroots fulfil the rest.
#[derive(Debug)]
pub(super) struct Wanted {
    /// No phase has an empty name.
    pub(super) phase: &'static str,
    pub(super) or_after: &'static str,
    /// Some chroot is in one of these; none: whatever they are in.
    pub(super) has: &'static [&'static str],
    pub(super) lacks: &'static [&'static str],
    /// It does not count as canceled: a canceled chroot, and none that is unfinished.
    pub(super) is_not_canceled: bool,
}

/// In the order in which one hides the others; see [`BuildState::of`].
const ORDER: [&str; 7] = ["running", "starting", "pending", "failed", "succeeded", "skipped", "forked"];
const UNFINISHED: [&str; 4] = ["waiting", "pending", "starting", "running"];

impl Wanted {
    pub(super) fn of(state: BuildState) -> Self {
        let ranked = |phase, rank: usize| Self {
            phase,
            or_after: "succeeded",
            has: &ORDER[rank..=rank],
            lacks: &ORDER[..rank],
            is_not_canceled: rank > 2,
        };
        match state {
            BuildState::Running => ranked("running", 0),
            BuildState::Starting => ranked("starting", 1),
            BuildState::Pending => ranked("pending", 2),
            BuildState::Failed => ranked("failed", 3),
            BuildState::Succeeded => ranked("", 4),
            BuildState::Skipped => ranked("", 5),
            BuildState::Forked => ranked("", 6),
            BuildState::Waiting => Self { has: &[], lacks: &ORDER, ..ranked("", 6) },
            BuildState::Canceled => Self {
                phase: "canceled",
                has: &["canceled"],
                lacks: &UNFINISHED,
                is_not_canceled: false,
                ..ranked("", 6)
            },
            BuildState::Importing => {
                Self { phase: "importing", or_after: "", has: &[], lacks: &[], is_not_canceled: false }
            }
        }
    }
}
