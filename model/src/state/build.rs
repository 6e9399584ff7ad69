//! The state of a whole build is derived, never stored.

use super::{ChrootState, SourceState, words};

words!(BuildState {
    Waiting => "waiting",
    Pending => "pending",
    Starting => "starting",
    Running => "running",
    Importing => "importing",
    Succeeded => "succeeded",
    Failed => "failed",
    Canceled => "canceled",
    Skipped => "skipped",
    Forked => "forked",
});

/// Copr: models.py, Build.status (contract section 5). The first of these that some chroot has wins.
const ORDER: [ChrootState; 7] = [
    ChrootState::Running,
    ChrootState::Starting,
    ChrootState::Pending,
    ChrootState::Failed,
    ChrootState::Succeeded,
    ChrootState::Skipped,
    ChrootState::Forked,
];

impl BuildState {
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Canceled | Self::Skipped | Self::Forked)
    }

    /// Derives the state from the source phase and the chroots.
    pub fn of(source: SourceState, chroots: &[ChrootState]) -> Self {
        match source {
            SourceState::Canceled => Self::Canceled,
            SourceState::Pending => Self::Pending,
            SourceState::Starting => Self::Starting,
            SourceState::Running => Self::Running,
            SourceState::Importing => Self::Importing,
            SourceState::Failed => Self::Failed,
            SourceState::Succeeded => Self::of_chroots(chroots),
        }
    }

    fn of_chroots(chroots: &[ChrootState]) -> Self {
        if chroots.contains(&ChrootState::Canceled) && chroots.iter().all(|c| c.is_final()) {
            return Self::Canceled;
        }
        let first = ORDER.into_iter().find(|state| chroots.contains(state));
        first.map_or(Self::Waiting, Self::from)
    }
}

impl From<ChrootState> for BuildState {
    fn from(state: ChrootState) -> Self {
        match state {
            ChrootState::Waiting => Self::Waiting,
            ChrootState::Pending => Self::Pending,
            ChrootState::Starting => Self::Starting,
            ChrootState::Running => Self::Running,
            ChrootState::Succeeded => Self::Succeeded,
            ChrootState::Failed => Self::Failed,
            ChrootState::Canceled => Self::Canceled,
            ChrootState::Skipped => Self::Skipped,
            ChrootState::Forked => Self::Forked,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ChrootState as C;

    #[test]
    fn unfinished_chroots_hide_failed_ones_until_all_have_ended() {
        let state = |chroots: &[C]| BuildState::of(SourceState::Succeeded, chroots);
        assert_eq!(state(&[]), BuildState::Waiting);
        assert_eq!(state(&[C::Failed, C::Running]), BuildState::Running);
        assert_eq!(state(&[C::Failed, C::Pending]), BuildState::Pending);
        assert_eq!(state(&[C::Failed, C::Succeeded]), BuildState::Failed);
        assert_eq!(state(&[C::Succeeded, C::Skipped]), BuildState::Succeeded);
        assert_eq!(state(&[C::Skipped]), BuildState::Skipped);
        assert_eq!(state(&[C::Succeeded, C::Canceled]), BuildState::Canceled);
    }

    #[test]
    fn the_source_phase_speaks_first() {
        for (source, build) in [
            (SourceState::Pending, BuildState::Pending),
            (SourceState::Importing, BuildState::Importing),
            (SourceState::Failed, BuildState::Failed),
            (SourceState::Canceled, BuildState::Canceled),
        ] {
            assert_eq!(BuildState::of(source, &[C::Waiting]), build);
        }
    }
}
