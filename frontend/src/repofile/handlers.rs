//! `.repo` files and the document for dnf5 over HTTP.

use actix_web::{
    HttpResponse,
    http::header::{CACHE_CONTROL, CONTENT_DISPOSITION},
    web::{self, Data, Path, ServiceConfig},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use coppice_model::DirName;
use serde_json::json;

use super::{
    load::{load_dir, load_project},
    project::Published,
    rpmrepo::document,
    sections::{Reading, Wanted, sections},
};
use crate::{
    App,
    api::{ApiError, Query},
    pages::{PageError, ProjectPath},
    web::Web,
};

type Answer = Result<HttpResponse, PageError>;

/// Below a directory of a project. The name of the file is the client's choice.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(web::resource("/repo/{name_release}").get(file))
        .service(web::resource("/repo/{name_release}/{file}").get(file));
}

async fn file(app: Data<App>, web: Data<Web>, path: ProjectPath, query: Query) -> Answer {
    let name_release = path.rest("name_release").to_owned();
    let ProjectPath { owner, project: dir, .. } = path;
    let missing = PageError::NotFound(format!("Project {owner}/{dir} does not exist."));
    let Ok(dir) = dir.parse::<DirName>() else { return Err(missing) };
    let (wanted, now) = (dir.clone(), app.clock.now());
    let found = app.store.read(move |conn| load_dir(conn, &owner, &wanted, now)).await?;
    let published = found.ok_or(missing)?;
    let wanted = Wanted { dir: &dir, name_release: &name_release, arch: query.get("arch") };
    let Some(mut sections) = sections(&web.site, &published, wanted) else {
        return Err(no_chroot(&published, &name_release));
    };
    reading(&query)?.apply(&mut sections);
    let name = format!("filename={}-{dir}.repo", published.project.owner);
    Ok(HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .insert_header((CONTENT_DISPOSITION, name))
        .insert_header((CACHE_CONTROL, "max-age=300"))
        .body(web.templates.repo_file(&sections)?))
}

fn reading(query: &Query) -> Result<Reading, PageError> {
    let snapshot = query.get("snapshot").map(str::parse::<u64>).transpose();
    let snapshot = snapshot.map_err(|_| PageError::NotFound("A snapshot is named by its number.".into()))?;
    Ok(Reading { is_checked: query.get("repo_gpgcheck") == Some("1"), snapshot })
}

/// dnf prints the chroots of the header.
fn no_chroot(published: &Published, name_release: &str) -> PageError {
    let available = json!({ "available chroots": published.chroots }).to_string();
    PageError::NoChroot {
        text: format!("{} has no chroot {name_release}.", published.project),
        available: BASE64_STANDARD.encode(available),
    }
}

/// The whole project, whatever release the client believes to be.
pub async fn rpmrepo(
    app: Data<App>,
    web: Data<Web>,
    path: Path<(String, String, String)>,
) -> Result<HttpResponse, ApiError> {
    let (owner, dir, _) = path.into_inner();
    let missing = ApiError::NotFound(format!("{owner}/{dir} copr doesn't exist"));
    let Ok(dir) = dir.parse::<DirName>() else { return Err(missing) };
    let now = app.clock.now();
    let published =
        app.store.read(move |conn| load_project(conn, &owner, &dir, now)).await?.ok_or(missing)?;
    let document = document(&web.site, &published);
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "max-age=120")).json(document))
}
