//! What the forms of a new project and of its settings share.

/// What browsers leave out when it is not checked.
pub(super) const BOXES: [&str; 8] = [
    "enable_net",
    "follow_fedora_branching",
    "unlisted_on_hp",
    "devel_mode",
    "multilib",
    "module_hotfixes",
    "fedora_review",
    "appstream",
];

/// DNF's own; it counts as not set.
pub(super) const DEFAULT_PRIORITY: i64 = 99;
