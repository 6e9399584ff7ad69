//! The source phase of a build: from what the user named to a commit in DistGit.

use super::{InvalidTransition, Step, words};

words!(SourceState {
    Pending => "pending",
    Starting => "starting",
    Running => "running",
    /// The SRPM exists and goes into DistGit; uploads begin here.
    Importing => "importing",
    Succeeded => "succeeded",
    Failed => "failed",
    Canceled => "canceled",
});

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceEvent {
    Picked,
    Started,
    /// A builder sent the SRPM.
    Made,
    Imported,
    Failed,
    BuilderLost,
    Canceled,
}

impl SourceState {
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Canceled)
    }

    /// The next state.
    pub fn on(self, event: SourceEvent) -> Result<Step<Self>, InvalidTransition<Self, SourceEvent>> {
        use {SourceEvent as E, SourceState as S};
        match (self, event) {
            (s, _) if s.is_final() => Ok(Step::Stay),
            (_, E::Canceled) => Ok(Step::To(S::Canceled)),
            (_, E::Failed) => Ok(Step::To(S::Failed)),
            (S::Pending, E::Picked) => Ok(Step::To(S::Starting)),
            (S::Pending | S::Starting, E::Started) => Ok(Step::To(S::Running)),
            (S::Pending | S::Starting | S::Running, E::Made) => Ok(Step::To(S::Importing)),
            (S::Pending | S::Starting | S::Running, E::BuilderLost) => Ok(Step::To(S::Pending)),
            (S::Importing, E::Imported) => Ok(Step::To(S::Succeeded)),
            (s, e) if s.is_past(e) => Ok(Step::Stay),
            (from, event) => Err(InvalidTransition { from, event }),
        }
    }

    /// Whether the event is old news for this state.
    fn is_past(self, event: SourceEvent) -> bool {
        use {SourceEvent as E, SourceState as S};
        match event {
            E::Picked => !matches!(self, S::Pending),
            E::Started => matches!(self, S::Running | S::Importing),
            E::Made | E::BuilderLost => matches!(self, S::Importing),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use {SourceEvent as E, SourceState as S};

    const EVENTS: [E; 7] =
        [E::Picked, E::Started, E::Made, E::Imported, E::Failed, E::BuilderLost, E::Canceled];

    const TABLE: [(S, [&str; 7]); 7] = [
        (S::Pending, ["starting", "running", "importing", "!", "failed", "pending", "canceled"]),
        (S::Starting, [".", "running", "importing", "!", "failed", "pending", "canceled"]),
        (S::Running, [".", ".", "importing", "!", "failed", "pending", "canceled"]),
        (S::Importing, [".", ".", ".", "succeeded", "failed", ".", "canceled"]),
        (S::Succeeded, ["."; 7]),
        (S::Failed, ["."; 7]),
        (S::Canceled, ["."; 7]),
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
}
