//! Names are checked once; holding one proves that it is safe in paths, addresses and repository ids.

use std::fmt;

use serde::{Deserialize, Serialize};

const MAX_NAME: usize = 100;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{raw:?} is not a valid {kind} name: {rule}")]
pub struct InvalidName {
    pub kind: &'static str,
    pub raw: String,
    pub rule: &'static str,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $rule:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;
            fn try_from(raw: String) -> Result<Self, InvalidName> {
                let check: fn(&str) -> bool = $check;
                if check(&raw) {
                    return Ok(Self(raw));
                }
                let raw = raw.chars().take(MAX_NAME + 20).collect();
                Err(InvalidName { kind: $kind, raw, rule: $rule })
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidName;
            fn from_str(raw: &str) -> Result<Self, InvalidName> {
                Self::try_from(raw.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(/// A user (`alice`) or a group (`@team`).
OwnerName, "owner", "use letters, digits, '_', '-' and '.', after an optional '@'", |raw| {
    is_plain(raw.strip_prefix('@').unwrap_or(raw))
});
name!(/// A project of an owner. Never digits only: addresses by id would be ambiguous.
    ProjectName, "project", "use letters, digits, '_', '-' and '.', beginning with a letter or digit, \
     not digits alone", |raw| is_plain(raw) && !raw.bytes().all(|b| b.is_ascii_digit()));
name!(/// A directory of a project: the project's own name, `NAME:custom:PART[:PART…]` or `NAME:pr:[text-]NUMBER`.
    DirName, "directory", "use PROJECT, PROJECT:custom:SUFFIX or PROJECT:pr:NUMBER", is_dir);
name!(/// A package. RPM allows `+` (`gcc-c++`); Copr refuses everything outside `[-+_.a-zA-Z0-9]`.
    PackageName, "package", "use letters, digits, '-', '+', '_' and '.', beginning with a letter, digit or '_'",
    |raw| raw.len() <= MAX_NAME && raw.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && raw.chars().all(|c| c.is_ascii_alphanumeric() || "-+_.".contains(c)));
name!(/// `NAME-RELEASE-ARCH`, for example `centos-stream-9-x86_64`.
    ChrootName, "chroot", "use NAME-RELEASE-ARCH", is_chroot);

fn is_plain(raw: &str) -> bool {
    raw.len() <= MAX_NAME
        && raw.starts_with(|c: char| c.is_ascii_alphanumeric())
        && raw.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

fn is_dir(raw: &str) -> bool {
    let mut parts = raw.split(':');
    let project = parts.next().unwrap_or_default();
    let rest: Vec<&str> = parts.collect();
    if raw.len() > 2 * MAX_NAME || ProjectName::try_from(project.to_owned()).is_err() {
        return false;
    }
    match rest.as_slice() {
        [] => true,
        ["custom", suffix @ ..] => !suffix.is_empty() && suffix.iter().all(|part| is_dir_part(part)),
        ["pr", id] => is_dir_part(id) && id.rsplit('-').next().is_some_and(is_number),
        _ => false,
    }
}

fn is_dir_part(part: &str) -> bool {
    !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_chroot(raw: &str) -> bool {
    let part_ok = |part: &str| {
        !part.is_empty()
            && part.starts_with(|c: char| c.is_ascii_alphanumeric())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.+".contains(c))
    };
    let parts: Vec<&str> = raw.rsplitn(3, '-').collect();
    raw.len() <= MAX_NAME && parts.len() == 3 && parts.into_iter().all(part_ok)
}

impl OwnerName {
    /// The group's own name when this is a group.
    pub fn group(&self) -> Option<&str> {
        self.0.strip_prefix('@')
    }

    /// The form in repository ids and key addresses that allow no `@`: `group_team`.
    pub fn in_repo_id(&self) -> String {
        self.group().map_or_else(|| self.0.clone(), |group| format!("group_{group}"))
    }
}

impl DirName {
    /// The project that holds the directory.
    pub fn project(&self) -> &str {
        self.0.split(':').next().unwrap_or(&self.0)
    }

    /// Whether it holds the builds of one pull request.
    pub fn is_of_pull(&self) -> bool {
        self.0.contains(":pr:")
    }

    /// Whether this is the project's main directory.
    pub fn is_main(&self) -> bool {
        !self.0.contains(':')
    }
}

impl From<&ProjectName> for DirName {
    fn from(project: &ProjectName) -> Self {
        Self(project.0.clone())
    }
}

impl ChrootName {
    /// `x86_64` of `fedora-43-x86_64`.
    pub fn arch(&self) -> &str {
        self.0.rsplit('-').next().unwrap_or(&self.0)
    }

    /// `fedora-43` of `fedora-43-x86_64`.
    pub fn name_release(&self) -> &str {
        self.0.rsplit_once('-').map_or(self.0.as_str(), |(name, _)| name)
    }

    /// `fedora` of `fedora-43-x86_64`.
    pub fn distribution(&self) -> &str {
        let name_release = self.name_release();
        name_release.rsplit_once('-').map_or(name_release, |(name, _)| name)
    }

    /// `43` of `fedora-43-x86_64`.
    pub fn release(&self) -> &str {
        let name_release = self.name_release();
        name_release.rsplit_once('-').map_or(name_release, |(_, release)| release)
    }
}

/// A project with its owner, written `owner/project`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ProjectRef {
    pub owner: OwnerName,
    pub name: ProjectName,
}

impl fmt::Display for ProjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn project_names_that_would_harm_a_path_or_an_id_are_refused() {
        for bad in ["", ".", "..", "-rf", "a/b", "a b", "a\nb", "12", "ünï", "a:b", &"x".repeat(101)] {
            assert!(bad.parse::<ProjectName>().is_err(), "{bad:?}");
        }
        for good in ["foo", "3proxy", "a.b-c_d", "0ad"] {
            assert_eq!(good.parse::<ProjectName>().unwrap().as_str(), good);
        }
    }

    #[test]
    fn directories_follow_copr_forms() {
        for good in ["foo", "foo:custom:a", "foo:custom:a-1:b", "foo:pr:12", "foo:pr:repo-12"] {
            assert_eq!(good.parse::<DirName>().unwrap().project(), "foo");
        }
        for bad in
            ["foo:", "foo:bar", "foo:custom", "foo:custom:a_b", "foo:pr:", "foo:pr:x", "foo:pr:1:2", "../x"]
        {
            assert!(bad.parse::<DirName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn chroot_parts_are_taken_from_the_end() {
        let chroot: ChrootName = "centos-stream-9-x86_64".parse().unwrap();
        assert_eq!(
            (chroot.distribution(), chroot.release(), chroot.arch(), chroot.name_release()),
            ("centos-stream", "9", "x86_64", "centos-stream-9")
        );
        for bad in ["fedora", "fedora-43", "a-b-", "../..-1-x", "fedora-43-x/86"] {
            assert!(bad.parse::<ChrootName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn groups_are_owners_with_an_at_sign() {
        let team: OwnerName = "@team".parse().unwrap();
        assert_eq!((team.group(), team.in_repo_id().as_str()), (Some("team"), "group_team"));
        assert!("@".parse::<OwnerName>().is_err() && "@@a".parse::<OwnerName>().is_err());
    }
}
