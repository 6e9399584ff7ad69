//! What a project is built for: one row a release, with its architectures and its repo file.

use coppice_model::{ChrootName, UnixTime};
use coppice_store::{ChrootSettings, Project, ProjectChroot};
use serde::Serialize;

use crate::{
    pages::{frame::Moment, rows::counted},
    web::Web,
};

#[derive(Debug, Serialize)]
pub struct Release {
    pub name: String,
    pub repo_file: String,
    file_name: String,
    archs: Vec<Arch>,
    /// 32-bit packages are offered beside x86_64.
    multilib: bool,
    /// When the results of its first ending chroot go.
    ends: Option<Moment>,
    /// What the operator says of it.
    comment: String,
    /// How often its repo file was fetched.
    downloads: Option<String>,
}

#[derive(Debug, Serialize)]
struct Arch {
    name: String,
    results: String,
    snapshots: String,
    /// The project sets something of its own for it.
    is_modified: bool,
    /// How many of its packages were fetched.
    downloads: Option<String>,
}

/// In the order of the catalogue.
pub fn releases(
    project: &Project,
    chroots: &[ProjectChroot],
    url: &str,
    web: &Web,
    now: UnixTime,
) -> Vec<Release> {
    let file = format!("{}-{}", project.owner.in_repo_id(), project.name);
    let mut releases: Vec<(&str, Release)> = Vec::new();
    for chroot in chroots {
        let of = chroot.name().name_release();
        let place = releases.iter().position(|(known, _)| *known == of).unwrap_or_else(|| {
            releases.push((of, Release::new(chroot.name(), &file, url)));
            releases.len() - 1
        });
        let Some((_, release)) = releases.get_mut(place) else { continue };
        release.add(project, chroot, (url, web), now);
    }
    releases.into_iter().map(|(_, release)| release).collect()
}

impl Release {
    fn new(chroot: &ChrootName, file: &str, url: &str) -> Self {
        let of = chroot.name_release();
        Self {
            name: readable(chroot),
            repo_file: format!("{url}repo/{of}/{file}-{of}.repo"),
            file_name: format!("{of}.repo"),
            archs: Vec::new(),
            multilib: false,
            ends: None,
            comment: String::new(),
            downloads: None,
        }
    }

    fn add(&mut self, project: &Project, chroot: &ProjectChroot, (url, web): (&str, &Web), now: UnixTime) {
        let (name, settings) = (chroot.name(), &chroot.settings);
        self.archs.push(Arch {
            name: name.arch().to_owned(),
            results: format!("{}/{}/{name}/", web.site.results_url, project.reference()),
            snapshots: format!("{url}snapshots/{name}/"),
            is_modified: ChrootSettings { delete_on: None, ..settings.clone() } != ChrootSettings::default(),
            downloads: downloads(chroot.package_downloads),
        });
        // Counted for every architecture of the release.
        self.downloads = self.downloads.take().or_else(|| downloads(chroot.repo_downloads));
        self.multilib |= project.settings.multilib && name.arch() == "x86_64";
        if self.ends.is_none() {
            self.ends = Moment::of(settings.delete_on, now);
        }
        if self.comment.is_empty() {
            self.comment = chroot.mock.comment.clone();
        }
    }
}

fn downloads(count: i64) -> Option<String> {
    usize::try_from(count).ok().filter(|count| *count > 0).map(|count| counted(count, "download"))
}

/// `Fedora 43`, `EPEL 10`.
pub fn readable(chroot: &ChrootName) -> String {
    let distribution = match chroot.distribution() {
        "fedora" => "Fedora",
        "epel" => "EPEL",
        "rhel" => "RHEL",
        "centos" => "CentOS",
        "centos-stream" => "CentOS Stream",
        "opensuse-leap" => "openSUSE Leap",
        "opensuse" => "openSUSE",
        "mageia" => "Mageia",
        "amazonlinux" => "Amazon Linux",
        other => other,
    };
    format!("{distribution} {}", chroot.release())
}
