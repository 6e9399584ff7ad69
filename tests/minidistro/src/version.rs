//! Debian versions told as RPM versions.

use std::cmp::Ordering;
use std::fmt;

/// Epoch, version and release; a Debian version without a revision has no release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evr {
    pub epoch: Option<u32>,
    pub version: String,
    pub release: Option<String>,
}

impl Evr {
    pub fn from_debian(raw: &str) -> Self {
        let (epoch, rest) = match raw.split_once(':') {
            Some((epoch, rest)) => (epoch.parse().ok(), rest),
            None => (None, raw),
        };
        // Only the last dash parts version and revision; RPM allows no dash inside either.
        let (version, release) = match rest.rsplit_once('-') {
            Some((version, revision)) => (version, Some(revision.to_owned())),
            None => (rest, None),
        };
        Self { epoch, version: version.replace('-', "."), release }
    }

    /// The release a package gets: RPM packages always have one.
    pub fn release(&self) -> &str {
        self.release.as_deref().unwrap_or("0")
    }

    /// The version of a package, always with a release.
    pub fn full(&self) -> String {
        Self { release: Some(self.release().to_owned()), ..self.clone() }.to_string()
    }

    /// Compares as RPM does: releases count only where both sides have one.
    pub fn compare(&self, other: &Self) -> Ordering {
        let both = self.release.is_some() && other.release.is_some();
        let words = |evr: &Self| {
            let release = evr.release.clone().filter(|_| both).unwrap_or_default();
            (evr.epoch.unwrap_or(0).to_string(), evr.version.clone(), release)
        };
        rpm_evr(words(self)).cmp(&rpm_evr(words(other)))
    }
}

fn rpm_evr((epoch, version, release): (String, String, String)) -> rpmrepo_metadata::Evr<'static> {
    rpmrepo_metadata::Evr::new(epoch, version, release)
}

impl fmt::Display for Evr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(epoch) = self.epoch {
            write!(f, "{epoch}:")?;
        }
        f.write_str(&self.version)?;
        self.release.iter().try_for_each(|release| write!(f, "-{release}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debian_versions_keep_epoch_tilde_and_plus() {
        for (debian, rpm) in [
            ("5.2.15-2+b13", "5.2.15-2+b13"),
            ("1:1.2.13.dfsg-1", "1:1.2.13.dfsg-1"),
            ("20250419~deb12u2", "20250419~deb12u2-0"),
            ("1.2-rc1-3", "1.2.rc1-3"),
            ("4:12.2.0-3", "4:12.2.0-3"),
        ] {
            assert_eq!(Evr::from_debian(debian).full(), rpm);
        }
    }

    #[test]
    fn a_bound_without_release_equals_every_release() {
        let package = Evr::from_debian("2.36-9+deb12u14");
        assert_eq!(package.compare(&Evr::from_debian("2.36")), Ordering::Equal);
        assert_eq!(package.compare(&Evr::from_debian("2.36-10")), Ordering::Less);
        assert_eq!(package.compare(&Evr::from_debian("1:2.0")), Ordering::Less);
    }
}
