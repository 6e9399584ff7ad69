//! Which CI jobs a project trusts.

use actix_web::{HttpResponse, web::Data};
use coppice_store::{NewPublisher, Project, Publisher};
use serde::Serialize;

use crate::{
    App,
    ops::{self, OpError},
    pages::{
        Page, PageError, Viewer,
        frame::{Form, Moment, Posted, ProjectHead, ProjectPath, see_other},
    },
    web::Web,
};

#[derive(Debug, Serialize)]
struct Choice {
    value: String,
    label: String,
}

#[derive(Debug, Serialize)]
struct Row {
    id: i64,
    issuer: String,
    repository: String,
    workflow: Option<String>,
    environment: Option<String>,
    git_ref: Option<String>,
    since: Moment,
}

#[derive(Debug, Serialize)]
struct PublishersPage {
    head: ProjectHead,
    tab: &'static str,
    part: &'static str,
    form: Form,
    rows: Vec<Row>,
    issuers: Vec<Choice>,
    audience: String,
    exchange: String,
}

async fn find(app: &App, path: &ProjectPath) -> Result<Project, PageError> {
    let (owner, name) = (path.owner.clone(), path.project.clone());
    Ok(app.store.read(move |conn| ops::find_project(conn, &owner, &name)).await?)
}

async fn load(
    app: &App,
    web: &Web,
    viewer: &Viewer,
    project: Project,
    form: Form,
) -> Result<PublishersPage, PageError> {
    let caller = viewer.login()?.clone();
    // The head asks what this viewer may; both are read together.
    let rights = (caller.clone(), project.clone());
    let publishers: Vec<Publisher> =
        app.store.read(move |conn| ops::list_publishers(conn, &rights.0, &rights.1)).await?;
    let head = app.store.read(move |conn| ProjectHead::of(conn, &project, Some(&caller))).await?;
    let now = app.clock.now();
    let row = |publisher: Publisher| Row {
        id: publisher.id,
        issuer: publisher.trusts.issuer,
        repository: publisher.trusts.repository,
        workflow: publisher.trusts.workflow,
        environment: publisher.trusts.environment,
        git_ref: publisher.trusts.git_ref,
        since: Moment::new(publisher.created_at, now),
    };
    let issuers = web.accounts.issuer_names().into_iter();
    Ok(PublishersPage {
        head,
        tab: "settings",
        part: "publishers",
        form,
        rows: publishers.into_iter().map(row).collect(),
        issuers: issuers.map(|name| Choice { value: name.clone(), label: name }).collect(),
        audience: web.public_url.clone(),
        exchange: format!("{}/api_3/trusted-publishing/exchange", web.public_url),
    })
}

pub(super) async fn page(
    app: Data<App>,
    web: Data<Web>,
    viewer: Viewer,
    path: ProjectPath,
) -> Result<HttpResponse, PageError> {
    let project = find(&app, &path).await?;
    let page = load(&app, &web, &viewer, project, Form::blank()).await?;
    Page::new(&web, &viewer).html("accounts/publishers.html", &page)
}

pub(super) async fn change(
    app: Data<App>,
    web: Data<Web>,
    path: ProjectPath,
    posted: Posted,
) -> Result<HttpResponse, PageError> {
    let project = find(&app, &path).await?;
    let changed = match posted.fields.some("remove") {
        Some(id) => remove(&app, &posted, &project, id).await,
        None => add(&app, &web, &posted, &project).await,
    };
    match changed {
        Ok(said) => {
            let url = format!("{}integrations/publishers/", crate::pages::project_url(&project.reference()));
            Ok(see_other(&web, url).say(said).answer())
        }
        Err(error) => {
            let form = Form::from(&posted.fields).fail(error)?;
            let page = load(&app, &web, &posted.viewer, project, form).await?;
            Page::new(&web, &posted.viewer).refused("accounts/publishers.html", &page)
        }
    }
}

async fn add(app: &App, web: &Web, posted: &Posted, project: &Project) -> Result<&'static str, PageError> {
    let (caller, now, fields) = (posted.viewer.login()?.clone(), app.clock.now(), &posted.fields);
    let optional = |name: &str| fields.some(name).map(str::to_owned);
    let wish = NewPublisher {
        issuer: fields.text("issuer").to_owned(),
        repository: fields.text("repository").trim().to_owned(),
        workflow: optional("workflow"),
        environment: optional("environment"),
        git_ref: optional("git_ref"),
    };
    let (issuers, project) = (web.accounts.issuer_names(), project.clone());
    let added = app.store.write(move |tx| ops::add_publisher(tx, &caller, &project, wish, (&issuers, now)));
    added.await?;
    Ok("Jobs of this workflow may build here from now on.")
}

async fn remove(app: &App, posted: &Posted, project: &Project, id: &str) -> Result<&'static str, PageError> {
    let (caller, project) = (posted.viewer.login()?.clone(), project.clone());
    let gone = || OpError::NotFound("This project trusts that workflow no more already.".into());
    let id: i64 = id.parse().map_err(|_| gone())?;
    app.store.write(move |tx| ops::remove_publisher(tx, &caller, &project, id)).await?;
    Ok("Jobs of that workflow get no tokens any more.")
}
