//! The distribution that tests build for, and sources to build.

use std::{path::PathBuf, sync::OnceLock};

use coppice_minidistro::{Options, make, samples};

use crate::place;

/// The chroot of the small distribution.
pub const CHROOT: &str = "mini-12-x86_64";

/// The repository, made once a machine; `None` with a printed reason where it cannot be made.
pub fn repository() -> Option<&'static PathBuf> {
    static MADE: OnceLock<Option<PathBuf>> = OnceLock::new();
    MADE.get_or_init(|| match make(&Options::cached(place::cache().join("minidistro")), &|_| {}) {
        Ok(distro) => Some(distro.repo),
        Err(error) if error.is_unsupported() => {
            println!("skipped: the small distribution cannot be made here: {error}");
            None
        }
        Err(error) => panic!("making the small distribution: {error:?}"),
    })
    .as_ref()
}

/// The SRPM of a sample, packed anew below `dir`.
pub fn srpm(name: &str, dir: &std::path::Path) -> PathBuf {
    samples::srpm(name, dir).expect("a sample packs")
}
