//! What a form offers: chroots by distribution and release, and words to select.

use coppice_store::MockChroot;
use serde::Serialize;

/// All releases of one distribution.
#[derive(Debug, Serialize)]
pub(super) struct Distribution {
    name: String,
    releases: Vec<Release>,
    /// Opened at first: something is chosen, or it is the first one.
    is_open: bool,
}

#[derive(Debug, Serialize)]
struct Release {
    name: String,
    /// What the operators say of all its chroots.
    note: String,
    chroots: Vec<Offered>,
}

#[derive(Debug, Serialize)]
struct Offered {
    name: String,
    arch: String,
    is_chosen: bool,
    note: String,
}

/// In the catalogue's order; `chosen` are names.
pub(super) fn distributions(offered: &[MockChroot], chosen: &[String]) -> Vec<Distribution> {
    let mut all: Vec<Distribution> = Vec::new();
    for chroot in offered {
        let name = title(chroot.name.distribution());
        let at = all.iter().position(|known| known.name == name).unwrap_or_else(|| {
            all.push(Distribution { is_open: all.is_empty(), releases: Vec::new(), name });
            all.len() - 1
        });
        let is_chosen = chosen.iter().any(|name| name == chroot.name.as_str());
        all[at].is_open |= is_chosen;
        add(&mut all[at].releases, chroot, is_chosen);
    }
    all.iter_mut().flat_map(|distribution| &mut distribution.releases).for_each(Release::share_note);
    all
}

fn add(releases: &mut Vec<Release>, chroot: &MockChroot, is_chosen: bool) {
    let offered = Offered {
        name: chroot.name.to_string(),
        arch: chroot.name.arch().to_owned(),
        is_chosen,
        note: if chroot.is_active { chroot.comment.clone() } else { "not built any more".into() },
    };
    match releases.iter_mut().find(|release| release.name == chroot.name.name_release()) {
        Some(release) => release.chroots.push(offered),
        None => releases.push(Release {
            name: chroot.name.name_release().to_owned(),
            note: String::new(),
            chroots: vec![offered],
        }),
    }
}

impl Release {
    /// What is said of all is said once.
    fn share_note(&mut self) {
        let first = self.chroots.first().map(|chroot| chroot.note.clone()).unwrap_or_default();
        if self.chroots.iter().all(|chroot| chroot.note == first) {
            self.note = first;
            self.chroots.iter_mut().for_each(|chroot| chroot.note.clear());
        }
    }
}

fn title(distribution: &str) -> String {
    match distribution {
        "fedora" => "Fedora".into(),
        "epel" => "EPEL".into(),
        "rhel" => "RHEL".into(),
        "centos-stream" => "CentOS Stream".into(),
        "opensuse-leap" | "opensuse-tumbleweed" => "openSUSE".into(),
        other => other.to_owned(),
    }
}

/// The architectures of what is offered, for buttons that choose all of one.
pub(super) fn arches(offered: &[MockChroot]) -> Vec<String> {
    let mut arches: Vec<String> = offered.iter().map(|chroot| chroot.name.arch().to_owned()).collect();
    arches.sort();
    arches.dedup();
    arches
}

/// One entry of a `select`.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Choice {
    value: &'static str,
    label: &'static str,
}

const fn choice(value: &'static str, label: &'static str) -> Choice {
    Choice { value, label }
}

/// The words of all selects, as the templates find them.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Choices {
    bootstraps: [Choice; 4],
    isolations: [Choice; 3],
    algorithms: [Choice; 2],
}

pub(super) const OF_PROJECTS: Choices = Choices {
    bootstraps: [
        choice("default", "default of the chroot"),
        choice("on", "on"),
        choice("off", "off"),
        choice("image", "container image"),
    ],
    isolations: [
        choice("default", "default of Mock"),
        choice("nspawn", "nspawn"),
        choice("simple", "simple"),
    ],
    algorithms: [choice("rsa4096", "RSA, 4096 bits"), choice("ed25519", "Ed25519")],
};

/// Bootstraps and isolations of one chroot.
pub(super) const OF_CHROOTS: ([Choice; 5], [Choice; 4]) = (
    [
        choice("unchanged", "as the project says"),
        choice("default", "default of the chroot"),
        choice("on", "on"),
        choice("off", "off"),
        choice("image", "container image"),
    ],
    [
        choice("unchanged", "as the project says"),
        choice("default", "default of Mock"),
        choice("nspawn", "nspawn"),
        choice("simple", "simple"),
    ],
);

#[cfg(test)]
mod tests {
    use coppice_model::chroot::{ChrootDefinition, Runner};

    use super::*;

    fn chroot(name: &str, comment: &str, is_active: bool) -> MockChroot {
        let definition = ChrootDefinition {
            name: name.parse().unwrap(),
            runner: Runner::Sandbox,
            repositories: vec![],
            setup_packages: vec![],
        };
        let name = definition.name.clone();
        MockChroot { id: 1, name, is_active, comment: comment.into(), branch: "b".into(), definition }
    }

    #[test]
    fn releases_stand_in_their_distribution_and_say_what_they_share_once() {
        let offered = [
            chroot("fedora-43-x86_64", "until May", true),
            chroot("epel-9-x86_64", "", true),
            chroot("fedora-43-aarch64", "until May", true),
            chroot("fedora-41-x86_64", "", false),
        ];
        let all = distributions(&offered, &["epel-9-x86_64".into()]);
        assert_eq!(
            all.iter().map(|d| (d.name.as_str(), d.is_open)).collect::<Vec<_>>(),
            [("Fedora", true), ("EPEL", true)]
        );
        let fedora = &all[0].releases;
        assert_eq!(
            (fedora[0].name.as_str(), fedora[0].note.as_str(), fedora[0].chroots.len()),
            ("fedora-43", "until May", 2)
        );
        assert!(fedora[0].chroots.iter().all(|c| c.note.is_empty() && !c.is_chosen));
        assert_eq!(fedora[1].note, "not built any more");
        assert!(all[1].releases[0].chroots[0].is_chosen);
        assert_eq!(arches(&offered), ["aarch64", "x86_64"]);
    }
}
