//! One build in one chroot.

use super::{InvalidTransition, Outcome, Step, words};

words!(
    /// Copr: the public API's words (contract section 5).
    ChrootState {
        /// Waits for the source phase.
        Waiting => "waiting",
        /// Waits for a builder.
        Pending => "pending",
        Starting => "starting",
        Running => "running",
        Succeeded => "succeeded",
        Failed => "failed",
        Canceled => "canceled",
        Skipped => "skipped",
        Forked => "forked",
    }
);

words!(
    /// The finer stage of a running chroot; the API shows it beside the state.
    Stage {
        Building => "building",
        Signing => "signing",
        Publishing => "publishing",
    }
);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChrootEvent {
    /// The source is in DistGit.
    Imported,
    /// The package cannot be built for this architecture.
    Excluded,
    /// The source phase failed, so there is nothing to build.
    SourceFailed,
    Picked,
    Started,
    Finished(Outcome),
    BuilderLost,
    Canceled,
}

impl ChrootState {
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Canceled | Self::Skipped | Self::Forked)
    }

    /// The next state. A finish may overtake its own start report, so every unfinished attempt may finish.
    pub fn on(self, event: ChrootEvent) -> Result<Step<Self>, InvalidTransition<Self, ChrootEvent>> {
        use {ChrootEvent as E, ChrootState as S};
        match (self, event) {
            (s, _) if s.is_final() => Ok(Step::Stay),
            (_, E::Canceled) => Ok(Step::To(S::Canceled)),
            (S::Waiting, E::Imported) => Ok(Step::To(S::Pending)),
            (S::Waiting, E::Excluded) => Ok(Step::To(S::Skipped)),
            (S::Waiting, E::SourceFailed) => Ok(Step::To(S::Failed)),
            (S::Pending, E::Picked) => Ok(Step::To(S::Starting)),
            (S::Pending | S::Starting, E::Started) => Ok(Step::To(S::Running)),
            (S::Pending | S::Starting | S::Running, E::Finished(Outcome::Succeeded)) => {
                Ok(Step::To(S::Succeeded))
            }
            (S::Pending | S::Starting | S::Running, E::Finished(Outcome::Failed)) => Ok(Step::To(S::Failed)),
            (S::Pending | S::Starting | S::Running, E::BuilderLost) => Ok(Step::To(S::Pending)),
            (s, e) if s.is_past(e) => Ok(Step::Stay),
            (from, event) => Err(InvalidTransition { from, event }),
        }
    }

    /// Whether the event is old news for this state.
    fn is_past(self, event: ChrootEvent) -> bool {
        use {ChrootEvent as E, ChrootState as S};
        match event {
            E::Imported => !matches!(self, S::Waiting),
            E::Picked => matches!(self, S::Starting | S::Running),
            E::Started => matches!(self, S::Running),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use {ChrootEvent as E, ChrootState as S};

    const EVENTS: [E; 9] = [
        E::Imported,
        E::Excluded,
        E::SourceFailed,
        E::Picked,
        E::Started,
        E::Finished(Outcome::Succeeded),
        E::Finished(Outcome::Failed),
        E::BuilderLost,
        E::Canceled,
    ];

    /// One row a state, one column an event: the next state, `.` for stay, `!` for an error.
    const TABLE: [(S, [&str; 9]); 9] = [
        (S::Waiting, ["pending", "skipped", "failed", "!", "!", "!", "!", "!", "canceled"]),
        (S::Pending, [".", "!", "!", "starting", "running", "succeeded", "failed", "pending", "canceled"]),
        (S::Starting, [".", "!", "!", ".", "running", "succeeded", "failed", "pending", "canceled"]),
        (S::Running, [".", "!", "!", ".", ".", "succeeded", "failed", "pending", "canceled"]),
        (S::Succeeded, ["."; 9]),
        (S::Failed, ["."; 9]),
        (S::Canceled, ["."; 9]),
        (S::Skipped, ["."; 9]),
        (S::Forked, ["."; 9]),
    ];

    #[test]
    fn every_state_answers_every_event_as_the_table_says() {
        assert_eq!(TABLE.len(), S::ALL.len());
        for (state, row) in TABLE {
            for (event, expected) in EVENTS.into_iter().zip(row) {
                let got = match state.on(event) {
                    Ok(Step::To(next)) => next.as_str(),
                    Ok(Step::Stay) => ".",
                    Err(_) => "!",
                };
                assert_eq!(got, expected, "{state:?} on {event:?}");
            }
        }
    }

    #[test]
    fn words_read_back() {
        for state in S::ALL {
            assert_eq!(state.as_str().parse::<S>().unwrap(), *state);
        }
        assert!("bogus".parse::<S>().is_err());
    }
}
