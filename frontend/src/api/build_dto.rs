//! Builds and their chroots as the API shows them (contract sections 10.1, 10.2 and 11).

use coppice_model::{
    package::Nevra,
    state::{ChrootState, SourceState},
};
use coppice_store::{BuildChroot, BuildLine, BuildSource, BuildView};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::source_dict::source_dict;
use crate::web::Web;

/// Copr: shown to clients, fixed and unused.
pub const MEMORY_LIMIT: u32 = 2048;

#[derive(Debug, Serialize, JsonSchema)]
pub struct BuildDto {
    chroots: Vec<String>,
    ended_on: Option<i64>,
    id: i64,
    is_background: bool,
    ownername: String,
    project_dirname: String,
    projectname: String,
    repo_url: String,
    started_on: Option<i64>,
    state: &'static str,
    submitted_on: i64,
    submitter: Option<String>,
    source_package: SourcePackage,
    /// Not in Copr: why the source phase failed.
    failure: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct SourcePackage {
    name: Option<String>,
    url: Option<String>,
    version: Option<String>,
}

impl BuildDto {
    pub fn new(view: &BuildView, web: &Web) -> Self {
        Self::of_line(BuildLine::from(view), web)
    }

    pub fn id(&self) -> i64 {
        self.id
    }

    pub fn of_line(line: BuildLine, web: &Web) -> Self {
        Self {
            ended_on: ended_on(&line),
            id: line.id.0,
            is_background: line.is_background,
            repo_url: format!("{}/{}", web.site.results_url, line.project),
            started_on: line.started_on().map(|time| time.0),
            state: line.state().as_str(),
            submitted_on: line.submitted_on.0,
            submitter: line.submitter.map(Into::into),
            source_package: SourcePackage {
                name: line.package.map(Into::into),
                url: line.srpm_url.or_else(|| submitted_url(line.source.as_ref()?, web)),
                version: line.version,
            },
            failure: line.failure.map(|failure| failure.message),
            chroots: line.chroots.into_iter().map(|chroot| chroot.chroot.into()).collect(),
            ownername: line.project.owner.into(),
            project_dirname: line.dir.into(),
            projectname: line.project.name.into(),
        }
    }
}

/// Copr: while a backend has not told when each chroot ended there is none, and of a canceled one it never tells.
fn ended_on(line: &BuildLine) -> Option<i64> {
    let is_canceled = line.source_state == SourceState::Canceled
        || line.chroots.iter().any(|chroot| chroot.state == ChrootState::Canceled);
    line.ended_on().filter(|_| !is_canceled).map(|time| time.0)
}

/// What was submitted, until a builder made an SRPM of it. An uploaded spec file is none.
fn submitted_url(source: &BuildSource, web: &Web) -> Option<String> {
    match source {
        BuildSource::Link { url } => Some(url.clone()),
        BuildSource::Method { .. } | BuildSource::Package { .. } => None,
        upload @ BuildSource::Upload { path, .. } => upload.is_uploaded_srpm().then(|| web.upload_url(path)),
    }
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct SourceChrootDto {
    state: &'static str,
    /// Without a slash at its end.
    result_url: Option<String>,
}

impl SourceChrootDto {
    pub fn new(view: &BuildView, web: &Web) -> Self {
        Self { state: view.build.source_state.as_str(), result_url: source_results(view, web) }
    }
}

/// Where the source phase leaves its files; uploads of SRPMs have no such phase.
pub fn source_results(view: &BuildView, web: &Web) -> Option<String> {
    let build = &view.build;
    let dir_url = web.site.dir_url(&build.project.owner, &build.dir);
    let url = || format!("{dir_url}srpm-builds/{}", build.id.padded());
    build.source_started_on.filter(|_| !build.source.is_uploaded_srpm()).map(|_| url())
}

pub fn source_config(view: &BuildView, web: &Web) -> Value {
    let options = &view.build.options;
    let (kind, mut dict) = source_dict(&view.build.source, web);
    // Copr: here under another name.
    if let Some(method) = dict.get("source_build_method").cloned() {
        dict["srpm_build_method"] = method;
    }
    json!({
        "source_type": kind,
        "source_dict": dict,
        "memory_limit": MEMORY_LIMIT,
        "timeout": options.timeout_s,
        "is_background": options.is_background,
    })
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct BuildChrootDto {
    started_on: Option<i64>,
    ended_on: Option<i64>,
    state: &'static str,
    name: String,
    /// With a slash at its end.
    result_url: Option<String>,
    /// Not in Copr: the finer stage, the attempt, and why it failed.
    stage: Option<&'static str>,
    stage_note: Option<String>,
    attempt: u32,
    failure: Option<String>,
}

impl BuildChrootDto {
    pub fn new(view: &BuildView, chroot: &BuildChroot, web: &Web) -> Self {
        Self {
            started_on: chroot.started_on.map(|time| time.0),
            ended_on: chroot.ended_on.filter(|_| chroot.state != ChrootState::Canceled).map(|time| time.0),
            state: chroot.state.as_str(),
            name: chroot.chroot.to_string(),
            result_url: chroot_results(view, chroot, web),
            stage: chroot.stage.map(coppice_model::state::Stage::as_str),
            stage_note: chroot.stage_note.clone(),
            attempt: chroot.attempt.0,
            failure: chroot.failure.as_ref().map(|failure| failure.message.clone()),
        }
    }
}

pub fn chroot_results(view: &BuildView, chroot: &BuildChroot, web: &Web) -> Option<String> {
    let dir_url = web.site.dir_url(&view.build.project.owner, &view.build.dir);
    chroot.result_dir.as_ref().map(|result_dir| format!("{dir_url}{}/{result_dir}/", chroot.chroot))
}

#[derive(Debug, Serialize, Default, JsonSchema)]
pub struct BuiltPackages {
    #[schemars(with = "Vec<NevraSchema>")]
    pub packages: Vec<Nevra>,
}

/// The shape of a [`Nevra`].
#[derive(JsonSchema)]
#[schemars(rename = "Nevra")]
#[expect(dead_code, reason = "it only describes")]
struct NevraSchema {
    name: String,
    epoch: Option<u32>,
    version: String,
    release: String,
    arch: String,
}
