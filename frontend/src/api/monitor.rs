//! The newest result of every package in every chroot (contract section 13).

use std::collections::HashMap;

use actix_web::web::{Data, Json};
use coppice_model::{BuildId, ChrootName, DirName, PackageName, package::SourceHeader, state::ChrootState};
use coppice_store::{BuildChroot, BuildView, Conn, builds, project_chroots, project_dirs};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{ApiError, build_dto::chroot_results, query::Query, shape::Ordered};
use crate::{
    App,
    ops::{OpError, find_project},
    web::Web,
};

/// Clients make `url_build` up themselves.
const FIELDS: [&str; 3] = ["url_build_log", "url_backend_log", "url_build"];

#[derive(Debug, Serialize)]
pub struct Monitor {
    output: &'static str,
    message: &'static str,
    packages: Vec<PackageRow>,
}

#[derive(Debug, Serialize)]
struct PackageRow {
    name: String,
    chroots: Ordered<Value>,
}

type Newest = Vec<(PackageName, ChrootName, BuildId)>;

pub async fn get(app: Data<App>, web: Data<Web>, query: Query) -> Result<Json<Monitor>, ApiError> {
    let (owner, name) = (query.required("ownername")?.to_owned(), query.required("projectname")?.to_owned());
    let dir = query.get("project_dirname").filter(|dir| !dir.is_empty()).map(str::to_owned);
    let fields = query.all("additional_fields[]");
    let wrong: Vec<&str> = fields.iter().copied().filter(|field| !FIELDS.contains(field)).collect();
    if !wrong.is_empty() {
        let text = format!("Wrong additional_fields argument(s): {}", wrong.join(", "));
        return Err(ApiError::BadRequest(text));
    }
    let fields: Vec<String> = fields.into_iter().map(ToOwned::to_owned).collect();
    let (newest, views) = app.store.read(move |conn| read(conn, &owner, &name, dir)).await?;
    let packages = rows(&newest, &views, &fields, &web);
    Ok(Json(Monitor { output: "ok", message: "Project monitor request successful", packages }))
}

/// A fixed number of statements, however many packages there are.
fn read(
    conn: &mut Conn,
    owner: &str,
    name: &str,
    dir: Option<String>,
) -> Result<(Newest, HashMap<BuildId, BuildView>), OpError> {
    let project = find_project(conn, owner, name)?;
    let wanted = dir.unwrap_or_else(|| DirName::from(&project.name).to_string());
    let dirs = project_dirs::list(conn, project.id)?.into_iter().map(|dir| dir.name);
    let missing =
        || OpError::NotFound(format!("Dirname '{wanted}' doesn't exist in '{}' copr", project.reference()));
    let dir = dirs.into_iter().find(|dir| dir.as_str() == wanted).ok_or_else(missing)?;
    let chroots = project_chroots::list_buildable(conn, project.id)?;
    let names: Vec<ChrootName> = chroots.iter().map(|chroot| chroot.name().clone()).collect();
    let newest = builds::newest_in_chroots(conn, project.id, &dir, &names, false)?;
    let mut ids: Vec<BuildId> = newest.iter().map(|(_, _, build)| *build).collect();
    ids.sort();
    ids.dedup();
    let views = builds::list_by_id(conn, &ids)?;
    Ok((newest, views.into_iter().map(|view| (view.build.id, view)).collect()))
}

fn rows(
    newest: &Newest,
    views: &HashMap<BuildId, BuildView>,
    fields: &[String],
    web: &Web,
) -> Vec<PackageRow> {
    let mut rows: Vec<PackageRow> = Vec::new();
    for (package, name, build) in newest {
        let Some(view) = views.get(build) else { continue };
        let Some(chroot) = view.chroots.iter().find(|chroot| chroot.chroot == *name) else { continue };
        let told = told(view, chroot, fields, web);
        match rows.last_mut().filter(|row| row.name == package.as_str()) {
            Some(row) => row.chroots.0.push((name.to_string(), told)),
            None => {
                let chroots = Ordered(vec![(name.to_string(), told)]);
                rows.push(PackageRow { name: package.to_string(), chroots });
            }
        }
    }
    rows
}

fn told(view: &BuildView, chroot: &BuildChroot, fields: &[String], web: &Web) -> Value {
    let mut told = Map::new();
    told.insert("state".into(), chroot.state.as_str().into());
    told.insert("status".into(), code(chroot.state).into());
    told.insert("build_id".into(), view.build.id.0.into());
    let version = view.build.header.as_ref().map(SourceHeader::evr);
    told.insert("pkg_version".into(), json!(version));
    let results = chroot_results(view, chroot, web);
    // Packed when nothing is added any more.
    let ending = if chroot.ended_on.is_some() { ".gz" } else { "" };
    for (field, log) in [("url_build_log", "builder-live.log"), ("url_backend_log", "backend.log")] {
        if fields.iter().any(|wanted| wanted == field) {
            let url = results.as_ref().map(|results| format!("{results}{log}{ending}"));
            told.insert(field.into(), json!(url));
        }
    }
    Value::Object(told)
}

/// Copr's numbers (contract section 5).
fn code(state: ChrootState) -> u16 {
    match state {
        ChrootState::Failed => 0,
        ChrootState::Succeeded => 1,
        ChrootState::Canceled => 2,
        ChrootState::Running => 3,
        ChrootState::Pending => 4,
        ChrootState::Skipped => 5,
        ChrootState::Starting => 6,
        ChrootState::Forked => 8,
        ChrootState::Waiting => 9,
    }
}
