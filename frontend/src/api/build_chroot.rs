//! Builds in single chroots (contract section 11), each in a new form with a query and an old one with a path.

use actix_web::web::{Data, Json, Path};
use coppice_store::{BuildChroot, BuildView, Conn};
use serde_json::Value;

use super::{
    ApiError,
    build::{build_id, packages_by_chroot},
    build_dto::{BuildChrootDto, BuiltPackages},
    project_chroot::config_of_build,
    query::{List, Meta, Page, Query},
};
use crate::{
    App,
    ops::{self, find_build, find_build_chroot},
    web::Web,
};

type Answer<T> = Result<Json<T>, ApiError>;

/// A build and a chroot, as the client named them.
struct Named {
    build: String,
    chroot: String,
}

impl Named {
    fn in_query(query: &Query) -> Result<Self, ApiError> {
        let build = build_of(query)?;
        Ok(Self { build, chroot: query.required("chrootname")?.to_owned() })
    }
}

impl From<Path<(String, String)>> for Named {
    fn from(path: Path<(String, String)>) -> Self {
        let (build, chroot) = path.into_inner();
        Self { build, chroot }
    }
}

fn build_of(query: &Query) -> Result<String, ApiError> {
    let build = query.required("build_id")?;
    let is_number = !build.is_empty() && build.bytes().all(|b| b.is_ascii_digit());
    let wrong = || ApiError::BadRequest("build_id: Not a valid integer value.".into());
    is_number.then(|| build.to_owned()).ok_or_else(wrong)
}

fn find(conn: &mut Conn, named: &Named) -> Result<(BuildView, BuildChroot), ApiError> {
    Ok(find_build_chroot(conn, build_id(&named.build)?, &named.chroot)?)
}

async fn one(app: &App, web: &Web, named: Named) -> Answer<BuildChrootDto> {
    let (view, chroot) = app.store.read(move |conn| find(conn, &named)).await?;
    Ok(Json(BuildChrootDto::new(&view, &chroot, web)))
}

pub async fn get(app: Data<App>, web: Data<Web>, query: Query) -> Answer<BuildChrootDto> {
    one(&app, &web, Named::in_query(&query)?).await
}

pub async fn get_by_path(
    app: Data<App>,
    web: Data<Web>,
    path: Path<(String, String)>,
) -> Answer<BuildChrootDto> {
    one(&app, &web, path.into()).await
}

async fn all(app: &App, web: &Web, build: &str, page: Page) -> Answer<List<BuildChrootDto>> {
    let id = build_id(build)?;
    let view = app.store.read(move |conn| find_build(conn, id)).await?;
    let items = view.chroots.iter().map(|chroot| BuildChrootDto::new(&view, chroot, web)).collect();
    Ok(Json(List { items: page.slice(items), meta: Meta::from(&page) }))
}

/// Copr: the order that is asked for is not looked at.
pub async fn list(app: Data<App>, web: Data<Web>, query: Query) -> Answer<List<BuildChrootDto>> {
    let build = build_of(&query)?;
    all(&app, &web, &build, query.unordered_page()?).await
}

pub async fn list_by_path(
    app: Data<App>,
    web: Data<Web>,
    build: Path<String>,
    query: Query,
) -> Answer<List<BuildChrootDto>> {
    all(&app, &web, &build, query.unordered_page()?).await
}

async fn config(app: &App, named: Named) -> Answer<Value> {
    let context = app.context();
    let read = app.store.read(move |conn| {
        let (view, chroot) = find(conn, &named)?;
        let config = ops::build_chroot_config(conn, &context.settings, &view, chroot.chroot.as_str())?;
        Ok::<_, ApiError>(config_of_build(&view, &config))
    });
    Ok(Json(read.await?))
}

pub async fn build_config(app: Data<App>, query: Query) -> Answer<Value> {
    config(&app, Named::in_query(&query)?).await
}

pub async fn build_config_by_path(app: Data<App>, path: Path<(String, String)>) -> Answer<Value> {
    config(&app, path.into()).await
}

async fn packages_of(app: &App, named: Named) -> Answer<BuiltPackages> {
    let read = app.store.read(move |conn| {
        let (view, chroot) = find(conn, &named)?;
        let packages = packages_by_chroot(conn, view.build.id)?.remove(&chroot.chroot);
        Ok::<_, ApiError>(BuiltPackages { packages: packages.unwrap_or_default() })
    });
    Ok(Json(read.await?))
}

pub async fn packages(app: Data<App>, query: Query) -> Answer<BuiltPackages> {
    packages_of(&app, Named::in_query(&query)?).await
}

pub async fn packages_by_path(app: Data<App>, path: Path<(String, String)>) -> Answer<BuiltPackages> {
    packages_of(&app, path.into()).await
}
