//! New builds (contract sections 10.3 to 10.7).

use actix_web::web::{Data, Json, Path};
use coppice_store::{BuildView, Conn};
use serde_json::{Value, json};
use tokio::task::JoinError;

use super::{
    ApiError, ApiUser, Body, Fields, Form,
    build::build_id,
    build_dto::BuildDto,
    query::{List, Meta},
    source_dict::read_source,
};
use crate::{
    App,
    ops::{self, BuildRequest, Caller, OpError, Problem, SourceForm},
    uploads::Upload,
    web::Web,
};

pub async fn check(app: Data<App>, ApiUser(caller): ApiUser, body: Body) -> Result<Json<Value>, ApiError> {
    let (request, _) = request(&body.fields().await?)?;
    let checked = app.store.read(move |conn| ops::check_before_build(conn, &caller, &request));
    checked.await.map_err(ApiError::of_build)?;
    Ok(Json(json!({ "message": "It should be safe to submit a build like this" })))
}

/// One build for each address. Copr: the answer has the shape of a list.
pub async fn from_urls(
    app: Data<App>,
    web: Data<Web>,
    ApiUser(caller): ApiUser,
    body: Body,
) -> Result<Json<List<BuildDto>>, ApiError> {
    let (request, urls) = request(&body.fields().await?)?;
    let context = app.context();
    let submitted = app.store.write(move |tx| ops::submit_links(tx, &context, &caller, &request, &urls));
    let views = submitted.await.map_err(ApiError::of_build)?;
    let items = views.iter().map(|view| BuildDto::new(view, &web)).collect();
    Ok(Json(List { items, meta: Meta::NONE }))
}

/// Sources that a builder makes.
pub async fn from_method(
    app: Data<App>,
    web: Data<Web>,
    ApiUser(caller): ApiUser,
    method: Path<String>,
    body: Body,
) -> Result<Json<BuildDto>, ApiError> {
    let fields = body.fields().await?;
    let ((request, _), source) = (request(&fields)?, source(&fields)?);
    let context = app.context();
    let submitted =
        app.store.write(move |tx| ops::submit_method(tx, &context, &caller, &request, (&method, &source)));
    Ok(Json(BuildDto::new(&submitted.await.map_err(ApiError::of_build)?, &web)))
}

/// What was built before.
pub async fn again(
    app: Data<App>,
    web: Data<Web>,
    ApiUser(caller): ApiUser,
    id: Path<String>,
) -> Result<Json<BuildDto>, ApiError> {
    let (id, context) = (build_id(&id)?, app.context());
    let made = app.store.write(move |tx| ops::resubmit_build(tx, &context, &caller, (id, None))).await?;
    Ok(Json(BuildDto::new(&made, &web)))
}

/// An SRPM or a spec file.
pub async fn from_upload(
    app: Data<App>,
    web: Data<Web>,
    ApiUser(caller): ApiUser,
    body: Body,
) -> Result<Json<BuildDto>, ApiError> {
    uploaded(app, web, (caller, body), ops::submit_upload).await
}

/// A finished package.
pub async fn from_package(
    app: Data<App>,
    web: Data<Web>,
    ApiUser(caller): ApiUser,
    body: Body,
) -> Result<Json<BuildDto>, ApiError> {
    uploaded(app, web, (caller, body), ops::submit_package_file).await
}

/// What becomes of an uploaded file.
pub type Rule =
    fn(&mut Conn, &ops::Context, &Caller, &BuildRequest, &ops::Upload) -> Result<BuildView, OpError>;

/// The file is on disk before the build exists, and goes when there will be none.
async fn uploaded(
    app: Data<App>,
    web: Data<Web>,
    (caller, body): (Caller, Body),
    rule: Rule,
) -> Result<Json<BuildDto>, ApiError> {
    let (fields, mut files) = body.with_files(&web.uploads).await?;
    let (request, _) = request(&fields)?;
    let Some(file) = files.pop() else { return Err(no_file()) };
    let submitted = submit_file(app, caller, (request, file), rule).await.map_err(ApiError::internal)?;
    Ok(Json(BuildDto::new(&submitted.map_err(ApiError::of_build)?, &web)))
}

/// A client that goes away now must not take the file from a build that exists.
pub async fn submit_file(
    app: Data<App>,
    caller: Caller,
    sent: (BuildRequest, Upload),
    rule: Rule,
) -> Result<Result<BuildView, OpError>, JoinError> {
    tokio::spawn(submit(app, caller, sent, rule)).await
}

fn no_file() -> ApiError {
    ApiError::dict(&[Problem::new("pkgs", "This field is required.")])
}

async fn submit(
    app: Data<App>,
    caller: Caller,
    (request, file): (BuildRequest, Upload),
    rule: Rule,
) -> Result<BuildView, OpError> {
    let context = app.context();
    let named = ops::Upload { path: file.path(), file_name: file.file_name.clone() };
    let view = app.store.write(move |tx| rule(tx, &context, &caller, &request, &named)).await?;
    file.keep();
    Ok(view)
}

/// The source of a build that a builder makes.
pub fn source(fields: &Fields) -> Result<SourceForm, ApiError> {
    let mut form = Form::new(fields);
    let source = read_source(&mut form);
    form.finish_build()?;
    Ok(source)
}

/// The options and the addresses, which only `create/url` has.
pub fn request(fields: &Fields) -> Result<(BuildRequest, Vec<String>), ApiError> {
    let mut form = Form::new(fields);
    let request = BuildRequest {
        ownername: form.required("ownername"),
        projectname: form.required("projectname"),
        project_dirname: form.text("project_dirname").filter(|dir| !dir.is_empty()),
        chroots: form.words("chroots"),
        exclude_chroots: form.words("exclude_chroots").unwrap_or_default(),
        timeout: form.integer("timeout"),
        background: form.flag("background").unwrap_or(false),
        enable_net: form.flag("enable_net"),
        bootstrap: form.text("bootstrap"),
        isolation: form.text("isolation"),
        after_build_id: form.integer("after_build_id"),
        with_build_id: form.integer("with_build_id"),
        packit_forge_project: form.text("packit_forge_project"),
    };
    let urls = form.words("pkgs").unwrap_or_default();
    form.finish_build()?;
    Ok((request, urls))
}
