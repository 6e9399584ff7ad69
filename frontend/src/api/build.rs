//! Reading and changing builds (contract sections 10.2 and 10.8).

use std::collections::HashMap;

use actix_web::web::{Data, Json, Path};
use coppice_model::{BuildId, ChrootName, package::Nevra, state::BuildState};
use coppice_store::{BuildFilter, BuildView, Conn, StoreError, builds, built_packages};
use serde_json::{Value, json};

use super::{
    ApiError, ApiUser, Body, Fields, Form,
    build_dto::{BuildDto, BuiltPackages, SourceChrootDto, source_config},
    query::{Listing, Query},
    shape::Ordered,
};
use crate::{
    App,
    ops::{self, find_build, find_project},
    web::Web,
};

/// Addresses are matched as digits, so only a number beyond all ids fails here.
pub fn build_id(raw: &str) -> Result<BuildId, ApiError> {
    raw.parse().map_err(|_| ApiError::NotFound(format!("Build {raw} does not exist.")))
}

async fn view(app: &App, raw: &str) -> Result<BuildView, ApiError> {
    let id = build_id(raw)?;
    Ok(app.store.read(move |conn| find_build(conn, id)).await?)
}

pub async fn get(app: Data<App>, web: Data<Web>, id: Path<String>) -> Result<Json<BuildDto>, ApiError> {
    Ok(Json(BuildDto::new(&view(&app, &id).await?, &web)))
}

/// Newest first, whatever order is asked for.
pub async fn list(app: Data<App>, web: Data<Web>, query: Query) -> Result<Listing<BuildDto>, ApiError> {
    let page = query.page(&["id"], "build")?;
    let (owner, project) =
        (query.required("ownername")?.to_owned(), query.required("projectname")?.to_owned());
    let package = query.get("packagename").filter(|name| !name.is_empty()).map(str::to_owned);
    let state = query.get("status").filter(|status| !status.is_empty()).map(str::parse::<BuildState>);
    let (cut, before) = (page.cut(), page.after.map(BuildId));
    let views = app.store.read(move |conn| {
        let project = find_project(conn, &owner, &project)?;
        // No build is ever in a state that nobody knows.
        let Ok(state) = state.transpose() else { return Ok(vec![]) };
        let filter =
            BuildFilter { project: Some(project.id), package, state, before, ..BuildFilter::default() };
        Ok::<_, ApiError>(builds::list(conn, &filter, cut)?)
    });
    let items = views.await?.into_iter().map(|line| BuildDto::of_line(line, &web)).collect();
    Ok(Listing::by_id(items, &page, BuildDto::id))
}

pub async fn source_chroot(
    app: Data<App>,
    web: Data<Web>,
    id: Path<String>,
) -> Result<Json<SourceChrootDto>, ApiError> {
    Ok(Json(SourceChrootDto::new(&view(&app, &id).await?, &web)))
}

pub async fn source_build_config(
    app: Data<App>,
    web: Data<Web>,
    id: Path<String>,
) -> Result<Json<Value>, ApiError> {
    Ok(Json(source_config(&view(&app, &id).await?, &web)))
}

pub async fn packages(app: Data<App>, id: Path<String>) -> Result<Json<Ordered<BuiltPackages>>, ApiError> {
    let id = build_id(&id)?;
    let read = app.store.read(move |conn| {
        let view = find_build(conn, id)?;
        let mut built = packages_by_chroot(conn, id)?;
        let entry = |chroot: &ChrootName| {
            let packages = built.remove(chroot).unwrap_or_default();
            (chroot.to_string(), BuiltPackages { packages })
        };
        Ok::<_, ApiError>(Ordered(view.chroots.iter().map(|chroot| &chroot.chroot).map(entry).collect()))
    });
    Ok(Json(read.await?))
}

pub fn packages_by_chroot(
    conn: &mut Conn,
    id: BuildId,
) -> Result<HashMap<ChrootName, Vec<Nevra>>, StoreError> {
    let mut by_chroot: HashMap<ChrootName, Vec<Nevra>> = HashMap::new();
    for (chroot, nevra) in built_packages::list(conn, id)? {
        by_chroot.entry(chroot).or_default().push(nevra);
    }
    Ok(by_chroot)
}

pub async fn cancel(
    app: Data<App>,
    web: Data<Web>,
    ApiUser(caller): ApiUser,
    id: Path<String>,
) -> Result<Json<BuildDto>, ApiError> {
    let (id, context) = (build_id(&id)?, app.context());
    let canceled = app.store.write(move |tx| ops::cancel_build(tx, &context, &caller, id)).await?;
    Ok(Json(BuildDto::new(&canceled, &web)))
}

pub async fn delete(
    app: Data<App>,
    web: Data<Web>,
    ApiUser(caller): ApiUser,
    id: Path<String>,
) -> Result<Json<BuildDto>, ApiError> {
    let (id, context) = (build_id(&id)?, app.context());
    let deleted = app.store.write(move |tx| ops::delete_build(tx, &context, &caller, id)).await?;
    Ok(Json(BuildDto::new(&deleted, &web)))
}

/// All or nothing.
pub async fn delete_list(
    app: Data<App>,
    ApiUser(caller): ApiUser,
    body: Body,
) -> Result<Json<Value>, ApiError> {
    let ids = ids(&body.fields().await?)?;
    let (context, wanted) = (app.context(), ids.clone());
    app.store.write(move |tx| ops::delete_builds(tx, &context, &caller, &wanted)).await?;
    Ok(Json(json!({ "builds": ids })))
}

fn ids(fields: &Fields) -> Result<Vec<BuildId>, ApiError> {
    let mut form = Form::new(fields);
    let words = form.words("builds");
    form.finish()?;
    let words = words.ok_or_else(|| ApiError::BadRequest("builds: This field is required.".into()))?;
    let id = |word: &String| {
        word.parse().map_err(|_| ApiError::BadRequest("builds: Not a valid integer value.".into()))
    };
    words.iter().map(id).collect()
}
