//! The end of a package, after a look at what goes with it.

use actix_web::web::Data;
use coppice_model::PackageId;
use coppice_store::{BuildFilter, Conn, Package, Project, builds, packages};
use serde::Serialize;

use super::{Answer, Named};
use crate::{
    App,
    ops::{self, OpError, find_project},
    pages::{
        Page, PageError,
        frame::{Posted, ProjectHead, ProjectPath, see_other},
        new_build::{Ground, read_with},
        project_url,
    },
    web::Web,
};

#[derive(Debug, Serialize)]
struct DeletePage {
    head: ProjectHead,
    tab: &'static str,
    package: Named,
    builds: usize,
    running: usize,
}

fn find(conn: &mut Conn, project: &Project, raw: &str) -> Result<Package, OpError> {
    let missing = || OpError::NotFound(format!("There is no package {raw} in {}.", project.reference()));
    let id: PackageId = raw.parse().map_err(|_| missing())?;
    packages::find_by_id(conn, project.id, id)?.ok_or_else(missing)
}

/// Deletes when `confirm` is `yes`, and asks otherwise.
pub async fn delete(app: Data<App>, web: Data<Web>, path: ProjectPath, posted: Posted) -> Answer {
    if posted.fields.text("confirm") != "yes" {
        return ask(&app, web, path, posted).await;
    }
    let (caller, cx) = (posted.viewer.login()?.clone(), app.context());
    let write = app.store.write(move |tx| {
        let project = find_project(tx, &path.owner, &path.project)?;
        let package = find(tx, &project, path.rest("id"))?;
        ops::delete_package(tx, &cx, &caller, &project, package.name.as_str())?;
        Ok::<_, OpError>((project_url(&project.reference()), package.name))
    });
    let (url, name) = write.await?;
    let said = format!("The package {name} and its builds were deleted.");
    Ok(see_other(&web, format!("{url}packages/")).say(said).answer())
}

async fn ask(app: &App, web: Data<Web>, path: ProjectPath, posted: Posted) -> Answer {
    posted.viewer.login()?;
    let shown = web.clone();
    let read = read_with(app, posted.viewer, move |conn, viewer| {
        let Ground { project, head, .. } = Ground::to_build(conn, &path, viewer)?;
        let package = find(conn, &project, path.rest("id"))?;
        let name = Some(package.name.to_string());
        let filter = BuildFilter { project: Some(project.id), package: name, ..BuildFilter::default() };
        let builds = builds::list(conn, &filter, coppice_store::Page::ALL)?;
        let package = Named::new(&package, &head, &shown);
        let running = builds.iter().filter(|line| !line.state().is_final()).count();
        Ok::<_, PageError>(DeletePage { head, tab: "packages", package, builds: builds.len(), running })
    });
    let (page, viewer) = read.await?;
    Page::new(&web, &viewer).html("package_delete.html", &page)
}
