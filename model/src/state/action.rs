//! Work on keys and repositories that no build asked for: create, regenerate, delete.

use super::{InvalidTransition, Step, words};

words!(
    /// Copr: action results waiting, success, failure.
    ActionState {
        Waiting => "waiting",
        Success => "success",
        Failure => "failure",
    }
);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionEvent {
    Done,
    Failed,
}

impl ActionState {
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Waiting)
    }

    /// The next state; the first answer counts.
    pub fn on(self, event: ActionEvent) -> Result<Step<Self>, InvalidTransition<Self, ActionEvent>> {
        match (self, event) {
            (Self::Waiting, ActionEvent::Done) => Ok(Step::To(Self::Success)),
            (Self::Waiting, ActionEvent::Failed) => Ok(Step::To(Self::Failure)),
            (Self::Success | Self::Failure, _) => Ok(Step::Stay),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use {ActionEvent as E, ActionState as S};

    #[test]
    fn the_first_answer_counts() {
        let table = [
            (S::Waiting, E::Done, Step::To(S::Success)),
            (S::Waiting, E::Failed, Step::To(S::Failure)),
            (S::Success, E::Done, Step::Stay),
            (S::Success, E::Failed, Step::Stay),
            (S::Failure, E::Done, Step::Stay),
            (S::Failure, E::Failed, Step::Stay),
        ];
        assert_eq!(table.len(), S::ALL.len() * 2);
        for (state, event, expected) in table {
            assert_eq!(state.on(event), Ok(expected), "{state:?} on {event:?}");
        }
    }
}
