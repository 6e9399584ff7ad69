//! The publishes of one repository: what was there when, who signed it, and how to stay with it.

use actix_web::{HttpResponse, web::Data};
use coppice_model::{
    DirName, ProjectRef,
    signing::{KeyRole, RingKey},
    snapshot::SnapshotEntry,
};
use coppice_store::{ProjectChroot, project_chroots, projects};
use serde::Serialize;

use super::{Page, PageError, Viewer, frame::ProjectPath, project_url};
use crate::{App, calendar, web::Web};

type Answer = Result<HttpResponse, PageError>;

pub async fn page(app: Data<App>, web: Data<Web>, viewer: Viewer, path: ProjectPath) -> Answer {
    let chroot = path.rest("chroot").to_owned();
    let ProjectPath { owner, project: name, .. } = path;
    let read = app.store.read(move |conn| {
        let missing = || PageError::NotFound(format!("Project {owner}/{name} has no chroot {chroot}."));
        let project = projects::find(conn, &owner, &name)?.ok_or_else(missing)?;
        let chroot = project_chroots::find(conn, project.id, &chroot)?.ok_or_else(missing)?;
        Ok::<_, PageError>((project.reference(), chroot))
    });
    let (project, chroot) = read.await?;
    let dir = DirName::from(&project.name);
    let list = web.peers.snapshots(&project.owner, &dir, chroot.name()).await?;
    let ring = web.peers.keys(&project).await?;
    let keys: Vec<KeyRow> = ring.iter().flat_map(|ring| &ring.keys).map(KeyRow::from).collect();
    let repository = Repository::new(&project, &chroot, &web);
    let (current, entries) = list.map_or((0, Vec::new()), |list| (list.current, list.snapshots));
    let row = |entry: &SnapshotEntry| Row::new(entry, current, &repository);
    let snapshots = entries.iter().rev().map(row).collect();
    Page::new(&web, &viewer).html(
        "snapshots.html",
        &SnapshotPage { snapshots, keys, repository, public_url: web.public_url.clone() },
    )
}

#[derive(Debug, Serialize)]
struct SnapshotPage {
    #[serde(flatten)]
    repository: Repository,
    public_url: String,
    keys: Vec<KeyRow>,
    /// Newest first.
    snapshots: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Repository {
    project: String,
    project_url: String,
    owner: String,
    name: String,
    chroot: String,
    results: String,
    repo_file: String,
}

impl Repository {
    fn new(project: &ProjectRef, chroot: &ProjectChroot, web: &Web) -> Self {
        let (url, chroot) = (project_url(project), chroot.name());
        let file = format!("{}-{}", project.owner.in_repo_id(), project.name);
        Self {
            repo_file: format!("{url}repo/{0}/{file}-{0}.repo", chroot.name_release()),
            results: format!("{}/{project}/{chroot}/", web.site.results_url),
            project: project.to_string(),
            project_url: url,
            owner: project.owner.to_string(),
            name: project.name.to_string(),
            chroot: chroot.to_string(),
        }
    }
}

#[derive(Debug, Serialize)]
struct KeyRow {
    fingerprint: String,
    role: KeyRole,
    expires: Option<String>,
}

impl From<&RingKey> for KeyRow {
    fn from(ring: &RingKey) -> Self {
        let expires = ring.key.expires_on.map(calendar::moment);
        Self { fingerprint: ring.key.fingerprint.clone(), role: ring.role, expires }
    }
}

#[derive(Debug, Serialize)]
struct Row {
    number: u64,
    is_current: bool,
    url: String,
    repo_file: String,
    published: String,
    packages: u64,
    builds: u64,
    restored_from: Option<u64>,
    key: String,
}

impl Row {
    fn new(entry: &SnapshotEntry, current: u64, repository: &Repository) -> Self {
        let number = entry.number;
        let key = entry.key.clone().unwrap_or_default();
        Self {
            number,
            is_current: number == current,
            url: format!("{}snapshots/{number}/", repository.results),
            repo_file: format!("{}?snapshot={number}", repository.repo_file),
            published: calendar::moment(entry.published_on),
            packages: entry.packages,
            builds: entry.builds,
            restored_from: entry.of,
            key: key[key.len().saturating_sub(16)..].to_owned(),
        }
    }
}
