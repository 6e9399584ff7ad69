//! Packages (contract section 12).

use std::collections::HashMap;

use actix_web::{
    http::StatusCode,
    web::{Data, Json, Path},
};
use coppice_model::{PackageName, ProjectRef};
use coppice_store::{BuildLine, Conn, Package, Page, Project, builds, packages};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    ApiError, ApiUser, Body, Fields, Form,
    build_dto::BuildDto,
    build_submit,
    query::{Listing, Query},
    source_dict::{read_source, source_dict},
};
use crate::{
    App,
    ops::{self, OpError, PackageForm, find_package, find_project},
    web::Web,
};

/// Copr: longer lists must be asked for in parts.
const LONGEST_LIST: usize = 10_000;

type Answer = Result<Json<PackageDto>, ApiError>;

#[derive(Debug, Serialize, JsonSchema)]
pub struct PackageDto {
    id: i64,
    name: String,
    ownername: String,
    projectname: String,
    source_type: &'static str,
    source_dict: Value,
    auto_rebuild: bool,
    builds: Latest,
}

/// `null` unless they were asked for.
#[derive(Debug, Default, Serialize, JsonSchema)]
struct Latest {
    latest: Option<BuildDto>,
    latest_succeeded: Option<BuildDto>,
}

impl PackageDto {
    fn new(package: &Package, project: &ProjectRef, web: &Web) -> Self {
        let none = || ("unset", json!({}));
        let (source_type, source_dict) =
            package.source.as_ref().map_or_else(none, |source| source_dict(source, web));
        Self {
            id: package.id.0,
            name: package.name.to_string(),
            ownername: project.owner.to_string(),
            projectname: project.name.to_string(),
            source_type,
            source_dict,
            auto_rebuild: package.settings.webhook_rebuild,
            builds: Latest::default(),
        }
    }
}

/// Packages with those of their builds that were asked for.
struct Listed {
    project: ProjectRef,
    packages: Vec<Package>,
    latest: HashMap<PackageName, BuildLine>,
    succeeded: HashMap<PackageName, BuildLine>,
}

/// Which builds are wanted.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    latest: bool,
    succeeded: bool,
}

impl Wanted {
    fn read(query: &Query) -> Self {
        Self { latest: query.flag("with_latest_build"), succeeded: query.flag("with_latest_succeeded_build") }
    }

    /// Copr: for a single package every text means yes, `False` too.
    fn read_for_one(query: &Query) -> Self {
        let is_given = |name| query.get(name).is_some_and(|text| !text.is_empty());
        Self { latest: is_given("with_latest_build"), succeeded: is_given("with_latest_succeeded_build") }
    }

    /// A fixed number of statements, however many packages there are.
    fn of(self, conn: &mut Conn, project: &Project, packages: Vec<Package>) -> Result<Listed, OpError> {
        let names: Vec<PackageName> = packages.iter().map(|package| package.name.clone()).collect();
        let mut newest = |is_wanted: bool, only_succeeded: bool| match is_wanted {
            true => builds::latest_of_packages(conn, project.id, &names, only_succeeded),
            false => Ok(HashMap::new()),
        };
        let (latest, succeeded) = (newest(self.latest, false)?, newest(self.succeeded, true)?);
        Ok(Listed { project: project.reference(), packages, latest, succeeded })
    }
}

impl Listed {
    fn dtos(&self, web: &Web) -> Vec<PackageDto> {
        let dto = |package: &Package| {
            let mut dto = PackageDto::new(package, &self.project, web);
            let shown = |line: Option<&BuildLine>| line.map(|line| BuildDto::of_line(line.clone(), web));
            dto.builds.latest = shown(self.latest.get(&package.name));
            dto.builds.latest_succeeded = shown(self.succeeded.get(&package.name));
            dto
        };
        self.packages.iter().map(dto).collect()
    }
}

pub async fn get(app: Data<App>, web: Data<Web>, query: Query) -> Answer {
    let (owner, name) = (query.required("ownername")?.to_owned(), query.required("projectname")?.to_owned());
    let (package, wanted) = (query.required("packagename")?.to_owned(), Wanted::read_for_one(&query));
    let read = app.store.read(move |conn| {
        let project = find_project(conn, &owner, &name)?;
        let package = find_package(conn, &project, &package)?;
        wanted.of(conn, &project, vec![package])
    });
    let dto = read.await?.dtos(&web).pop();
    dto.map(Json).ok_or_else(|| ApiError::NotFound("The package is gone.".into()))
}

pub async fn list(app: Data<App>, web: Data<Web>, query: Query) -> Result<Listing<PackageDto>, ApiError> {
    let (owner, name) = (query.required("ownername")?.to_owned(), query.required("projectname")?.to_owned());
    let (page, wanted) = (query.page(&["id", "name"], "package")?, Wanted::read(&query));
    let asked = page.clone();
    let read = app.store.read(move |conn| {
        let project = find_project(conn, &owner, &name)?;
        let found = if asked.is_by_id() {
            packages::list(conn, project.id, asked.cut())?
        } else {
            asked.slice(ordered(packages::list(conn, project.id, Page::ALL)?, &asked))
        };
        ensure_short(&found)?;
        Ok::<_, ApiError>(wanted.of(conn, &project, found)?)
    });
    let items = read.await?.dtos(&web);
    Ok(match page.is_by_id() {
        true => Listing::by_id(items, &page, |package| package.id),
        false => Listing::ordered(items, &page),
    })
}

fn ordered(mut all: Vec<Package>, page: &super::query::Page) -> Vec<Package> {
    if page.order == "name" {
        all.sort_by(|a, b| a.name.as_str().cmp(b.name.as_str()));
    }
    if page.descending {
        all.reverse();
    }
    all
}

fn ensure_short(found: &[Package]) -> Result<(), ApiError> {
    if found.len() <= LONGEST_LIST {
        return Ok(());
    }
    let text = format!("Too many packages: ask for at most {LONGEST_LIST} at once, with limit and offset.");
    Err(ApiError::Refused { status: StatusCode::PAYLOAD_TOO_LARGE, text })
}

pub async fn add(
    app: Data<App>,
    web: Data<Web>,
    ApiUser(caller): ApiUser,
    path: Path<(String, String, String, String)>,
    body: Body,
) -> Answer {
    let form = package_form(&body.fields().await?)?;
    let ((owner, project, name, kind), context) = (path.into_inner(), app.context());
    let added = app.store.write(move |tx| {
        let project = find_project(tx, &owner, &project)?;
        let package = ops::add_package(tx, &context, &caller, &project, (&name, &kind, &form))?;
        Ok::<_, OpError>((package, project.reference()))
    });
    let (package, project) = added.await?;
    Ok(Json(PackageDto::new(&package, &project, &web)))
}

/// Without a type the package keeps its own.
pub async fn edit(
    app: Data<App>,
    web: Data<Web>,
    ApiUser(caller): ApiUser,
    path: Path<PackagePath>,
    body: Body,
) -> Answer {
    let (form, context) = (package_form(&body.fields().await?)?, app.context());
    let PackagePath { owner, project, package, kind } = path.into_inner();
    let changed = app.store.write(move |tx| {
        let project = find_project(tx, &owner, &project)?;
        let package = ops::edit_package(tx, &context, &caller, &project, (&package, kind.as_deref(), &form))?;
        Ok::<_, OpError>((package, project.reference()))
    });
    let (package, project) = changed.await?;
    Ok(Json(PackageDto::new(&package, &project, &web)))
}

#[derive(Debug, Deserialize)]
pub struct PackagePath {
    owner: String,
    project: String,
    package: String,
    kind: Option<String>,
}

pub async fn reset(app: Data<App>, web: Data<Web>, ApiUser(caller): ApiUser, body: Body) -> Answer {
    let (owner, project, name) = named(&body.fields().await?)?;
    let reset = app.store.write(move |tx| {
        let project = find_project(tx, &owner, &project)?;
        Ok::<_, OpError>((ops::reset_package(tx, &caller, &project, &name)?, project.reference()))
    });
    let (package, project) = reset.await?;
    Ok(Json(PackageDto::new(&package, &project, &web)))
}

pub async fn delete(app: Data<App>, web: Data<Web>, ApiUser(caller): ApiUser, body: Body) -> Answer {
    let ((owner, project, name), context) = (named(&body.fields().await?)?, app.context());
    let deleted = app.store.write(move |tx| {
        let project = find_project(tx, &owner, &project)?;
        let package = ops::delete_package(tx, &context, &caller, &project, &name)?;
        Ok::<_, OpError>((package, project.reference()))
    });
    let (package, project) = deleted.await?;
    Ok(Json(PackageDto::new(&package, &project, &web)))
}

pub async fn build(
    app: Data<App>,
    web: Data<Web>,
    ApiUser(caller): ApiUser,
    body: Body,
) -> Result<Json<BuildDto>, ApiError> {
    let fields = body.fields().await?;
    let ((_, _, name), context) = (named(&fields)?, app.context());
    let (request, _) = build_submit::request(&fields)?;
    let built = app.store.write(move |tx| ops::build_package(tx, &context, &caller, &request, &name));
    Ok(Json(BuildDto::new(&built.await.map_err(ApiError::of_build)?, &web)))
}

fn named(fields: &Fields) -> Result<(String, String, String), ApiError> {
    let mut form = Form::new(fields);
    let named = (form.required("ownername"), form.required("projectname"), form.required("package_name"));
    form.finish()?;
    Ok(named)
}

/// The source and the settings of a package.
pub fn package_form(fields: &Fields) -> Result<PackageForm, ApiError> {
    let mut form = Form::new(fields);
    let read = PackageForm {
        webhook_rebuild: form.flag("webhook_rebuild"),
        max_builds: form.integer("max_builds"),
        timeout: form.integer("timeout"),
        chroot_denylist: form.text("chroot_denylist"),
        source: read_source(&mut form),
    };
    form.finish()?;
    Ok(read)
}
