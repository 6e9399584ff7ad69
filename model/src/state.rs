//! States and how they move. Each machine is one pure function: a repeat or late news is `Stay`,
//! nonsense is an error, a final state never changes.

pub mod action;
pub mod build;
pub mod chroot;
pub mod machine;
pub mod source;

pub use action::{ActionEvent, ActionState};
pub use build::BuildState;
pub use chroot::{ChrootEvent, ChrootState, Stage};
pub use machine::{MachineEvent, MachineState};
pub use source::{SourceEvent, SourceState};

/// What an event does to a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<S> {
    To(S),
    Stay,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{event:?} cannot happen to something {from:?}")]
pub struct InvalidTransition<S: std::fmt::Debug, E: std::fmt::Debug> {
    pub from: S,
    pub event: E,
}

/// How a piece of work ended for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Succeeded,
    Failed,
}

/// Defines a state enum with the words that the database and the API use.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident => $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::state::UnknownWord;
            fn from_str(raw: &str) -> Result<Self, Self::Err> {
                match raw {
                    $($word => Ok(Self::$variant),)+
                    other => Err(crate::state::UnknownWord { kind: stringify!($name), raw: other.to_owned() }),
                }
            }
        }
    };
}
pub(crate) use words;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{raw:?} is not a word for {kind}")]
pub struct UnknownWord {
    pub kind: &'static str,
    pub raw: String,
}
