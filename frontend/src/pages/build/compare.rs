//! What was different when the package was last built well: its sources, and the packages of the build root.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web::Data};
use coppice_model::{ChrootName, package::Nevra};
use coppice_store::BuildChroot;
use serde::Serialize;

use super::{
    build_url,
    load::{self, Shown},
    package,
};
use crate::{
    App,
    logs::{LogAddress, LogFile, clean},
    pages::{
        Page, PageError, Viewer,
        frame::{ProjectHead, ProjectPath},
        project_url,
        words::counted,
    },
    web::Web,
};

/// A list of a build root has a few hundred packages.
const MOST_BYTES: usize = 8 << 20;
const MOST_LINES: u64 = 20_000;

#[derive(Debug, Serialize)]
struct Comparison<'a> {
    head: &'a ProjectHead,
    tab: &'static str,
    id: i64,
    url: String,
    title: String,
    chroot: String,
    /// The last good build.
    good: Option<GoodBuild>,
    summary: String,
    changed: Vec<Change>,
    added: Vec<Change>,
    removed: Vec<Change>,
}

#[derive(Debug, Serialize)]
struct GoodBuild {
    id: i64,
    url: String,
}

/// A package of the build root.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    name: String,
    arch: String,
    before: String,
    now: String,
}

/// Versions by name and architecture; some packages may be there several times.
type Root = BTreeMap<(String, String), String>;

pub async fn page(
    app: Data<App>,
    web: Data<Web>,
    viewer: Viewer,
    path: ProjectPath,
) -> Result<HttpResponse, PageError> {
    let shown = load::load(&app, &viewer, &path, |_| true).await?;
    let name = path.rest("chroot");
    let chroot = shown.view.chroots.iter().find(|chroot| chroot.chroot.as_str() == name);
    let missing = || PageError::NotFound(format!("Build {} has no chroot {name}.", shown.view.build.id));
    let chroot = chroot.ok_or_else(missing)?;
    let roots = Roots { app: &app, web: &web, shown: &shown };
    let values = roots.compare(chroot).await?;
    Page::new(&web, &viewer).html("build_compare.html", &values)
}

struct Roots<'a> {
    app: &'a App,
    web: &'a Web,
    shown: &'a Shown,
}

impl<'a> Roots<'a> {
    async fn compare(&self, chroot: &BuildChroot) -> Result<Comparison<'a>, PageError> {
        let view = &self.shown.view;
        let mut comparison = Comparison {
            head: &self.shown.head,
            tab: "builds",
            id: view.build.id.0,
            url: build_url(view),
            title: package(&view.into()),
            chroot: chroot.chroot.to_string(),
            good: None,
            summary: String::new(),
            changed: vec![],
            added: vec![],
            removed: vec![],
        };
        let Some(good) = self.shown.last_good(&chroot.chroot) else {
            comparison.summary = "This package was never built well for this chroot before.".into();
            return Ok(comparison);
        };
        let url = format!("{}build/{}/", project_url(&view.build.project), good.build);
        comparison.good = Some(GoodBuild { id: good.build.0, url });
        let before = match &good.result_dir {
            Some(dir) => self.root(&folder(self.shown, &good.dir, &chroot.chroot, dir)).await?,
            None => None,
        };
        let now = match &chroot.result_dir {
            Some(dir) => match self.root(&folder(self.shown, &view.build.dir, &chroot.chroot, dir)).await? {
                Some(root) => Some(root),
                None => self.listed(chroot).await?,
            },
            None => None,
        };
        match (before, now) {
            (Some(before), Some(now)) => comparison.fill(&before, &now),
            (None, _) => {
                comparison.summary = format!(
                    "The results of build {} are gone, so that there is nothing to compare with.",
                    good.build
                );
            }
            (_, None) => {
                comparison.summary =
                    "This build left no list of its build root: it ended before there was one.".into();
            }
        }
        Ok(comparison)
    }

    /// `buildroot.json` of a result folder; an empty list says nothing.
    async fn root(&self, folder: &str) -> Result<Option<Root>, PageError> {
        let bytes = self.web.peers.result_file(&format!("{folder}/buildroot.json"), MOST_BYTES).await?;
        let packages: Vec<Nevra> =
            bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        Ok(if packages.is_empty() { None } else { Some(packages.iter().map(entry).collect()) })
    }

    /// The list that a failed build leaves as a log.
    async fn listed(&self, chroot: &BuildChroot) -> Result<Option<Root>, PageError> {
        let file = LogFile::parse("installed_pkgs").unwrap_or(LogFile::LIVE);
        let Some(address) = LogAddress::of_chroot(&self.shown.view, chroot, chroot.attempt, file) else {
            return Ok(None);
        };
        let Some(spool) = self.web.logs.find(self.app, &self.web.peers, &address).await? else {
            return Ok(None);
        };
        let reading = tokio::task::spawn_blocking(move || spool.lines(1, MOST_LINES, MOST_BYTES));
        let lines = reading.await.map_err(std::io::Error::other).flatten();
        let lines = lines.map_err(|error| PageError::Internal(Box::new(error)))?;
        let root: Root = lines.iter().filter_map(|line| parse(&line.text)).collect();
        Ok(Some(root).filter(|root| !root.is_empty()))
    }
}

fn folder(shown: &Shown, dir: &coppice_model::DirName, chroot: &ChrootName, result_dir: &str) -> String {
    format!("{}/{dir}/{chroot}/{result_dir}", shown.view.build.project.owner)
}

fn entry(nevra: &Nevra) -> ((String, String), String) {
    let epoch = nevra.epoch.filter(|epoch| *epoch > 0).map(|epoch| format!("{epoch}:")).unwrap_or_default();
    let version = format!("{epoch}{}-{}", nevra.version, nevra.release);
    let [name, arch, version] = [&nevra.name, &nevra.arch, &version].map(|text| clean(text.as_bytes()));
    ((name, arch), version)
}

/// `name-[epoch:]version-release.arch`, and whatever follows it.
fn parse(line: &str) -> Option<((String, String), String)> {
    let whole = line.split_whitespace().next()?;
    let (rest, arch) = whole.rsplit_once('.')?;
    let (rest, release) = rest.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    let version = version.strip_prefix("0:").unwrap_or(version);
    Some(((name.to_owned(), arch.to_owned()), format!("{version}-{release}")))
}

impl Comparison<'_> {
    fn fill(&mut self, before: &Root, now: &Root) {
        let change = |(name, arch): &(String, String), before: &str, now: &str| Change {
            name: name.clone(),
            arch: arch.clone(),
            before: before.to_owned(),
            now: now.to_owned(),
        };
        for (key, version) in now {
            match before.get(key) {
                None => self.added.push(change(key, "", version)),
                Some(old) if old != version => self.changed.push(change(key, old, version)),
                Some(_) => {}
            }
        }
        let gone = before.iter().filter(|(key, _)| !now.contains_key(*key));
        self.removed = gone.map(|(key, version)| change(key, version, "")).collect();
        let count = self.changed.len() + self.added.len() + self.removed.len();
        self.summary = match count {
            0 => format!("The build root held the same {}.", counted(now.len() as u64, "package")),
            _ => format!(
                "{} changed, {} added, {} removed of {} in the build root.",
                self.changed.len(),
                self.added.len(),
                self.removed.len(),
                counted(now.len() as u64, "package")
            ),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_both_builders_are_read() {
        for (line, name, arch, version) in [
            (
                "bash-5.2.26-3.fc40.x86_64 1712345678 8000000 abcdef installed",
                "bash",
                "x86_64",
                "5.2.26-3.fc40",
            ),
            ("perl-libs-4:5.38.2-506.fc40.x86_64", "perl-libs", "x86_64", "4:5.38.2-506.fc40"),
            ("tzdata-0:2024a-5.noarch", "tzdata", "noarch", "2024a-5"),
        ] {
            assert_eq!(parse(line), Some(((name.into(), arch.into()), version.into())), "{line}");
        }
        assert_eq!(parse("nothing of the kind"), None);
    }
}
