//! The newest result of every package in every chroot (contract section 13).

use actix_web::web::{Data, Json};
use coppice_model::{DirName, OwnerName, package::SourceHeader, state::ChrootState};
use coppice_store::{Conn, Project, builds, builds::Newest, project_dirs};
use schemars::JsonSchema;
use serde::Serialize;

use super::{ApiError, query::Query, shape::Ordered};
use crate::{
    App,
    ops::{OpError, find_project_with_chroots},
    web::Web,
};

/// Clients make `url_build` up themselves.
const FIELDS: [&str; 3] = ["url_build_log", "url_backend_log", "url_build"];

#[derive(Debug, Serialize, JsonSchema)]
pub struct Monitor {
    output: &'static str,
    message: &'static str,
    packages: Vec<PackageRow>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct PackageRow {
    name: String,
    chroots: Ordered<ChrootCell>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct ChrootCell {
    state: &'static str,
    status: u16,
    build_id: i64,
    pkg_version: Option<String>,
    /// Only when it was asked for; `null` while there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    url_build_log: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url_backend_log: Option<Option<String>>,
}

pub async fn get(app: Data<App>, web: Data<Web>, query: Query) -> Result<Json<Monitor>, ApiError> {
    let (owner, name) = (query.required("ownername")?.to_owned(), query.required("projectname")?.to_owned());
    let dir = query.get("project_dirname").filter(|dir| !dir.is_empty()).map(str::to_owned);
    let fields = query.all("additional_fields[]");
    let wrong: Vec<&str> = fields.iter().copied().filter(|field| !FIELDS.contains(field)).collect();
    if !wrong.is_empty() {
        let text = format!("Wrong additional_fields argument(s): {}", wrong.join(", "));
        return Err(ApiError::BadRequest(text));
    }
    let (dir, newest) = app.store.read(move |conn| read(conn, &owner, &name, dir)).await?;
    let packages = rows(newest, &dir, &fields, &web);
    Ok(Json(Monitor { output: "ok", message: "Project monitor request successful", packages }))
}

/// Where the results of a directory are.
struct Dir {
    owner: OwnerName,
    name: DirName,
}

/// A fixed number of statements, however many packages there are.
fn read(
    conn: &mut Conn,
    owner: &str,
    name: &str,
    dir: Option<String>,
) -> Result<(Dir, Vec<Newest>), OpError> {
    let (project, chroots) = find_project_with_chroots(conn, owner, name)?;
    let main = DirName::from(&project.name);
    let name = match dir {
        Some(wanted) if wanted != main.as_str() => known_dir(conn, &project, &wanted)?,
        _ => main,
    };
    let newest = builds::newest_in_chroots(conn, project.id, &name, &chroots)?;
    Ok((Dir { owner: project.owner, name }, newest))
}

fn known_dir(conn: &mut Conn, project: &Project, wanted: &str) -> Result<DirName, OpError> {
    let dirs = project_dirs::list(conn, project.id)?.into_iter().map(|dir| dir.name);
    let missing =
        || OpError::NotFound(format!("Dirname '{wanted}' doesn't exist in '{}' copr", project.reference()));
    dirs.into_iter().find(|dir| dir.as_str() == wanted).ok_or_else(missing)
}

/// `newest` comes by package.
fn rows(newest: Vec<Newest>, dir: &Dir, fields: &[&str], web: &Web) -> Vec<PackageRow> {
    let mut rows: Vec<PackageRow> = Vec::new();
    let dir_url = web.site.dir_url(&dir.owner, &dir.name);
    for one in newest {
        let told = (one.chroot.to_string(), told(&one, &dir_url, fields));
        match rows.last_mut().filter(|row| row.name == one.package.as_str()) {
            Some(row) => row.chroots.0.push(told),
            None => rows.push(PackageRow { name: one.package.into(), chroots: Ordered(vec![told]) }),
        }
    }
    rows
}

fn told(newest: &Newest, dir_url: &str, fields: &[&str]) -> ChrootCell {
    // Packed when nothing is added any more.
    let ending = if newest.ended_on.is_some() { ".gz" } else { "" };
    let log = |field: &str, log: &str| {
        let results = newest.result_dir.as_ref();
        let url = results.map(|results| format!("{dir_url}{}/{results}/{log}{ending}", newest.chroot));
        fields.contains(&field).then_some(url)
    };
    ChrootCell {
        state: newest.state.as_str(),
        status: code(newest.state),
        build_id: newest.build.0,
        pkg_version: newest.header.as_ref().map(SourceHeader::evr),
        url_build_log: log("url_build_log", "builder-live.log"),
        url_backend_log: log("url_backend_log", "backend.log"),
    }
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
