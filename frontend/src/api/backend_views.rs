//! What Copr's backend asks its frontend, for people and tests that read it (contract section 22). Our own backend
//! hears by messages; nothing here changes anything.

use std::collections::BTreeSet;

use actix_web::{
    HttpResponse, Resource,
    middleware::DefaultHeaders,
    web::{self, Data, Path, ServiceConfig},
};
use coppice_model::{
    ActionId,
    chroot::Repository,
    messages::{BackendTask, Import},
    package::SourceHeader,
    source_method::SourceMethod,
    state::ActionState,
    work::TaskId,
};
use coppice_store::{Action, ActionMessage, BuildSource, BuildView, MockChroot, mock_chroots};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{ApiError, build_dto::MEMORY_LIMIT, source_dict::source_dict};
use crate::{
    App,
    ops::{self, OpError, RpmTask, SourceTask},
    web::Web,
};

/// The version of Copr's protocol that these answers follow.
const PROTOCOL: &str = "9";

type Answer = Result<HttpResponse, ApiError>;

pub fn backend_routes(config: &mut ServiceConfig) {
    config
        .service(at("/get-build-task/{task}").wrap(version()).route(web::get().to(rpm_task)))
        .service(at("/get-srpm-build-task/{task}").wrap(version()).route(web::get().to(source_task)))
        .service(at("/pending-jobs").wrap(version()).route(web::get().to(jobs)))
        .service(at("/pending-actions").wrap(version()).route(web::get().to(actions)))
        .service(at("/pending-action").wrap(version()).route(web::get().to(action)))
        .service(at("/pending-action-count").wrap(version()).route(web::get().to(count)))
        .service(at("/action/{id:\\d+}").wrap(version()).route(web::get().to(one_action)))
        .service(at("/chroots-prunerepo-status").wrap(version()).route(web::get().to(chroots)))
        .service(at("/importing").wrap(version()).route(web::get().to(imports)))
        .service(at("/get-import-task/{build}").wrap(version()).route(web::get().to(import)));
}

fn at(path: &str) -> Resource {
    web::resource(path)
}

fn version() -> DefaultHeaders {
    DefaultHeaders::new().add(("Copr-FE-BE-API-Version", PROTOCOL))
}

fn found<T>(task: Option<T>, tell: impl FnOnce(T) -> Value) -> Answer {
    Ok(match task {
        Some(task) => HttpResponse::Ok().json(tell(task)),
        None => HttpResponse::NotFound().json(json!({ "msg": "Specified task ID not found" })),
    })
}

async fn rpm_task(app: Data<App>, path: Path<String>) -> Answer {
    let Ok(TaskId::Rpm(build, chroot)) = path.parse() else { return found(None::<RpmTask>, tell_rpm_task) };
    let context = app.context();
    let read = app.store.read(move |conn| ops::find_rpm_task(conn, &context, build, &chroot));
    found(read.await?, tell_rpm_task)
}

async fn source_task(app: Data<App>, web: Data<Web>, path: Path<String>) -> Answer {
    let tell = |task: SourceTask| tell_source_task(&task, &web);
    let Ok(TaskId::Source(build)) = path.parse() else { return found(None, tell) };
    found(app.store.read(move |conn| ops::find_source_task(conn, build)).await?, tell)
}

async fn jobs(app: Data<App>) -> Answer {
    let tasks = app.store.read(ops::list_tasks).await?;
    let all: Vec<Value> = tasks.iter().map(|(view, task)| Value::Object(tell_task(view, task))).collect();
    Ok(HttpResponse::Ok().json(all))
}

async fn actions(app: Data<App>) -> Answer {
    let waiting = app.store.read(ops::list_waiting_actions).await?;
    let brief = |action: &Action| json!({ "id": action.id, "priority": priority(action), "project_owner": action.project.owner });
    Ok(HttpResponse::Ok().json(waiting.iter().map(brief).collect::<Vec<_>>()))
}

/// The oldest, or `null`.
async fn action(app: Data<App>) -> Answer {
    let waiting: Result<Vec<Action>, OpError> = app.store.read(ops::list_waiting_actions).await;
    Ok(HttpResponse::Ok().json(waiting?.first().map(tell_action)))
}

async fn count(app: Data<App>) -> Answer {
    Ok(HttpResponse::Ok().json(app.store.read(ops::list_waiting_actions).await?.len()))
}

async fn one_action(app: Data<App>, path: Path<String>) -> Answer {
    let id = path.parse().map(ActionId).map_err(|_| ApiError::NoSuchEndpoint)?;
    let found = app.store.read(move |conn| coppice_store::actions::find(conn, id)).await?;
    let missing = || ApiError::NotFound(format!("Action {id} does not exist."));
    let action = found.ok_or_else(missing)?;
    let result = match action.state {
        ActionState::Waiting => 0,
        ActionState::Success => 1,
        ActionState::Failure => 2,
    };
    let mut told = tell_action(&action);
    told["result"] = result.into();
    told["ended_on"] = json!(action.ended_on);
    told["message"] = json!(action.error);
    Ok(HttpResponse::Ok().json(told))
}

/// Nothing is pruned because a chroot has ended: its results stay.
async fn chroots(app: Data<App>) -> Answer {
    let all = app.store.read(mock_chroots::list).await?;
    let told = |chroot: MockChroot| {
        (chroot.name.to_string(), json!({ "active": chroot.is_active, "final_prunerepo_done": false }))
    };
    Ok(HttpResponse::Ok().json(all.into_iter().map(told).collect::<Map<_, _>>()))
}

async fn imports(app: Data<App>) -> Answer {
    let context = app.context();
    let waiting = app.store.read(move |conn| ops::list_imports(conn, &context)).await?;
    Ok(HttpResponse::Ok()
        .json(waiting.iter().map(|(view, import)| tell_import(view, import)).collect::<Vec<_>>()))
}

async fn import(app: Data<App>, path: Path<String>) -> Answer {
    let Ok(TaskId::Source(build)) = path.parse() else { return found(None::<Value>, Into::into) };
    let context = app.context();
    let read = app.store.read(move |conn| ops::find_import(conn, &context, build)).await?;
    found(read, |(view, import)| tell_import(&view, &import))
}

/// Contract section 23.
fn tell_import(view: &BuildView, import: &Import) -> Value {
    let task = tell_task(view, &TaskId::Source(view.build.id));
    json!({
        "build_id": import.build,
        "owner": import.project.owner,
        "project": import.project.name,
        "branches": import.branches.iter().map(|branch| &branch.branch).collect::<BTreeSet<_>>(),
        "pkg_name": view.build.package().map_or_else(|| named_by_file(&import.srpm_url), |name| Some(name.as_str())),
        "srpm_url": import.srpm_url,
        "sandbox": task["sandbox"],
        "background": task["background"],
    })
}

/// `…/NAME-VERSION-RELEASE.src.rpm`, as rpmbuild calls its files; nobody has looked into it yet.
fn named_by_file(url: &str) -> Option<&str> {
    let (_, file) = url.rsplit_once('/')?;
    file.strip_suffix(".src.rpm")?.rsplitn(3, '-').nth(2)
}

/// What every task says.
fn tell_task(view: &BuildView, task: &TaskId) -> Map<String, Value> {
    let build = &view.build;
    let submitter = build.submitter.as_ref().map_or("nobody", |name| name.as_str());
    let chroot = match (task, &build.source) {
        (TaskId::Rpm(_, chroot), _) => json!(chroot),
        (TaskId::Source(_), BuildSource::Method { method: SourceMethod::Custom(custom) }) => {
            json!(custom.chroot)
        }
        (TaskId::Source(_), _) => Value::Null,
    };
    let mut told = Map::new();
    told.insert("task_id".into(), task.to_string().into());
    told.insert("build_id".into(), json!(build.id));
    told.insert("project_owner".into(), json!(build.project.owner));
    told.insert("sandbox".into(), format!("{}--{submitter}", build.project).into());
    told.insert("background".into(), build.options.is_background.into());
    if matches!(task, TaskId::Rpm(..)) {
        told.insert("tags".into(), json!([]));
        told.insert("allow_user_ssh".into(), false.into());
    }
    told.insert("chroot".into(), chroot);
    told
}

fn tell_rpm_task(task: RpmTask) -> Value {
    let RpmTask { view, chroot, project, environment } = task;
    let (build, settings) = (&view.build, &project.settings);
    let mut told = Value::Object(tell_task(&view, &chroot.task()));
    let commit = chroot.commit.as_ref();
    for (key, value) in [
        ("project_name", json!(build.project.name)),
        ("project_dirname", json!(build.dir)),
        ("submitter", json!(build.submitter)),
        ("package_name", json!(build.package())),
        ("package_version", json!(build.header.as_ref().map(SourceHeader::evr))),
        ("git_repo", json!(commit.map(|commit| &commit.clone_url))),
        ("git_hash", json!(commit.map(|commit| &commit.commit))),
        ("repos", environment.repositories.iter().map(tell_repository).collect()),
        ("buildroot_pkgs", json!(environment.additional_packages)),
        ("with_opts", json!(environment.with_opts)),
        ("without_opts", json!(environment.without_opts)),
        ("isolation", json!(environment.isolation)),
        ("enable_net", json!(environment.enable_net)),
        ("memory_reqs", json!(MEMORY_LIMIT)),
        ("timeout", json!(build.options.timeout_s)),
        ("uses_devel_repo", json!(settings.devel_mode)),
        ("fedora_review", json!(settings.fedora_review)),
        ("appstream", json!(settings.appstream)),
        ("repo_priority", json!(settings.repo_priority)),
        ("storage", json!(0)),
        ("ssh_public_keys", Value::Null),
    ] {
        told[key] = value;
    }
    if !matches!(environment.bootstrap.as_str(), "default" | "unchanged") {
        told["bootstrap"] = json!(environment.bootstrap);
    }
    if let Some(image) = environment.bootstrap_image {
        told["bootstrap_image"] = json!(image);
    }
    if !environment.additional_modules.is_empty() {
        let toggle: Vec<Value> =
            environment.additional_modules.iter().map(|text| tell_module(text)).collect();
        told["modules"] = json!({ "toggle": toggle });
    }
    told
}

fn tell_module(text: &str) -> Value {
    match text.strip_prefix('!') {
        Some(module) => json!({ "disable": module }),
        None => json!({ "enable": text }),
    }
}

/// Of foreign repositories only what is known.
fn tell_repository(repository: &Repository) -> Value {
    #[derive(Serialize)]
    struct Told<'a> {
        id: &'a str,
        name: &'a str,
        baseurl: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        priority: Option<i64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        module_hotfixes: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        repo_gpgcheck: Option<bool>,
    }
    let Repository { id, name, baseurl, priority, module_hotfixes, repo_gpgcheck } = repository;
    json!(Told {
        id,
        name,
        baseurl,
        priority: *priority,
        module_hotfixes: *module_hotfixes,
        repo_gpgcheck: *repo_gpgcheck
    })
}

fn tell_source_task(task: &SourceTask, web: &Web) -> Value {
    let build = &task.view.build;
    let (kind, dict) = source_dict(&build.source, web);
    let mut told = Value::Object(tell_task(&task.view, &TaskId::Source(build.id)));
    for (key, value) in [
        ("project_name", json!(build.project.name)),
        ("project_dirname", json!(build.dir)),
        ("submitter", json!(build.submitter)),
        ("package_name", json!(build.package())),
        ("source_type", json!(source_number(kind))),
        ("source_json", json!(dict.to_string())),
        ("repos", json!([])),
        ("distributions_in_project", json!(task.in_project)),
        ("distributions_in_build", json!(task.in_build)),
        ("appstream", json!(task.project.settings.appstream)),
    ] {
        told[key] = value;
    }
    told
}

/// Contract section 5.
fn source_number(kind: &str) -> u8 {
    match kind {
        "link" => 1,
        "upload" => 2,
        "pypi" => 5,
        "rubygems" => 6,
        "scm" => 8,
        "custom" => 9,
        "distgit" => 10,
        _ => 0,
    }
}

fn tell_action(action: &Action) -> Value {
    json!({
        "id": action.id, "action_type": action_number(action), "object_type": "copr", "object_id": 0,
        "copr_id": null, "old_value": null, "new_value": null, "priority": priority(action),
        "created_on": action.created_at,
        "data": json!({
            "ownername": action.project.owner, "projectname": action.project.name, "what": action.kind.as_str()
        }).to_string()
    })
}

/// Contract section 22; Copr knows no roll back and no change of keys.
fn action_number(action: &Action) -> u8 {
    match &action.message {
        ActionMessage::Keygen(_) | ActionMessage::Backend(BackendTask::RotateKeyV1(_)) => 5,
        ActionMessage::Backend(BackendTask::DeleteBuildsV1(_) | BackendTask::DeleteProjectV1(_)) => 0,
        ActionMessage::Backend(BackendTask::ForkV1(_)) => 7,
        ActionMessage::Backend(_) => 3,
    }
}

/// Lower is earlier.
fn priority(action: &Action) -> i8 {
    match action_number(action) {
        5 => -70,
        0 => 60,
        _ => 0,
    }
}
