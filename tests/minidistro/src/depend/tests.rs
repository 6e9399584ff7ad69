//! Dependency fields as Debian writes them.

use super::*;

fn index(provided: &[(&str, &str)]) -> Index {
    let mut index = Index::default();
    for (name, version) in provided {
        index.add(name, (!version.is_empty()).then(|| Evr::from_debian(version)));
    }
    index
}

fn rpm_words(index: &Index, field: &str) -> Vec<String> {
    parse_field(field)
        .iter()
        .filter_map(|group| index.requirement(group))
        .map(|dep| dep.to_string())
        .collect()
}

#[test]
fn a_later_than_bound_without_revision_is_widened() {
    let index = index(&[("libc6", "2.36-9+deb12u14")]);
    assert_eq!(rpm_words(&index, "libc6 (>> 2.36), libc6 (<< 2.37)"), ["libc6 >= 2.36", "libc6 < 2.37"]);
}

#[test]
fn a_later_than_bound_with_revision_stays() {
    let index = index(&[("libc6", "2.36-9")]);
    assert_eq!(rpm_words(&index, "libc6 (>> 2.36-8)"), ["libc6 > 2.36-8"]);
}

#[test]
fn qualifiers_are_stripped() {
    let index = index(&[("perl", "5.36.0-7"), ("libc6", "2.36-9")]);
    assert_eq!(rpm_words(&index, "perl:any, libc6 (>= 2.34) [amd64] <!nocheck>"), ["perl", "libc6 >= 2.34"]);
}

#[test]
fn what_is_left_out_is_not_asked_for() {
    let index = index(&[("libc6", "2.36-9")]);
    assert_eq!(rpm_words(&index, "dpkg (>= 1.15.4) | install-info, libc6"), ["libc6"]);
}

#[test]
fn an_alternative_that_does_not_fit_by_version_is_not_taken() {
    let index = index(&[("libpython3-stdlib", "3.11.2-1"), ("python3-distutils", "3.11.2-3")]);
    assert_eq!(rpm_words(&index, "libpython3-stdlib (<< 3.7~) | python3-distutils"), ["python3-distutils"]);
}

#[test]
fn several_fitting_alternatives_become_a_rich_dependency() {
    let index = index(&[("mawk", "1.3-3"), ("gawk", "5.2-1")]);
    assert_eq!(rpm_words(&index, "mawk (>= 1.3) | gawk"), ["(mawk >= 1.3 or gawk)"]);
}

#[test]
fn an_unversioned_name_satisfies_no_version_bound() {
    let index = index(&[("awk", "")]);
    assert_eq!(rpm_words(&index, "awk"), ["awk"]);
    assert_eq!(rpm_words(&index, "awk (>= 1)"), [""; 0]);
}

#[test]
fn epochs_are_compared() {
    let index = index(&[("zlib1g", "1:1.2.13.dfsg-1")]);
    assert_eq!(rpm_words(&index, "zlib1g (>= 1:1.1.4)"), ["zlib1g >= 1:1.1.4"]);
    assert_eq!(rpm_words(&index, "zlib1g (>= 2:0)"), [""; 0]);
}
