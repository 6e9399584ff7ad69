//! The sections of a `.repo` file (contract section 16).

use coppice_model::{ChrootName, DirName, OwnerName};
use serde::Serialize;

use super::project::{Dependency, Options, Published, Site, id_of_url};

/// Distributions whose release DNF knows as `$releasever`.
const WITH_RELEASEVER: [&str; 4] = ["fedora", "centos-stream", "opensuse-leap", "mageia"];
/// The only pair of architectures that share packages.
const MULTILIB: (&str, &str) = ("x86_64", "i386");

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Section {
    /// Instead of everything else.
    pub comment: Option<String>,
    pub id: String,
    pub name: String,
    pub baseurl: String,
    /// Instead of the plain address: signed metadata by an immutable snapshot.
    pub mirrorlist: Option<String>,
    pub gpgkey: Option<String>,
    pub repo_gpgcheck: bool,
    pub cost: Option<u32>,
    pub module_hotfixes: bool,
    pub priority: Option<i64>,
}

/// What a client asks for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    pub dir: &'a DirName,
    pub name_release: &'a str,
    pub arch: Option<&'a str>,
}

/// How a client wants to read the repositories of this server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reading {
    /// With its index's signature checked (`repo_gpgcheck=1`).
    pub is_checked: bool,
    /// Its own repository as it was at this publish.
    pub snapshot: Option<u64>,
}

impl Reading {
    /// Every repository that this server signs.
    pub fn apply(self, sections: &mut [Section]) {
        if let Some((own, number)) = sections.first_mut().zip(self.snapshot) {
            own.baseurl = format!("{}snapshots/{number}/", own.baseurl);
        }
        for (at, section) in sections.iter_mut().enumerate().filter(|(_, section)| section.gpgkey.is_some()) {
            section.repo_gpgcheck = self.is_checked;
            // A snapshot never changes, so its own address is safe.
            if self.is_checked && (at > 0 || self.snapshot.is_none()) {
                section.mirrorlist = Some(format!("{}mirrorlist", section.baseurl));
            }
        }
    }
}

/// The sections, first the directory's own; `None` when no enabled chroot fits.
pub fn sections(site: &Site, published: &Published, wanted: Wanted<'_>) -> Option<Vec<Section>> {
    let chroot = fitting(&published.chroots, wanted)?;
    let mut all = vec![own(site, published, wanted.dir, chroot)];
    all.extend(multilib(site, published, wanted, chroot));
    all.extend(dependencies(site, published, chroot));
    Some(all)
}

/// With an architecture the chroot itself, otherwise any that begins so.
fn fitting<'a>(chroots: &'a [ChrootName], wanted: Wanted<'_>) -> Option<&'a ChrootName> {
    let Some(arch) = wanted.arch else {
        return chroots.iter().find(|chroot| chroot.as_str().starts_with(wanted.name_release));
    };
    let is_full_name = |chroot: &&ChrootName| chroot.as_str() == wanted.name_release && chroot.arch() == arch;
    let exact = |chroot: &&ChrootName| chroot.name_release() == wanted.name_release && chroot.arch() == arch;
    chroots.iter().find(exact).or_else(|| chroots.iter().find(is_full_name))
}

fn own(site: &Site, published: &Published, dir: &DirName, chroot: &ChrootName) -> Section {
    let owner = &published.project.owner;
    Section {
        id: format!("copr:{}:{}:{dir}", site.host, owner.in_repo_id()),
        name: format!("Copr repo for {dir} owned by {owner}"),
        ..hosted(site, (owner, dir), &pattern(chroot, "$basearch"), published.options)
    }
}

fn multilib(site: &Site, published: &Published, wanted: Wanted<'_>, chroot: &ChrootName) -> Option<Section> {
    let second = format!("{}-{}", chroot.name_release(), MULTILIB.1);
    let has_both = wanted.arch == Some(MULTILIB.0) && published.chroots.iter().any(|c| c.as_str() == second);
    if !published.multilib || !has_both {
        return None;
    }
    let (owner, dir) = (&published.project.owner, wanted.dir);
    Some(Section {
        id: format!("copr:{}:{}:{dir}:ml", site.host, owner.in_repo_id()),
        name: format!("Copr repo for {dir} owned by {owner} ({})", MULTILIB.1),
        cost: Some(1100),
        ..hosted(site, (owner, dir), &pattern(chroot, MULTILIB.1), published.options)
    })
}

/// External ones are counted from 1 again. Copr: `coprs_general.py`, generate_repo_file.
fn dependencies(site: &Site, published: &Published, chroot: &ChrootName) -> Vec<Section> {
    let (mut hosted, mut external) = (0, 0);
    let one = |dependency: &Dependency| match dependency {
        Dependency::Copr { .. } => {
            hosted += 1;
            copr_dependency(site, published, dependency, (hosted, chroot))
        }
        Dependency::External { pattern, priority } => {
            external += 1;
            external_dependency(site, published, (pattern, *priority), (external, chroot))
        }
        Dependency::Missing { name } => comment(format!("runtime dependency {name} does not exist")),
    };
    published.dependencies.iter().map(one).collect()
}

fn copr_dependency(
    site: &Site,
    published: &Published,
    dependency: &Dependency,
    (number, chroot): (usize, &ChrootName),
) -> Section {
    let Dependency::Copr { owner, dir, options } = dependency else { return Section::default() };
    Section {
        id: copr_id(site, owner, dir),
        name: copr_name(site, published, number, (owner, dir)),
        ..hosted(site, (owner, dir), &pattern(chroot, "$basearch"), *options)
    }
}

fn external_dependency(
    site: &Site,
    published: &Published,
    (pattern, priority): (&str, Option<i64>),
    (number, chroot): (usize, &ChrootName),
) -> Section {
    let baseurl = pattern.replace("$chroot", chroot.as_str()).replace("$distname", chroot.distribution());
    Section {
        id: external_id(pattern),
        name: external_name(site, published, number, pattern),
        baseurl: one_line(&baseurl),
        priority,
        ..Section::default()
    }
}

/// A repository of this server: signed with the project's key, which lies in the directory.
fn hosted(site: &Site, (owner, dir): (&OwnerName, &DirName), pattern: &str, options: Options) -> Section {
    let dir_url = site.dir_url(owner, dir);
    Section {
        baseurl: format!("{dir_url}{pattern}/"),
        gpgkey: Some(format!("{dir_url}pubkey.gpg")),
        module_hotfixes: options.module_hotfixes,
        priority: options.shown_priority(),
        ..Section::default()
    }
}

fn comment(text: String) -> Section {
    Section { comment: Some(one_line(&text)), ..Section::default() }
}

/// Nothing that a stranger wrote may begin a line of its own.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn pattern(chroot: &ChrootName, arch: &str) -> String {
    let releasever = WITH_RELEASEVER.contains(&chroot.distribution()) && chroot.release() != "cauldron";
    let name_release = if releasever {
        format!("{}-$releasever", chroot.distribution())
    } else {
        chroot.name_release().to_owned()
    };
    format!("{name_release}-{arch}")
}

pub(super) fn copr_id(site: &Site, owner: &OwnerName, dir: &DirName) -> String {
    format!("coprdep:{}:{}:{dir}", site.host, owner.in_repo_id())
}

pub(super) fn copr_name(
    site: &Site,
    of: &Published,
    number: usize,
    (owner, dir): (&OwnerName, &DirName),
) -> String {
    format!("Copr {}/{} runtime dependency #{number} - {owner}/{dir}", site.host, of.project)
}

pub(super) fn external_id(pattern: &str) -> String {
    format!("coprdep:{}", id_of_url(pattern))
}

pub(super) fn external_name(site: &Site, of: &Published, number: usize, pattern: &str) -> String {
    let id = id_of_url(pattern);
    format!("Copr {}/{} external runtime dependency #{number} - {id}", site.host, of.project)
}

#[cfg(test)]
mod tests;
