//! The life of a throw-away builder machine. There is no way back to `Ready`: one machine, one sandbox.

use super::{InvalidTransition, Step, words};

words!(MachineState {
    /// A provider was asked; the machine may not exist yet.
    Requested => "requested",
    /// Its agent enrolled and waits for a task.
    Ready => "ready",
    Busy => "busy",
    /// It is being taken down.
    Releasing => "releasing",
    Gone => "gone",
});

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MachineEvent {
    Enrolled,
    Assigned,
    /// Its task ended, it was lost, or nobody needs it.
    Released,
    Ended,
}

impl MachineState {
    pub fn is_final(self) -> bool {
        matches!(self, Self::Gone)
    }

    /// The next state. A machine may end at any time.
    pub fn on(self, event: MachineEvent) -> Result<Step<Self>, InvalidTransition<Self, MachineEvent>> {
        use {MachineEvent as E, MachineState as S};
        match (self, event) {
            (S::Gone, _) => Ok(Step::Stay),
            (_, E::Ended) => Ok(Step::To(S::Gone)),
            (S::Releasing, _) => Ok(Step::Stay),
            (_, E::Released) => Ok(Step::To(S::Releasing)),
            (S::Requested, E::Enrolled) => Ok(Step::To(S::Ready)),
            (S::Ready, E::Assigned) => Ok(Step::To(S::Busy)),
            (from, event) => Err(InvalidTransition { from, event }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use {MachineEvent as E, MachineState as S};

    const EVENTS: [E; 4] = [E::Enrolled, E::Assigned, E::Released, E::Ended];

    const TABLE: [(S, [&str; 4]); 5] = [
        (S::Requested, ["ready", "!", "releasing", "gone"]),
        (S::Ready, ["!", "busy", "releasing", "gone"]),
        (S::Busy, ["!", "!", "releasing", "gone"]),
        (S::Releasing, [".", ".", ".", "gone"]),
        (S::Gone, ["."; 4]),
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
