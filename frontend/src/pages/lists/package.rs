//! One package: where it comes from, how it is built, what became of its builds.

use actix_web::web::{Data, ServiceConfig, resource};
use coppice_model::source_method::SourceMethod;
use coppice_store::{BuildFilter, BuildLine, BuildSource, Conn, Package, Page, Project, builds, packages};
use serde::Serialize;

use super::Answer;
use crate::{
    App,
    pages::{
        PageError, Viewer,
        frame::{self, ProjectHead, ProjectPath},
        markdown::{followable, without_directions},
        project,
        rows::BuildRow,
        words::line_word,
    },
    web::Web,
};

const LATEST: i64 = 25;

pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(resource("/package/{package}").get(show));
}

#[derive(Debug, Serialize)]
struct PackagePage {
    head: ProjectHead,
    tab: &'static str,
    id: i64,
    name: String,
    url: String,
    /// With our address, for other sites.
    full_url: String,
    source: Vec<Detail>,
    settings: Vec<Detail>,
    chroots: Vec<ChrootRow>,
    builds: Vec<BuildRow>,
    /// Where its older builds are.
    older: Option<String>,
}

#[derive(Debug, Serialize)]
struct Detail {
    name: &'static str,
    text: String,
    url: Option<String>,
    is_long: bool,
}

impl Detail {
    fn new(name: &'static str, text: &str) -> Self {
        Self {
            name,
            text: without_directions(text).into_owned(),
            url: followable(text),
            is_long: text.contains('\n'),
        }
    }
}

/// The newest build for a chroot.
#[derive(Debug, Serialize)]
struct ChrootRow {
    chroot: String,
    state: &'static str,
    url: String,
    build: i64,
    version: Option<String>,
}

async fn show(app: Data<App>, web: Data<Web>, viewer: Viewer, path: ProjectPath) -> Answer {
    let (name, now) = (path.rest("package").to_owned(), app.clock.now());
    let read = move |conn: &mut Conn, project: &Project| read(conn, project, &name);
    let (viewer, head, (package, lines)) = project::read(&app, viewer, &path, read).await?;
    let url = format!("{}package/{}/", head.url, package.name);
    let has_more = i64::try_from(lines.len()).unwrap_or(LATEST) >= LATEST;
    let page = PackagePage {
        tab: "packages",
        id: package.id.0,
        full_url: format!("{}{url}", web.public_url),
        source: package.source.as_ref().map(source).unwrap_or_default(),
        settings: settings(&package),
        chroots: chroots(&lines, &head.url),
        builds: lines.iter().map(|line| BuildRow::new(line, now)).collect(),
        older: has_more
            .then(|| format!("{}builds/{}", head.url, super::query(&[("q", package.name.as_str())]))),
        name: package.name.into(),
        url,
        head,
    };
    frame::Page::new(&web, &viewer).html("package.html", &page)
}

fn read(conn: &mut Conn, project: &Project, name: &str) -> Result<(Package, Vec<BuildLine>), PageError> {
    let missing = || PageError::NotFound(format!("Project {} has no package {name}.", project.reference()));
    let package = packages::find(conn, project.id, name)?.ok_or_else(missing)?;
    let filter = BuildFilter {
        project: Some(project.id),
        package: Some(package.name.to_string()),
        ..BuildFilter::default()
    };
    let lines = builds::list(conn, &filter, Page::first(LATEST))?;
    Ok((package, lines))
}

/// In the order in which the newest build has them, then what only older ones were for.
fn chroots(lines: &[BuildLine], project_url: &str) -> Vec<ChrootRow> {
    let mut rows: Vec<ChrootRow> = Vec::new();
    for line in lines.iter().filter(|line| line.dir.is_main()) {
        for chroot in &line.chroots {
            if rows.iter().all(|row| row.chroot != chroot.chroot.as_str()) {
                rows.push(ChrootRow {
                    chroot: chroot.chroot.to_string(),
                    state: line_word(chroot),
                    url: format!("{project_url}build/{}/", line.id),
                    build: line.id.0,
                    version: line.version.clone(),
                });
            }
        }
    }
    rows
}

fn settings(package: &Package) -> Vec<Detail> {
    let settings = &package.settings;
    let rebuild = if settings.webhook_rebuild { "builds by itself when its forge says so" } else { "off" };
    let mut details = vec![Detail::new("Webhook", rebuild)];
    let kept = match settings.max_builds {
        0 => "all that the project keeps".to_owned(),
        some => format!("the newest {some}"),
    };
    details.push(Detail::new("Builds that stay", &kept));
    if let Some(seconds) = settings.timeout_s {
        details.push(Detail::new("Time limit", &format!("{seconds} s")));
    }
    if !settings.chroot_denylist.is_empty() {
        details.push(Detail::new("Never built for", &settings.chroot_denylist.join(", ")));
    }
    details
}

fn source(source: &BuildSource) -> Vec<Detail> {
    let all = match source {
        BuildSource::Link { url } => vec![("Kind", "address"), ("Address", url.as_str())],
        BuildSource::Upload { file_name, .. } => vec![("Kind", "upload"), ("File", file_name.as_str())],
        BuildSource::Package { file_name, .. } => {
            vec![("Kind", "finished package"), ("File", file_name.as_str())]
        }
        BuildSource::Method { method } => by_method(method),
    };
    let filled = all.into_iter().filter(|(_, text)| !text.trim().is_empty());
    filled.map(|(name, text)| Detail::new(name, text)).collect()
}

fn by_method(method: &SourceMethod) -> Vec<(&'static str, &str)> {
    match method {
        SourceMethod::Scm(scm) => vec![
            ("Kind", scm.scm_type.as_str()),
            ("Address", &scm.clone_url),
            ("Branch, tag or commit", &scm.committish),
            ("Subdirectory", &scm.subdirectory),
            ("Spec file", &scm.spec),
            ("SRPM made by", scm.method.as_str()),
        ],
        SourceMethod::Distgit(distgit) => vec![
            ("Kind", "DistGit"),
            ("Instance", &distgit.instance),
            ("Address", &distgit.clone_url),
            ("Namespace", &distgit.namespace),
            ("Branch, tag or commit", &distgit.committish),
        ],
        SourceMethod::Pypi(pypi) => vec![
            ("Kind", "PyPI"),
            ("Name", &pypi.package_name),
            ("Version", pypi.version.as_deref().unwrap_or("the newest")),
            ("Spec file made by", pypi.generator.as_str()),
            ("Template", &pypi.template),
        ],
        SourceMethod::Rubygems { gem_name } => vec![("Kind", "RubyGems"), ("Name", gem_name)],
        SourceMethod::Custom(custom) => vec![
            ("Kind", "script"),
            ("Chroot", &custom.chroot),
            ("Packages that it needs", &custom.builddeps),
            ("Repositories", &custom.repos),
            ("Result directory", &custom.resultdir),
            ("Script", &custom.script),
        ],
    }
}
