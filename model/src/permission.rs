//! What others than the owner may do in a project (contract of Copr's API, section 8).

use crate::state::words;

words! {
    /// What a user asks for or has.
    Role {
        /// Changes settings, grants roles, and everything that a builder may do.
        Admin => "admin",
        /// Submits builds and edits packages.
        Builder => "builder",
    }
}

words! {
    /// How far a token goes; each one includes those before it.
    TokenAccess {
        Read => "read",
        /// Builds and packages.
        Build => "build",
        /// Everything that its user may do.
        Admin => "admin",
    }
}

impl TokenAccess {
    pub fn includes(self, other: Self) -> bool {
        self as u8 >= other as u8
    }
}

words! {
    /// How far it is with a role.
    PermissionState {
        Nothing => "nothing",
        Request => "request",
        Approved => "approved",
    }
}
