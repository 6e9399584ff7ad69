//! Builds of many packages at once.

use actix_web::web::Data;
use coppice_store::{Package, packages};
use serde::Serialize;

use super::{Answer, Named, rebuild::order};
use crate::{
    App,
    pages::{
        Page, PageError, Viewer,
        frame::{Form, Posted, ProjectHead, ProjectPath},
        new_build::{Ground, OptionChoices, is_on, lead_on, read_with},
    },
    web::Web,
};

#[derive(Debug, Serialize)]
struct RebuildAllPage {
    head: ProjectHead,
    tab: &'static str,
    packages: Vec<Row>,
    /// Of how many there is a source to build from.
    ready: usize,
    form: Form,
    #[serde(flatten)]
    options: OptionChoices,
}

#[derive(Debug, Serialize)]
struct Row {
    #[serde(flatten)]
    named: Named,
    is_ready: bool,
    checked: bool,
}

/// An uploaded file is gone once it was imported.
fn is_ready(package: &Package) -> bool {
    package.source.as_ref().is_some_and(|source| source.uploaded().is_none())
}

pub async fn form(app: Data<App>, web: Data<Web>, viewer: Viewer, path: ProjectPath) -> Answer {
    let (page, viewer) = load(&app, web.clone(), (viewer, path), None).await?;
    Page::new(&web, &viewer).html("rebuild_all.html", &page)
}

async fn load(
    app: &App,
    web: Data<Web>,
    (viewer, path): (Viewer, ProjectPath),
    typed: Option<Form>,
) -> Result<(RebuildAllPage, Viewer), PageError> {
    viewer.login()?;
    read_with(app, viewer, move |conn, viewer| {
        let ground = Ground::to_build(conn, &path, viewer)?;
        let mut all = packages::list(conn, ground.project.id, coppice_store::Page::ALL)?;
        all.sort_by(|a, b| a.name.as_str().cmp(b.name.as_str()));
        let is_fresh = typed.is_none();
        let form = typed.unwrap_or_else(|| OptionChoices::unchanged().set("background", true));
        let row = |package: &Package| Row {
            checked: is_fresh || is_on(&form, "packages", package.name.as_str()),
            is_ready: is_ready(package),
            named: Named::new(package, &ground.head, &web),
        };
        Ok(RebuildAllPage {
            tab: "packages",
            ready: all.iter().filter(|package| is_ready(package)).count(),
            packages: all.iter().map(row).collect(),
            options: OptionChoices::new(&ground, &form),
            form,
            head: ground.head,
        })
    })
    .await
}

pub async fn submit(app: Data<App>, web: Data<Web>, path: ProjectPath, posted: Posted) -> Answer {
    let Posted { viewer, fields, .. } = posted;
    let caller = viewer.login()?.clone();
    let names = fields.list("packages").into_iter().map(str::to_owned).collect();
    match order(&app, caller, (&path, &fields), names).await {
        Ok(views) => Ok(lead_on(&web, &views)),
        Err(error) => {
            let form = Form::from(&fields).fail(error)?;
            let (page, viewer) = load(&app, web.clone(), (viewer, path), Some(form)).await?;
            Page::new(&web, &viewer).refused("rebuild_all.html", &page)
        }
    }
}
