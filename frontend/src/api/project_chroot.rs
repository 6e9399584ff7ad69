//! Chroots of projects and the configuration of their builds (contract sections 9.1 to 9.3).

use actix_web::web::{Data, Json, Path};
use coppice_model::{UnixTime, chroot::Repository};
use coppice_store::{BuildView, Conn, Project, ProjectChroot};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::{ApiError, ApiUser, Body, Fields, Form, build_dto::MEMORY_LIMIT, query::Query};
use crate::{
    App,
    ops::{self, BuildConfig, ChrootChanges, NewComps, OpError, find_project, find_project_chroot},
    web::Web,
};

const DAY_S: i64 = 86_400;
/// It travels in a message.
pub const MOST_COMPS_BYTES: u64 = 4 << 20;

#[derive(Debug, Serialize, JsonSchema)]
pub struct ProjectChrootDto {
    additional_repos: Vec<String>,
    additional_packages: Vec<String>,
    additional_modules: Vec<String>,
    with_opts: Vec<String>,
    without_opts: Vec<String>,
    isolation: String,
    mock_chroot: String,
    ownername: String,
    projectname: String,
    comps_name: Option<String>,
    delete_after_days: Option<i64>,
}

impl ProjectChrootDto {
    fn new(project: &Project, chroot: ProjectChroot, now: UnixTime) -> Self {
        let delete_on = ops::end_of(&chroot);
        let mock_chroot = chroot.name().to_string();
        let settings = chroot.settings;
        Self {
            additional_repos: settings.additional_repos,
            additional_packages: settings.additional_packages,
            additional_modules: settings.additional_modules,
            with_opts: settings.with_opts,
            without_opts: settings.without_opts,
            isolation: settings.isolation,
            mock_chroot,
            ownername: project.owner.to_string(),
            projectname: project.name.to_string(),
            comps_name: settings.comps_name,
            delete_after_days: delete_on.map(|time| days_until(time, now)),
        }
    }
}

/// Whole days that are left.
pub fn days_until(time: UnixTime, now: UnixTime) -> i64 {
    (time.0.saturating_sub(now.0) / DAY_S).max(0)
}

struct Named {
    owner: String,
    project: String,
    chroot: String,
}

impl Named {
    fn new(query: &Query) -> Result<Self, ApiError> {
        let text = |name| query.required(name).map(str::to_owned);
        Ok(Self { owner: text("ownername")?, project: text("projectname")?, chroot: text("chrootname")? })
    }

    fn find(&self, conn: &mut Conn) -> Result<(Project, ProjectChroot), OpError> {
        let project = find_project(conn, &self.owner, &self.project)?;
        let chroot = find_project_chroot(conn, &project, &self.chroot)?;
        Ok((project, chroot))
    }
}

pub async fn get(app: Data<App>, query: Query) -> Result<Json<ProjectChrootDto>, ApiError> {
    let (named, now) = (Named::new(&query)?, app.clock.now());
    let (project, chroot) = app.store.read(move |conn| named.find(conn)).await?;
    Ok(Json(ProjectChrootDto::new(&project, chroot, now)))
}

/// Always multipart from clients, with the fields in a part named `json`; the other shapes are taken too.
pub async fn edit(
    app: Data<App>,
    web: Data<Web>,
    ApiUser(caller): ApiUser,
    path: Path<(String, String, String)>,
    body: Body,
) -> Result<Json<ProjectChrootDto>, ApiError> {
    let (fields, files) = body.with_files(&web.uploads).await?;
    let mut changes = chroot_changes(&fields)?;
    if let Some(file) = files.first() {
        let (name, content) = (file.file_name.clone(), file.text(MOST_COMPS_BYTES).await?);
        changes.comps = Some(NewComps { name, content });
    }
    let (owner, project, chroot) = path.into_inner();
    let (named, context) = (Named { owner, project, chroot }, app.context());
    let now = context.now;
    let edited = app.store.write(move |tx| {
        let (project, chroot) = named.find(tx)?;
        let chroot = ops::edit_chroot(tx, &context, &caller, (&project, &chroot), &changes)?;
        Ok::<_, OpError>((project, chroot))
    });
    let (project, chroot) = edited.await?;
    Ok(Json(ProjectChrootDto::new(&project, chroot, now)))
}

/// What shall change in a chroot; absent fields stay. Pages and API read the same fields.
pub fn chroot_changes(fields: &Fields) -> Result<ChrootChanges, ApiError> {
    let mut form = Form::new(fields);
    let by_commas = |text: String| {
        let modules = text.split([',', ' ', '\n']).map(str::trim).filter(|module| !module.is_empty());
        modules.map(ToOwned::to_owned).collect()
    };
    let changes = ChrootChanges {
        additional_repos: form.words("additional_repos"),
        additional_packages: form.words("additional_packages"),
        additional_modules: form.text("additional_modules").map(by_commas),
        with_opts: form.words("with_opts"),
        without_opts: form.words("without_opts"),
        bootstrap: form.text("bootstrap"),
        bootstrap_image: form.text("bootstrap_image"),
        isolation: form.text("isolation"),
        delete_comps: form.flag("delete_comps").unwrap_or(false),
        comps: None,
        reset_fields: form.words("reset_fields").unwrap_or_default(),
    };
    form.finish()?;
    Ok(changes)
}

pub async fn build_config(app: Data<App>, query: Query) -> Result<Json<Value>, ApiError> {
    let (named, context) = (Named::new(&query)?, app.context());
    let read = app.store.read(move |conn| {
        let (project, chroot) = named.find(conn)?;
        ops::build_config(conn, &context.settings, &project, &chroot)
    });
    let config = read.await?;
    let mut answer = common(&config);
    answer["additional_modules"] = json!(config.additional_modules);
    answer["isolation"] = json!(config.isolation);
    answer["chroot"] = json!(config.chroot);
    Ok(Json(answer))
}

/// What one chroot of a build is configured with. Keys without a value are left out.
pub fn config_of_build(view: &BuildView, config: &BuildConfig) -> Value {
    let mut answer = common(config);
    answer["is_background"] = json!(view.build.options.is_background);
    answer["memory_limit"] = json!(MEMORY_LIMIT);
    answer["timeout"] = json!(view.build.options.timeout_s);
    if !matches!(config.bootstrap.as_str(), "default" | "unchanged") {
        answer["bootstrap"] = json!(config.bootstrap);
    }
    if let Some(image) = &config.bootstrap_image {
        answer["bootstrap_image"] = json!(image);
    }
    answer
}

fn common(config: &BuildConfig) -> Value {
    json!({
        "additional_repos": config.additional_repos,
        "additional_packages": config.additional_packages,
        "with_opts": config.with_opts,
        "without_opts": config.without_opts,
        "enable_net": config.enable_net,
        "repos": config.repos.iter().cloned().map(RepoDto::from).collect::<Vec<_>>(),
    })
}

#[derive(Debug, Serialize)]
struct RepoDto {
    id: String,
    name: String,
    baseurl: String,
    priority: Option<i64>,
    module_hotfixes: Option<bool>,
    repo_gpgcheck: Option<bool>,
}

impl From<Repository> for RepoDto {
    fn from(repository: Repository) -> Self {
        let Repository { id, name, baseurl, priority, module_hotfixes, repo_gpgcheck } = repository;
        Self { id, name, baseurl, priority, module_hotfixes, repo_gpgcheck }
    }
}
