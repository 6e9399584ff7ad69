//! Numbers that must not be mixed up.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident, $inner:ty) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = std::num::ParseIntError;
            fn from_str(raw: &str) -> Result<Self, Self::Err> {
                raw.parse().map(Self)
            }
        }
    };
}

number!(/// One submission; users see it in addresses and print it padded to eight digits.
    BuildId, i64);
number!(/// A project; users need it for webhook addresses.
    ProjectId, i64);
number!(/// A person's account.
    UserId, i64);
number!(/// A package of one project.
    PackageId, i64);
number!(/// Work on repositories or keys that no build asked for.
    ActionId, i64);
number!(/// How often a task was started, from 1. A report of an older attempt changes nothing.
    Attempt, u32);
number!(/// Seconds since 1970-01-01 UTC.
    UnixTime, i64);

impl Attempt {
    pub const FIRST: Self = Self(1);

    /// The attempt that follows a lost builder.
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl BuildId {
    /// The form used in result directories: at least eight digits (contract section 17).
    pub fn padded(self) -> String {
        format!("{:08}", self.0)
    }
}

impl UnixTime {
    /// Never overflows: the far future stays the far future.
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }
}
