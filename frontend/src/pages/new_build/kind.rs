//! Where the sources of a build come from.

/// In the order of the forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Link,
    Upload,
    Scm,
    Distgit,
    Pypi,
    Rubygems,
    Custom,
}

impl Kind {
    pub const ALL: [Self; 7] =
        [Self::Link, Self::Upload, Self::Scm, Self::Distgit, Self::Pypi, Self::Rubygems, Self::Custom];
    /// Those that a package can keep.
    pub const OF_PACKAGES: [Self; 5] = [Self::Scm, Self::Distgit, Self::Pypi, Self::Rubygems, Self::Custom];

    /// By its word in an address; without one it is a link.
    pub fn of(word: &str) -> Self {
        Self::ALL.into_iter().find(|kind| kind.word() == word).unwrap_or(Self::Link)
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Upload => "upload",
            Self::Scm => "scm",
            Self::Distgit => "distgit",
            Self::Pypi => "pypi",
            Self::Rubygems => "rubygems",
            Self::Custom => "custom",
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Self::Link => "From URLs",
            Self::Upload => "Upload",
            Self::Scm => "SCM",
            Self::Distgit => "DistGit",
            Self::Pypi => "PyPI",
            Self::Rubygems => "RubyGems",
            Self::Custom => "Custom script",
        }
    }

    /// What follows `add_build` and `new_build` in addresses.
    pub fn suffix(self) -> String {
        if self == Self::Link { String::new() } else { format!("_{}", self.word()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_word() {
        for kind in Kind::ALL {
            assert_eq!(Kind::of(kind.word()), kind);
        }
        assert_eq!(
            (Kind::of(""), Kind::Link.suffix(), Kind::Scm.suffix()),
            (Kind::Link, "".into(), "_scm".into())
        );
    }
}
