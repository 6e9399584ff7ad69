//! What a built package is called.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Name, epoch, version, release and architecture. `epoch` is `None` when the header has none:
/// clients of the API tell `null` from 0.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Nevra {
    pub name: String,
    pub epoch: Option<u32>,
    pub version: String,
    pub release: String,
    pub arch: String,
}

impl Nevra {
    pub fn is_source(&self) -> bool {
        matches!(self.arch.as_str(), "src" | "nosrc")
    }

    /// The file name that RPM gives by default; it leaves out the epoch.
    pub fn file_name(&self) -> String {
        format!("{}-{}-{}.{}.rpm", self.name, self.version, self.release, self.arch)
    }
}

impl fmt::Display for Nevra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-", self.name)?;
        if let Some(epoch) = self.epoch {
            write!(f, "{epoch}:")?;
        }
        write!(f, "{}-{}.{}", self.version, self.release, self.arch)
    }
}

/// What the source RPM's header says: the measure for everything that is built from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceHeader {
    pub name: crate::PackageName,
    pub epoch: Option<u32>,
    pub version: String,
    /// With the dist tag of the machine that made the SRPM; a rebuild has another one.
    pub release: String,
    pub exclusive_arch: Vec<String>,
    pub exclude_arch: Vec<String>,
}

impl SourceHeader {
    /// `[EPOCH:]VERSION-RELEASE`, as the API's `source_package.version` shows it.
    pub fn evr(&self) -> String {
        let epoch = self.epoch.map(|epoch| format!("{epoch}:")).unwrap_or_default();
        format!("{epoch}{}-{}", self.version, self.release)
    }

    /// Whether the package can be built for `arch`. RPM: ExclusiveArch wins only if it names the
    /// architecture or `noarch`; ExcludeArch always excludes.
    pub fn builds_for(&self, arch: &str) -> bool {
        let named = |list: &[String]| list.iter().any(|item| item == arch);
        let exclusive = self.exclusive_arch.is_empty()
            || named(&self.exclusive_arch)
            || self.exclusive_arch.iter().any(|item| item == "noarch");
        exclusive && !named(&self.exclude_arch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exclusive_and_exclude_arch_choose_the_chroots() {
        let header = |only: &[&str], not: &[&str]| SourceHeader {
            name: "x".parse().unwrap(),
            epoch: Some(2),
            version: "1".into(),
            release: "3".into(),
            exclusive_arch: only.iter().map(ToString::to_string).collect(),
            exclude_arch: not.iter().map(ToString::to_string).collect(),
        };
        assert!(header(&[], &[]).builds_for("x86_64"));
        assert!(header(&["noarch"], &[]).builds_for("x86_64"));
        assert!(!header(&["aarch64"], &[]).builds_for("x86_64"));
        assert!(!header(&[], &["x86_64"]).builds_for("x86_64"));
        assert_eq!(header(&[], &[]).evr(), "2:1-3");
    }
}
