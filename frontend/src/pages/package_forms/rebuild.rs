//! A build of a package from its default source.

use actix_web::web::Data;
use coppice_store::BuildView;
use serde::Serialize;

use super::{Answer, Named};
use crate::{
    App, api,
    ops::{self, Caller, find_package},
    pages::{
        Page, PageError, Viewer,
        frame::{Fields, Form, Posted, ProjectHead, ProjectPath},
        new_build::{Ground, OptionChoices, api_fields, lead_on, read_with},
    },
    web::Web,
};

#[derive(Debug, Serialize)]
struct RebuildPage {
    head: ProjectHead,
    tab: &'static str,
    package: Named,
    /// Patterns that are left out when no chroot is chosen.
    denylist: Option<String>,
    form: Form,
    #[serde(flatten)]
    options: OptionChoices,
}

pub async fn form(app: Data<App>, web: Data<Web>, viewer: Viewer, path: ProjectPath) -> Answer {
    let (page, viewer) = load(&app, web.clone(), (viewer, path), None).await?;
    Page::new(&web, &viewer).html("package_rebuild.html", &page)
}

async fn load(
    app: &App,
    web: Data<Web>,
    (viewer, path): (Viewer, ProjectPath),
    typed: Option<Form>,
) -> Result<(RebuildPage, Viewer), PageError> {
    viewer.login()?;
    read_with(app, viewer, move |conn, viewer| {
        let ground = Ground::to_build(conn, &path, viewer)?;
        let package = find_package(conn, &ground.project, path.rest("package"))?;
        let form = typed.unwrap_or_else(|| {
            let timeout = package.settings.timeout_s.map(|seconds| seconds.to_string());
            OptionChoices::unchanged().set("timeout", timeout.unwrap_or_default())
        });
        let denied = &package.settings.chroot_denylist;
        Ok(RebuildPage {
            tab: "packages",
            package: Named::new(&package, &ground.head, &web),
            denylist: Some(denied.join(", ")).filter(|text| !text.is_empty()),
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
    match order(&app, caller, (&path, &fields), vec![path.rest("package").to_owned()]).await {
        Ok(views) => Ok(lead_on(&web, &views)),
        Err(error) => {
            let form = Form::from(&fields).fail(error)?;
            let (page, viewer) = load(&app, web.clone(), (viewer, path), Some(form)).await?;
            Page::new(&web, &viewer).refused("package_rebuild.html", &page)
        }
    }
}

/// Builds of packages from their default sources, with the options of a form.
pub(super) async fn order(
    app: &App,
    caller: Caller,
    (path, fields): (&ProjectPath, &Fields),
    names: Vec<String>,
) -> Result<Vec<BuildView>, PageError> {
    let (request, _) = api::build_request(&api_fields(path, fields))?;
    let cx = app.context();
    let write = app.store.write(move |tx| ops::build_packages(tx, &cx, &caller, &request, &names));
    Ok(write.await?)
}
