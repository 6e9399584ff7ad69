//! Which part of a list is wanted.

/// A part of a list. `limit: None` means everything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Page {
    pub limit: Option<i64>,
    pub offset: i64,
    /// Begins behind this id, which an index finds at once, however far down it is.
    pub after: Option<i64>,
}

impl Page {
    /// Everything.
    pub const ALL: Self = Self { limit: None, offset: 0, after: None };

    pub fn first(limit: i64) -> Self {
        Self { limit: Some(limit), ..Self::ALL }
    }

    /// No limit, zero and less mean everything (contract section 4).
    pub(crate) fn limit(self) -> i64 {
        self.limit.filter(|limit| *limit > 0).unwrap_or(i64::MAX)
    }

    /// In lists by ascending id.
    pub(crate) fn after(self) -> i64 {
        self.after.unwrap_or(i64::MIN)
    }

    pub(crate) fn offset(self) -> i64 {
        self.offset.max(0)
    }
}
