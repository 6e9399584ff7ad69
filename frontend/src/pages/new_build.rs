//! The form of a new build, by where its sources come from; posted in the words of the API.

mod choices;
mod ground;
mod kind;

use actix_web::{
    HttpResponse,
    web::{Data, ServiceConfig, resource},
};
use coppice_model::BuildId;
use coppice_store::BuildView;
use serde::Serialize;

use super::{
    Page, PageError, Viewer,
    frame::{Fields, Form, Posted, ProjectHead, ProjectPath, see_other},
    project_url,
};
use crate::{
    App,
    api::{self, Query},
    ops::{self, Caller, OpError, Problem},
    uploads::Upload,
    web::Web,
};
pub(super) use choices::{OptionChoices, SourceChoices, is_on};
pub(super) use ground::{Ground, read_with};
pub(super) use kind::Kind;

type Answer = Result<HttpResponse, PageError>;

/// Below a project.
pub fn routes(config: &mut ServiceConfig) {
    let kinds = "{kind:upload|scm|distgit|pypi|rubygems|custom}";
    config
        .service(resource("/add_build").get(form))
        .service(resource(format!("/add_build_{kinds}")).get(form))
        .service(resource("/new_build").post(submit))
        .service(resource(format!("/new_build_{kinds}")).post(submit));
}

/// What an address may fill in: the links "build after this one" and "build with this one" of other pages.
const FROM_ADDRESS: [&str; 4] = ["after_build_id", "with_build_id", "project_dirname", "pkgs"];

async fn form(app: Data<App>, web: Data<Web>, viewer: Viewer, path: ProjectPath, query: Query) -> Answer {
    let kind = Kind::of(path.rest("kind"));
    let mut form = Form::blank().set("bootstrap", "unchanged").set("isolation", "unchanged");
    for name in FROM_ADDRESS {
        if let Some(text) = query.get(name) {
            form = form.set(name, text);
        }
    }
    let (page, viewer) = load(&app, viewer, (path, kind, form)).await?;
    Page::new(&web, &viewer).html("new_build.html", &page)
}

async fn submit(app: Data<App>, web: Data<Web>, path: ProjectPath, posted: Posted) -> Answer {
    let kind = Kind::of(path.rest("kind"));
    let Posted { viewer, fields, file } = posted;
    let caller = viewer.login()?.clone();
    match submitted(&app, caller, (&path, kind), (&fields, file)).await {
        Ok(views) => Ok(lead_on(&web, &views)),
        Err(error) => {
            let form = Form::from(&fields).fail(error)?;
            let (page, viewer) = load(&app, viewer, (path, kind, form)).await?;
            Page::new(&web, &viewer).refused("new_build.html", &page)
        }
    }
}

/// The fields as the API reads them: of the project that the address names.
pub(super) fn api_fields(path: &ProjectPath, fields: &Fields) -> api::Fields {
    let mut fields = fields.as_api().clone().without_blanks();
    fields.set("ownername", &path.owner);
    fields.set("projectname", &path.project);
    fields
}

async fn submitted(
    app: &Data<App>,
    caller: Caller,
    (path, kind): (&ProjectPath, Kind),
    (fields, file): (&Fields, Option<Upload>),
) -> Result<Vec<BuildView>, PageError> {
    let (fields, cx) = (api_fields(path, fields), app.context());
    let (request, urls) = api::build_request(&fields)?;
    let view = match kind {
        Kind::Link => {
            let made = app.store.write(move |tx| ops::submit_links(tx, &cx, &caller, &request, &urls));
            return Ok(made.await?);
        }
        Kind::Upload => {
            let file = file.ok_or_else(no_file)?;
            let made = api::submit_file(app.clone(), caller, (request, file), ops::submit_upload).await;
            made.map_err(|broken| PageError::Internal(Box::new(broken)))??
        }
        method => {
            let source = api::build_source(&fields)?;
            let write = app
                .store
                .write(move |tx| ops::submit_method(tx, &cx, &caller, &request, (method.word(), &source)));
            write.await?
        }
    };
    Ok(vec![view])
}

fn no_file() -> OpError {
    OpError::Invalid(vec![Problem::new("pkgs", "No file was chosen. Choose an SRPM or a spec file.")])
}

/// To the build, or to the list when there are several.
pub(super) fn lead_on(web: &Web, views: &[BuildView]) -> HttpResponse {
    let Some(first) = views.first() else { return see_other(web, "/recent/my/").answer() };
    let url = project_url(&first.build.project);
    let ids: Vec<BuildId> = views.iter().map(|view| view.build.id).collect();
    match ids.as_slice() {
        [one] => see_other(web, format!("{url}build/{one}/")).say(format!("Build {one} was submitted.")),
        [first, .., last] => see_other(web, format!("{url}builds/"))
            .say(format!("{} builds were submitted, {first} to {last}.", ids.len())),
        [] => see_other(web, url),
    }
    .answer()
}

#[derive(Debug, Serialize)]
struct NewBuildPage {
    head: ProjectHead,
    tab: &'static str,
    kind: &'static str,
    action: String,
    sources: Vec<SourceTab>,
    form: Form,
    #[serde(flatten)]
    source: SourceChoices,
    #[serde(flatten)]
    options: OptionChoices,
}

/// One way to give sources, in the row above the form.
#[derive(Debug, Serialize)]
struct SourceTab {
    kind: &'static str,
    label: &'static str,
    url: String,
}

async fn load(
    app: &App,
    viewer: Viewer,
    (path, kind, form): (ProjectPath, Kind, Form),
) -> Result<(NewBuildPage, Viewer), PageError> {
    viewer.login()?;
    let settings = app.settings.clone();
    read_with(app, viewer, move |conn, viewer| {
        let ground = Ground::to_build(conn, &path, viewer)?;
        let source = SourceChoices::load(conn, kind, &settings)?;
        let url = &ground.head.url;
        let tab = |kind: &Kind| SourceTab {
            kind: kind.word(),
            label: kind.label(),
            url: format!("{url}add_build{}/", kind.suffix()),
        };
        Ok(NewBuildPage {
            tab: "builds",
            kind: kind.word(),
            action: format!("{url}new_build{}/", kind.suffix()),
            sources: Kind::ALL.iter().map(tab).collect(),
            options: OptionChoices::new(&ground, &form),
            source,
            form,
            head: ground.head,
        })
    })
    .await
}
