//! Projects (contract section 7).

use actix_web::web::{Data, Json, Path};
use coppice_store::{Conn, Project, projects};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    ApiError, ApiUser, Body, Fields, Form,
    project_dto::{Listed, ProjectDto},
    publishing::key_warnings,
    query::{Listing, Page, Query},
};
use crate::{
    App,
    ops::{self, ForkWish, NewProject, OpError, ProjectChanges, find_project, find_project_with_chroots},
    web::Web,
};

const SEARCH_LEAST: usize = 3;

type Answer = Result<Json<ProjectDto>, ApiError>;
type Lists = Result<Listing<ProjectDto>, ApiError>;
type OwnerAndName = Path<(String, String)>;

pub async fn get(app: Data<App>, web: Data<Web>, query: Query) -> Answer {
    let owner = query.required("ownername")?.to_owned();
    let name = query.required("projectname")?.to_owned();
    let read = app.store.read(move |conn| listed(conn, &owner, &name));
    Ok(Json(ProjectDto::new(read.await?, &web.site)))
}

pub async fn list(app: Data<App>, web: Data<Web>, query: Query) -> Lists {
    let page = query.page(&["id", "name"], "copr")?;
    let owner = query.get("ownername").filter(|owner| !owner.is_empty()).map(str::to_owned);
    let wanted = page.clone();
    let read = app.store.read(move |conn| {
        let found = if wanted.is_by_id() {
            projects::list(conn, owner.as_deref(), wanted.cut())?
        } else {
            let all = projects::list(conn, owner.as_deref(), coppice_store::Page::ALL)?;
            wanted.slice(ordered(all, &wanted))
        };
        Listed::all(conn, found)
    });
    Ok(answer(read.await?, &page, &web))
}

fn ordered(mut all: Vec<Project>, page: &Page) -> Vec<Project> {
    if page.order == "name" {
        all.sort_by(|a, b| a.name.cmp(&b.name));
    }
    if page.descending {
        all.reverse();
    }
    all
}

pub async fn search(app: Data<App>, web: Data<Web>, query: Query) -> Lists {
    let words = query.required("query")?.to_owned();
    if words.chars().count() < SEARCH_LEAST {
        let text = format!("Search string must have at least {SEARCH_LEAST} characters");
        return Err(ApiError::BadRequest(text));
    }
    let page = query.unordered_page()?;
    let cut = page.cut();
    let read = app.store.read(move |conn| {
        let found = projects::search(conn, &words, cut)?;
        Listed::all(conn, found)
    });
    Ok(answer(read.await?, &page, &web))
}

fn answer(found: Vec<Listed>, page: &Page, web: &Web) -> Listing<ProjectDto> {
    let items = found.into_iter().map(|listed| ProjectDto::new(listed, &web.site)).collect();
    if page.is_by_id() { Listing::by_id(items, page, ProjectDto::id) } else { Listing::ordered(items, page) }
}

pub async fn add(
    app: Data<App>,
    web: Data<Web>,
    ApiUser(caller): ApiUser,
    owner: Path<String>,
    (query, body): (Query, Body),
) -> Answer {
    let fields = body.fields().await?;
    let new = new_project(&fields, owner.into_inner(), query.flag("exist_ok"))?;
    let (context, warnings) = (app.context(), key_warnings(new.key_algorithm));
    let made = app.store.write(move |tx| {
        let project = ops::create_project(tx, &context, &caller, &new)?;
        Ok::<_, OpError>(Listed::one(tx, project)?)
    });
    Ok(Json(ProjectDto::new(made.await?, &web.site).with(warnings)))
}

pub async fn edit(
    app: Data<App>,
    web: Data<Web>,
    ApiUser(caller): ApiUser,
    path: OwnerAndName,
    body: Body,
) -> Answer {
    let changes = project_changes(&body.fields().await?)?;
    let context = app.context();
    let (owner, name) = path.into_inner();
    let changed = app.store.write(move |tx| {
        let project = find_project(tx, &owner, &name)?;
        let project = ops::edit_project(tx, &context, &caller, &project, &changes)?;
        Ok::<_, OpError>(Listed::one(tx, project)?)
    });
    Ok(Json(ProjectDto::new(changed.await?, &web.site)))
}

/// Answers with the copy; its results come later.
pub async fn fork(
    app: Data<App>,
    web: Data<Web>,
    ApiUser(caller): ApiUser,
    path: OwnerAndName,
    body: Body,
) -> Answer {
    let wish = fork_wish(&body.fields().await?)?;
    let context = app.context();
    let (owner, name) = path.into_inner();
    let forked = app.store.write(move |tx| {
        let source = find_project(tx, &owner, &name)?;
        let project = ops::fork_project(tx, &context, &caller, &source, &wish)?;
        Ok::<_, OpError>(Listed::one(tx, project)?)
    });
    Ok(Json(ProjectDto::new(forked.await?, &web.site)))
}

/// Copr: the project goes whatever `verify` says.
pub async fn delete(
    app: Data<App>,
    web: Data<Web>,
    ApiUser(caller): ApiUser,
    path: OwnerAndName,
    body: Body,
) -> Answer {
    body.fields().await?;
    let context = app.context();
    let (owner, name) = path.into_inner();
    let deleted = app.store.write(move |tx| {
        let listed = listed(tx, &owner, &name)?;
        ops::delete_project(tx, &context, &caller, &listed.project)?;
        Ok::<_, OpError>(listed)
    });
    Ok(Json(ProjectDto::new(deleted.await?, &web.site)))
}

pub async fn regenerate(
    app: Data<App>,
    web: Data<Web>,
    ApiUser(caller): ApiUser,
    path: OwnerAndName,
) -> Answer {
    let context = app.context();
    let (owner, name) = path.into_inner();
    let ordered = app.store.write(move |tx| {
        let listed = listed(tx, &owner, &name)?;
        ops::regenerate_repos(tx, &context, &caller, &listed.project)?;
        Ok::<_, OpError>(listed)
    });
    Ok(Json(ProjectDto::new(ordered.await?, &web.site)))
}

/// A secret that no forge knows yet; the old one stops working.
pub async fn renew_webhook_secret(
    app: Data<App>,
    ApiUser(caller): ApiUser,
    path: OwnerAndName,
) -> Result<Json<Value>, ApiError> {
    let (owner, name) = path.into_inner();
    let secret = Uuid::new_v4().to_string();
    let renewed = app.store.write(move |tx| {
        let project = find_project(tx, &owner, &name)?;
        ops::renew_webhook_secret(tx, &caller, &project, &secret)?;
        Ok::<_, OpError>((project, secret))
    });
    let (project, secret) = renewed.await?;
    Ok(Json(json!({
        "id": project.id, "name": project.name, "ownername": project.owner,
        "full_name": project.reference().to_string(), "webhook_secret": secret
    })))
}

fn listed(conn: &mut Conn, owner: &str, name: &str) -> Result<Listed, OpError> {
    let (project, chroots) = find_project_with_chroots(conn, owner, name)?;
    Ok(Listed { project, chroots })
}

/// Where a copy goes.
pub fn fork_wish(fields: &Fields) -> Result<ForkWish, ApiError> {
    let mut form = Form::new(fields);
    let wish = ForkWish {
        name: form.required("name"),
        ownername: form.text("ownername").filter(|owner| !owner.is_empty()),
        confirm: form.flag("confirm").unwrap_or(false),
    };
    form.finish()?;
    Ok(wish)
}

/// What a new project shall be; pages and API read the same fields.
pub fn new_project(fields: &Fields, ownername: String, exist_ok: bool) -> Result<NewProject, ApiError> {
    let mut form = Form::new(fields);
    // An absent name is a problem that the rule reports together with all others.
    let name = form.text("name").unwrap_or_default();
    let persistent = form.flag("persistent");
    let storage = form.text("storage");
    let key_algorithm = form.key_algorithm("key_algorithm");
    let settings = read_changes(&mut form);
    form.finish()?;
    Ok(NewProject { ownername, name, persistent, storage, exist_ok, key_algorithm, settings })
}

/// What shall change in a project; absent fields stay.
pub fn project_changes(fields: &Fields) -> Result<ProjectChanges, ApiError> {
    let mut form = Form::new(fields);
    let changes = read_changes(&mut form);
    form.finish()?;
    Ok(changes)
}

fn read_changes(form: &mut Form<'_>) -> ProjectChanges {
    ProjectChanges {
        chroots: form.words("chroots"),
        description: form.text("description"),
        instructions: form.text("instructions"),
        homepage: form.text("homepage"),
        contact: form.text("contact"),
        additional_repos: form.words("additional_repos").or_else(|| form.words("repos")),
        unlisted_on_hp: form.flag("unlisted_on_hp"),
        devel_mode: form.flag("devel_mode"),
        enable_net: form.flag("enable_net"),
        auto_prune: form.flag("auto_prune"),
        bootstrap: bootstrap(form),
        isolation: form.text("isolation"),
        follow_fedora_branching: form.flag("follow_fedora_branching"),
        delete_after_days: delete_after_days(form),
        multilib: form.flag("multilib"),
        module_hotfixes: form.flag("module_hotfixes"),
        appstream: form.flag("appstream"),
        fedora_review: form.flag("fedora_review"),
        runtime_dependencies: form.words("runtime_dependencies"),
        packit_forge_projects_allowed: form.words("packit_forge_projects_allowed"),
        repo_priority: form.integer("repo_priority"),
    }
}

/// Old clients send a flag.
fn bootstrap(form: &mut Form<'_>) -> Option<String> {
    let by_flag = |on: bool| if on { "on" } else { "off" }.to_owned();
    form.text("bootstrap").or_else(|| form.flag("use_bootstrap_container").map(by_flag))
}

/// An empty text cancels the expiry, as -1 does.
fn delete_after_days(form: &mut Form<'_>) -> Option<i64> {
    let is_empty = form.text("delete_after_days").is_some_and(|text| text.trim().is_empty());
    if is_empty { Some(-1) } else { form.integer("delete_after_days") }
}
