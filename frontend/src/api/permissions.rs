//! Roles in projects of others (contract section 8).

use actix_web::web::{Data, Json, Path};
use coppice_model::permission::{PermissionState, Role};
use coppice_store::Roles;
use serde_json::{Map, Value, json};

use super::{ApiError, ApiUser, Body, Fields, Form};
use crate::{
    App,
    ops::{self, OpError, find_project},
};

type Answer = Result<Json<Value>, ApiError>;
type OwnerAndName = Path<(String, String)>;

pub async fn list(app: Data<App>, ApiUser(caller): ApiUser, path: OwnerAndName) -> Answer {
    let (owner, name) = path.into_inner();
    let read = app.store.read(move |conn| {
        let project = find_project(conn, &owner, &name)?;
        ops::list_permissions(conn, &caller, &project)
    });
    let entry = |roles: Roles| json!({ "admin": roles.admin, "builder": roles.builder });
    let all: Map<String, Value> =
        read.await?.into_iter().map(|(user, roles)| (user.to_string(), entry(roles))).collect();
    Ok(Json(json!({ "permissions": all })))
}

pub async fn set(app: Data<App>, ApiUser(caller): ApiUser, path: OwnerAndName, body: Body) -> Answer {
    let wishes = grants(&body.fields().await?)?;
    let (owner, name) = path.into_inner();
    let changed = app.store.write(move |tx| {
        let project = find_project(tx, &owner, &name)?;
        ops::set_permissions(tx, &caller, &project, &wishes)
    });
    Ok(Json(json!({ "updated": changed.await? })))
}

pub async fn request(app: Data<App>, ApiUser(caller): ApiUser, path: OwnerAndName, body: Body) -> Answer {
    let wishes = requests(&body.fields().await?)?;
    let (owner, name) = path.into_inner();
    let changed = app.store.write(move |tx| {
        let project = find_project(tx, &owner, &name)?;
        ops::request_permissions(tx, &caller, &project, &wishes)
    });
    Ok(Json(json!({ "updated": changed.await? })))
}

/// Copr: a group is answered without its `@`.
pub async fn can_build_in(app: Data<App>, path: Path<(String, String, String)>) -> Answer {
    let (who, owner, name) = path.into_inner();
    let mut answer = json!({ "who": who, "ownername": owner.trim_start_matches('@'), "projectname": name });
    let read = app.store.read(move |conn| {
        let project = find_project(conn, &owner, &name)?;
        ops::can_build_in(conn, &who, &project)
    });
    let can: Result<bool, OpError> = read.await;
    answer["can_build_in"] = can?.into();
    Ok(Json(answer))
}

type Grants = Vec<(String, Vec<(Role, PermissionState)>)>;

/// User → role → state.
fn grants(fields: &Fields) -> Result<Grants, ApiError> {
    let no_object =
        |name: &str| ApiError::BadRequest(format!("{name}: an object of roles and states is needed"));
    let of_user = |(name, roles): (&str, &Value)| {
        let roles = roles.as_object().ok_or_else(|| no_object(name))?;
        let given = roles.iter().filter(|(_, state)| !state.is_null());
        let read = given.map(|(role, state)| Ok((role_of(role)?, state_of(role, state)?)));
        Ok((name.to_owned(), read.collect::<Result<_, ApiError>>()?))
    };
    fields.iter().map(of_user).collect()
}

/// Role → whether it is asked for.
fn requests(fields: &Fields) -> Result<Vec<(Role, bool)>, ApiError> {
    let mut form = Form::new(fields);
    let mut wishes = Vec::new();
    for (name, _) in fields.iter() {
        let role = role_of(name)?;
        wishes.extend(form.flag(name).map(|wanted| (role, wanted)));
    }
    form.finish()?;
    Ok(wishes)
}

fn role_of(name: &str) -> Result<Role, ApiError> {
    name.parse()
        .map_err(|_| ApiError::BadRequest(format!("invalid permission '{name}', allowed admin|builder")))
}

fn state_of(role: &str, state: &Value) -> Result<PermissionState, ApiError> {
    state.as_str().and_then(|state| state.parse().ok()).ok_or_else(|| {
        let state = state.as_str().map_or_else(|| state.to_string(), ToOwned::to_owned);
        ApiError::BadRequest(format!(
            "invalid '{role}' permission state '{state}', use nothing|request|approved"
        ))
    })
}
