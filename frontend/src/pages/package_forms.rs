//! Forms of packages: their default sources and settings, builds from them, and their end.

mod delete;
mod prefill;
mod rebuild;
mod rebuild_all;

use actix_web::{
    HttpResponse,
    web::{Data, ServiceConfig, resource},
};
use coppice_store::Package;
use serde::Serialize;

use super::{
    Page, PageError, Viewer,
    frame::{Form, Posted, ProjectHead, ProjectPath, see_other},
    new_build::{Ground, Kind, SourceChoices, read_with},
};
use crate::{
    App, api,
    ops::{self, Caller, OpError, find_package, find_project},
    web::Web,
};

type Answer = Result<HttpResponse, PageError>;

/// Below a project.
pub fn routes(config: &mut ServiceConfig) {
    let kind = "{kind:scm|distgit|pypi|rubygems|custom}";
    config
        .service(resource("/package/add").get(add_form))
        .service(resource(format!("/package/add/{kind}")).get(add_form))
        .service(resource(format!("/package/new/{kind}")).post(add))
        .service(resource("/package/{package}/edit").get(edit_form).post(edit))
        .service(resource(format!("/package/{{package}}/edit/{kind}")).get(edit_form).post(edit))
        .service(resource("/package/{package}/rebuild").get(rebuild::form).post(rebuild::submit))
        .service(resource("/package/{id:\\d+}/delete").post(delete::delete))
        .service(resource("/packages/rebuild-all").get(rebuild_all::form).post(rebuild_all::submit));
}

#[derive(Debug, Serialize)]
struct PackagePage {
    head: ProjectHead,
    tab: &'static str,
    /// `None`: it is to be made.
    package: Option<Named>,
    kind: &'static str,
    action: String,
    sources: Vec<SourceTab>,
    form: Form,
    #[serde(flatten)]
    source: SourceChoices,
}

#[derive(Debug, Serialize)]
struct Named {
    id: i64,
    name: String,
    url: String,
    /// Its source now, in a few words.
    source: Option<String>,
}

impl Named {
    fn new(package: &Package, head: &ProjectHead, web: &Web) -> Self {
        Self {
            id: package.id.0,
            name: package.name.to_string(),
            url: format!("{}package/{}/", head.url, package.name),
            source: package.source.as_ref().map(|source| prefill::in_words(source, web)),
        }
    }
}

#[derive(Debug, Serialize)]
struct SourceTab {
    kind: &'static str,
    label: &'static str,
    url: String,
}

fn tabs(below: &str) -> Vec<SourceTab> {
    let tab = |kind: Kind| SourceTab {
        kind: kind.word(),
        label: kind.label(),
        url: format!("{below}{}/", kind.word()),
    };
    Kind::OF_PACKAGES.map(tab).into()
}

fn asked_kind(path: &ProjectPath) -> Option<Kind> {
    let word = path.rest("kind");
    Kind::OF_PACKAGES.into_iter().find(|kind| kind.word() == word)
}

async fn add_form(app: Data<App>, web: Data<Web>, viewer: Viewer, path: ProjectPath) -> Answer {
    let (page, viewer) = load_new(&app, viewer, path, Form::blank()).await?;
    Page::new(&web, &viewer).html("package_form.html", &page)
}

async fn load_new(
    app: &App,
    viewer: Viewer,
    path: ProjectPath,
    form: Form,
) -> Result<(PackagePage, Viewer), PageError> {
    viewer.login()?;
    let settings = app.settings.clone();
    read_with(app, viewer, move |conn, viewer| {
        let Ground { head, .. } = Ground::to_build(conn, &path, viewer)?;
        let kind = asked_kind(&path).unwrap_or(Kind::Scm);
        Ok(PackagePage {
            tab: "packages",
            package: None,
            kind: kind.word(),
            action: format!("{}package/new/{}/", head.url, kind.word()),
            sources: tabs(&format!("{}package/add/", head.url)),
            form,
            source: SourceChoices::load(conn, kind, &settings)?,
            head,
        })
    })
    .await
}

async fn add(app: Data<App>, web: Data<Web>, path: ProjectPath, posted: Posted) -> Answer {
    let Posted { viewer, fields, .. } = posted;
    let caller = viewer.login()?.clone();
    let name = fields.text("package_name").trim().to_owned();
    let sent = fields.as_api().clone().without_blanks();
    match added(&app, caller, (&path, &name), &sent).await {
        Ok(project_url) => {
            let answer = see_other(&web, format!("{project_url}package/{name}/"));
            Ok(answer.say(format!("The package {name} was added.")).answer())
        }
        Err(error) => {
            let form = Form::from(&fields).fail(error)?;
            let (page, viewer) = load_new(&app, viewer, path, form).await?;
            Page::new(&web, &viewer).refused("package_form.html", &page)
        }
    }
}

async fn added(
    app: &App,
    caller: Caller,
    (path, name): (&ProjectPath, &str),
    fields: &api::Fields,
) -> Result<String, PageError> {
    let (form, cx) = (api::package_form(fields)?, app.context());
    let (path, name) = (path.clone(), name.to_owned());
    let write = app.store.write(move |tx| {
        let project = find_project(tx, &path.owner, &path.project)?;
        ops::add_package(tx, &cx, &caller, &project, (&name, path.rest("kind"), &form))?;
        Ok::<_, OpError>(super::project_url(&project.reference()))
    });
    Ok(write.await?)
}

async fn edit_form(app: Data<App>, web: Data<Web>, viewer: Viewer, path: ProjectPath) -> Answer {
    let (page, viewer) = load_known(&app, web.clone(), (viewer, path), None).await?;
    Page::new(&web, &viewer).html("package_form.html", &page)
}

/// With what was typed, or as the package is.
async fn load_known(
    app: &App,
    web: Data<Web>,
    (viewer, path): (Viewer, ProjectPath),
    typed: Option<Form>,
) -> Result<(PackagePage, Viewer), PageError> {
    viewer.login()?;
    let settings = app.settings.clone();
    read_with(app, viewer, move |conn, viewer| {
        let Ground { head, project, .. } = Ground::to_build(conn, &path, viewer)?;
        let package = find_package(conn, &project, path.rest("package"))?;
        let kind = asked_kind(&path).or(prefill::kind(&package)).unwrap_or(Kind::Scm);
        let below = format!("{}package/{}/edit/", head.url, package.name);
        Ok(PackagePage {
            tab: "packages",
            kind: kind.word(),
            action: format!("{below}{}/", kind.word()),
            sources: tabs(&below),
            form: typed.unwrap_or_else(|| prefill::form(&package, kind, &web)),
            source: SourceChoices::load(conn, kind, &settings)?,
            package: Some(Named::new(&package, &head, &web)),
            head,
        })
    })
    .await
}

async fn edit(app: Data<App>, web: Data<Web>, path: ProjectPath, posted: Posted) -> Answer {
    let Posted { viewer, fields, .. } = posted;
    let caller = viewer.login()?.clone();
    // The form shows everything that is set: what is blank there is to be gone.
    let fields = fields.with_boxes(&["webhook_rebuild"]);
    let mut sent = fields.as_api().clone();
    for (name, nothing) in [("max_builds", "0"), ("timeout", "0"), ("python_versions", "3")] {
        if fields.some(name).is_none() {
            sent.set(name, nothing);
        }
    }
    match edited(&app, caller, &path, &sent).await {
        Ok(url) => Ok(see_other(&web, url).say("The package was saved.").answer()),
        Err(error) => {
            let form = Form::from(&fields).fail(error)?;
            let (page, viewer) = load_known(&app, web.clone(), (viewer, path), Some(form)).await?;
            Page::new(&web, &viewer).refused("package_form.html", &page)
        }
    }
}

async fn edited(
    app: &App,
    caller: Caller,
    path: &ProjectPath,
    fields: &api::Fields,
) -> Result<String, PageError> {
    let (form, cx, path) = (api::package_form(fields)?, app.context(), path.clone());
    let write = app.store.write(move |tx| {
        let project = find_project(tx, &path.owner, &path.project)?;
        let kind = Some(path.rest("kind")).filter(|kind| !kind.is_empty());
        let package = ops::edit_package(tx, &cx, &caller, &project, (path.rest("package"), kind, &form))?;
        let url = super::project_url(&project.reference());
        Ok::<_, OpError>(format!("{url}package/{}/", package.name))
    });
    Ok(write.await?)
}
